"""What a class of objects is to the rest of the program: a value, and the protocol of its toy world."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ganverse_jax.classes.solids import Facet


class World(Protocol):
    """An endless world of rendered objects with exact truth, deterministic per (seed, split, index).

    resolution of its square pictures; fov_degrees, distance: vertical field of view and nominal distance of
    its cameras, elevations (radians), distance_jitter: the ranges they are drawn from; settings: everything
    its pictures depend on, for cache files, "world" among them as its name.
    """

    resolution: int
    fov_degrees: float
    distance: float
    elevations: tuple[float, float]
    distance_jitter: float
    settings: dict[str, Any]

    def render(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """image uint8 [n h w 3], mask uint8 [n h w], azimuth, elevation, distance [n], index [n]."""

    def render_views(self, object_indices, azimuth, elevation, distance=None) -> dict[str, np.ndarray]:
        """The given objects [n] from given cameras [n], in front of their backgrounds, as `render`."""

    def render_object(self, object_indices, azimuth, elevation, distance=None) -> dict[str, np.ndarray]:
        """The given objects alone on white, as `render`."""

    def surfaces(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Exact meshes over one connectivity: vertices [n v 3], faces [f 3]."""

    def solid(self, index: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Closed, outward-oriented parts (vertices, faces) whose union is the object's volume."""

    def click_keypoints(
        self, index: int, names: Sequence[str], cameras, *, noise_pixels: float = 0.0, seed: int = 0
    ) -> Any:
        """points [k p 2] in pixels and visible [k p] of the named points of one object in k views."""


@dataclass(frozen=True)
class ObjectClass:
    """One class of objects, plugged in by `classes.get`.

    drawing() gives the facets of the annotator's drawing; places: where the points that a person clicks lie
    on it, in the order in which they are asked for, each a point that a photograph shows as a spot, not as an
    outline. Of a pair the left one alone is given (left is the object's own, the +x side, seen from azimuth
    90 degrees), the right one is its mirror image. labels: its id for each card of Mask R-CNN exports.
    world(resolution=, split=, seed=, fov_degrees=, distance=) makes its toy world, None where there is none;
    that of an articulated class takes pose="free" or "frozen" too.
    """

    name: str
    plural: str
    drawing: Callable[[], list[Facet]]
    places: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    world: Callable[..., World] | None = None
    articulated: bool = False

    @property
    def keypoints(self) -> tuple[str, ...]:
        """The names of all points: those of `places`, every left one followed by its right one."""
        pairs = ((name, _mirrored(name)) if name.startswith("left ") else (name,) for name in self.places)
        return tuple(itertools.chain.from_iterable(pairs))

    @property
    def mirror_pairs(self) -> tuple[tuple[int, int], ...]:
        """The pairs (left, right) of indices into `keypoints` that the mirror plane x = 0 exchanges."""
        left = (index for index, name in enumerate(self.keypoints) if name.startswith("left "))
        return tuple((index, index + 1) for index in left)

    def position(self, name: str) -> tuple[float, float, float]:
        """The named point on the drawing's solid. Raises KeyError for a name that has no place."""
        if name.startswith("right "):
            x, y, z = self.places[_mirrored(name)]
            return -x, y, z
        return self.places[name]


def _mirrored(name: str) -> str:
    side, _, point = name.partition(" ")
    return f"{'right' if side == 'left' else 'left'} {point}"
