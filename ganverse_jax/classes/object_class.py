"""What a class of objects is to the rest of the program: a value, and the protocol of its toy world."""

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

    drawing() gives the facets of the annotator's drawing; keypoints: the points that a person clicks, in
    order, and places: where they lie on the drawing (left and middle ones, right ones are mirror images).
    labels: its id for each card of Mask R-CNN exports. world(resolution=, split=, seed=, fov_degrees=,
    distance=) makes its toy world, None where there is none.
    """

    name: str
    plural: str
    drawing: Callable[[], list[Facet]]
    keypoints: tuple[str, ...] = ()
    places: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    world: Callable[..., World] | None = None

    @property
    def mirror_pairs(self) -> tuple[tuple[int, int], ...]:
        """The pairs (left, right) of indices into `keypoints` that the mirror plane x = 0 exchanges."""
        return tuple(
            (index, self.keypoints.index(name.replace("left ", "right ", 1)))
            for index, name in enumerate(self.keypoints)
            if name.startswith("left ")
        )

    def position(self, name: str) -> tuple[float, float, float]:
        """The named point on the drawing's solid. Raises KeyError for a name that has no place."""
        if name.startswith("right "):
            x, y, z = self.places[name.replace("right ", "left ", 1)]
            return -x, y, z
        return self.places[name]
