"""Toy worlds: endless, exactly known, deterministic per (seed, split, index)."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from ganverse_jax.classes.toy import renderer, sampling, shapes
from ganverse_jax.classes.toy.keypoints import Clicks, appearance

_CHUNK, _BLOCK = 16, 256


class Objects(NamedTuple):
    """n objects: vertices [n v 3], colors [n ...], placed and truth as dicts of arrays [n ...].

    placed: the height of the "ground", and what the surface's shadow reads; truth: what `render` tells.
    """

    vertices: np.ndarray
    colors: np.ndarray
    placed: dict[str, np.ndarray]
    truth: dict[str, np.ndarray]


class ToyWorld(ABC):
    """A class's toy world at one resolution; see `classes.World`.

    Args: resolution in pixels (square images); seed; split "train", "validation" or "test" (disjoint objects,
    cameras and backgrounds); supersample: coverage samples per pixel and axis; fov_degrees: vertical field of
    view; distance: nominal camera distance in world units; implementation: the rasterizer's kernel.
    Raises ValueError for settings out of range.
    """

    elevations, distance_jitter = sampling.ELEVATION_RANGE, sampling.DISTANCE_JITTER
    # Of each class: the world's name and the version of its pictures, their surface, its closed parts, its
    # surroundings.
    name: str
    version: int
    surface: renderer.Surface
    parts: Sequence[shapes.Part]
    backdrops: sampling.Backdrops

    @abstractmethod
    def objects(self, unit: np.ndarray) -> Objects:
        """The objects of uniform numbers [n sampling.NUM_UNIFORMS]."""

    @staticmethod
    @abstractmethod
    def locate(vertices: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """The points [p 3] of those names on an object of vertices [v 3]. Raises ValueError for others."""

    def __init__(
        self,
        resolution: int = 64,
        seed: int = 0,
        split: str = "train",
        supersample: int = 3,
        fov_degrees: float = 30.0,
        distance: float = 4.2,
        implementation: str | None = None,
    ):
        if not 8 <= resolution <= 2048:
            raise ValueError(f"resolution {resolution} is out of range; use 8 to 2048 pixels")
        if split not in sampling.SPLITS:
            raise ValueError(f"split {split!r} is unknown; use one of {', '.join(sampling.SPLITS)}")
        if seed < 0:
            raise ValueError(f"seed {seed} is negative; use 0 or above")
        if not 1 <= supersample <= 8:
            raise ValueError(f"supersample {supersample} is out of range; use 1 to 8 samples per axis")
        if not 1 <= fov_degrees <= 120 or not distance > 1.5:
            raise ValueError(f"fov_degrees {fov_degrees} must be 1 to 120 and distance {distance} above 1.5")
        self.resolution, self.seed, self.split, self.supersample = resolution, seed, split, supersample
        self.fov_degrees, self.distance, self.implementation = (
            float(fov_degrees),
            float(distance),
            implementation,
        )

    @property
    def settings(self) -> dict:
        """Everything the images depend on, for cache files and fingerprints."""
        return {
            "world": self.name,
            "version": self.version,
            "resolution": self.resolution,
            "seed": self.seed,
            "split": self.split,
            "supersample": self.supersample,
            "fov_degrees": self.fov_degrees,
            "distance": self.distance,
        }

    def render(self, indices) -> dict[str, np.ndarray]:
        """Image, mask and truth of the samples `indices` [n]: object, camera and background of that index.

        Returns image uint8 [n h w 3], mask uint8 [n h w] (antialiased coverage), azimuth, elevation, distance
        float32 [n] (radians, world units), index int64 [n], and what its class tells of its objects.
        """
        indices = _indices(indices, "indices")
        camera = sampling.sample_cameras(self._unit(indices, "camera"), self.distance)
        return self._render(indices, camera, indices, "scene")

    def render_views(self, object_indices, azimuth, elevation, distance=None, background_indices=None):
        """The given objects [n] from given cameras [n] (radians); returns the same dict as `render`.

        distance defaults to the nominal one; background_indices [n] default to the objects' own.
        """
        indices = _indices(object_indices, "object_indices")
        others = indices if background_indices is None else _indices(background_indices, "background_indices")
        return self._render(indices, self._camera(indices, azimuth, elevation, distance), others, "scene")

    def render_object(
        self,
        object_indices,
        azimuth,
        elevation,
        distance=None,
        *,
        shaded: bool = True,
    ):
        """Objects alone on white, without shadows; lit as in front of a background, or plain face colours."""
        indices = _indices(object_indices, "object_indices")
        style = "shaded" if shaded else "albedo"
        return self._render(indices, self._camera(indices, azimuth, elevation, distance), indices, style)

    def surfaces(self, indices) -> tuple[np.ndarray, np.ndarray]:
        """Exact meshes of the objects [n] over one connectivity: vertices [n v 3] float32, faces [f 3] int32.

        Parts that an object lacks have no area.
        """
        return self._objects(_indices(indices, "indices")).vertices.astype(np.float32), self.surface.faces

    def solid(self, index: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Closed, outward-oriented parts (vertices [v 3], faces [f 3]) whose union is its volume.

        A point is inside the object where the winding number of any part is 1.
        """
        vertices = self.surfaces([index])[0][0]
        ranges = [(part.vertices, part.faces) for part in self.parts]
        parts = [(vertices[own], self.surface.faces[faces] - own.start) for own, faces in ranges]
        return [part for part in parts if shapes.signed_volume(part[0].astype(np.float64), part[1]) >= 1e-9]

    def click_keypoints(
        self, index: int, names, cameras, *, noise_pixels: float = 0.0, seed: int = 0
    ) -> Clicks:
        """What a person would click in views of one object: the visible ones of its points `names`, in
        pixels.

        cameras: azimuth, elevation (radians) and distance [k]; noise_pixels: standard deviation of Gaussian
        noise on x and on y. Clicks stay inside the picture.
        """
        vertices, faces = self.surfaces([index])
        exact, visible = appearance(
            (vertices[0], faces),
            self.locate(vertices[0], names),
            cameras,
            resolution=self.resolution,
            fov_y=float(np.radians(self.fov_degrees)),
        )
        noise = np.random.default_rng((seed, index)).normal(size=exact.shape)
        return Clicks(np.clip(exact + noise_pixels * noise, 0, self.resolution), visible)

    def _unit(self, indices, stream):
        return sampling.uniforms(self.seed, self.split, indices, stream)

    def _objects(self, indices):
        return self.objects(self._unit(indices, "object"))

    def _camera(self, indices, azimuth, elevation, distance):
        values = {
            "azimuth": azimuth,
            "elevation": elevation,
            "distance": self.distance if distance is None else distance,
        }
        return {k: np.broadcast_to(np.asarray(v, np.float32), indices.shape) for k, v in values.items()}

    def _render(self, indices, camera, background_indices, style):
        size, count = self.resolution, len(indices)
        images, masks = np.zeros((count, size, size, 3), np.uint8), np.zeros((count, size, size), np.uint8)
        truths = []
        for start in range(0, count, _BLOCK):
            block = slice(start, min(start + _BLOCK, count))
            inputs, truth = self._inputs(indices[block], camera, background_indices[block], block)
            truths.append(truth)
            # Drawn asynchronously: the last images of a block are computed while the first are copied.
            drawn = [self._draw(inputs, first, style) for first in range(0, block.stop - start, _CHUNK)]
            for k, (image, mask) in enumerate(drawn):
                rows = slice(start + k * _CHUNK, min(start + (k + 1) * _CHUNK, block.stop))
                images[rows] = np.asarray(image)[: rows.stop - rows.start]
                masks[rows] = np.asarray(mask)[: rows.stop - rows.start]
        if not truths:  # no picture at all
            any_object = self.objects(np.zeros((1, sampling.NUM_UNIFORMS))).truth
            truths.append({name: values[:0] for name, values in any_object.items()})
        truth = {name: np.concatenate([each[name] for each in truths]) for name in truths[0]}
        return {"image": images, "mask": masks, **camera, "index": indices, **truth}

    def _inputs(self, indices, camera, background_indices, block):
        vertices, colors, placed, truth = self._objects(indices)
        background = sampling.sample_backgrounds(self._unit(background_indices, "background"), self.backdrops)
        cameras = tuple(camera[name][block] for name in ("azimuth", "elevation", "distance"))
        return (vertices, colors, background, placed, cameras), truth

    def _draw(self, inputs, first, style):
        # Every call has the same batch size (the last image is repeated), so that one compiled program
        # serves all and an image cannot depend on what else was asked for.
        rows = np.minimum(np.arange(first, first + _CHUNK), len(inputs[0]) - 1)
        fov_y = float(np.radians(self.fov_degrees))
        drawing = renderer.Drawing(
            self.surface, self.resolution, self.supersample, fov_y, self.implementation
        )
        return renderer.draw(*jax.tree.map(lambda array: array[rows], inputs), drawing=drawing, style=style)


class PosedWorld(ToyWorld):
    """A world of animals. pose: "free", or "frozen" for the same animals all in their rest pose."""

    pose_numbers: slice  # of an object's uniform numbers those that its pose is drawn from

    def __init__(self, resolution: int = 64, *, pose: str = "free", **settings):
        super().__init__(resolution, **settings)
        if pose not in ("free", "frozen"):
            raise ValueError(f"pose {pose!r} is unknown; use free or frozen")
        self.pose = pose

    @property
    def frozen(self) -> bool:
        """Whether all are in their rest pose."""
        return self.pose == "frozen"

    @property
    def settings(self) -> dict:
        """Everything the images depend on, for cache files and fingerprints."""
        return super().settings | {"pose": self.pose}


def _indices(values, name: str) -> np.ndarray:
    array = np.asarray(values)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array.size and array.min() < 0):
        raise ValueError(f"{name} must be a one-dimensional array of integers >= 0, got {values!r}")
    return array.astype(np.int64)
