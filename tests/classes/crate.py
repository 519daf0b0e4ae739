"""A second class for tests: boxes on an axle, with an exact world of their own."""

import numpy as np

from ganverse_jax.classes import ObjectClass
from ganverse_jax.classes.solids import MARK, loft
from ganverse_jax.scene.meshes import PredictedMeshes, render_meshes

CORNERS = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
# Outward, two triangles for each of -x, +x, -y, +y, -z, +z.
SIDES = np.array(
    [(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
     (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)]
)  # fmt: skip
FACES = np.concatenate([SIDES, SIDES + len(CORNERS)]).astype(np.int32)
FRONT = (10, 11)  # the faces of +z, in the texture's right half
UV = np.array([[0.25, 0.5], [0.75, 0.5]], np.float32)


class CrateWorld:
    """Boxes of random sizes and bright colours with a red front, an axle across, before dark grounds."""

    elevations, distance_jitter = (0.0, 0.5), 0.04

    def __init__(self, resolution, split="train", seed=0, fov_degrees=30.0, distance=4.2):
        self.resolution, self.split, self.seed = resolution, split, seed
        self.fov_degrees, self.distance = fov_degrees, distance

    @property
    def settings(self):
        return {"world": "crates"} | vars(self)

    def _random(self, index, stream):
        split = ("train", "validation", "test").index(self.split)
        return np.random.default_rng([self.seed, split, int(index), stream])

    def _meshes(self, indices):
        half = np.stack([self._random(i, 0).uniform((0.3, 0.25, 0.5), (0.5, 0.45, 0.8)) for i in indices])
        axle = np.stack([half[:, 0] + 0.15, np.full(len(half), 0.1), np.full(len(half), 0.1)], axis=1)
        vertices = np.stack([half, axle], axis=1)[:, :, None] * CORNERS
        texture = np.full((len(half), 2, 2, 3), (0.9, 0.2, 0.1), np.float32)
        texture[:, :, :1] = np.stack([self._random(i, 1).uniform(0.6, 1.0, 3) for i in indices])[
            :, None, None
        ]
        uv_faces = np.zeros_like(FACES)
        uv_faces[list(FRONT)] = 1
        return PredictedMeshes(
            vertices.reshape(len(half), -1, 3).astype(np.float32), texture, FACES, UV, uv_faces
        )

    def render(self, indices):
        unit = np.stack([self._random(i, 2).uniform(size=3) for i in indices])
        low, high = self.elevations
        distance = self.distance * (1 + self.distance_jitter * (2 * unit[:, 2] - 1))
        return self.render_views(indices, 2 * np.pi * unit[:, 0], low + (high - low) * unit[:, 1], distance)

    def render_views(self, object_indices, azimuth, elevation, distance=None):
        drawn = self._drawn(object_indices, azimuth, elevation, distance)
        ground = np.stack([self._random(i, 3).uniform(0, 0.2, 3) for i in object_indices])[:, None, None]
        outside = 1.0 - drawn["mask"][..., None] / 255.0
        image = drawn.pop("colour") + outside * ground
        return drawn | {"image": np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)}

    def render_object(self, object_indices, azimuth, elevation, distance=None):
        drawn = self._drawn(object_indices, azimuth, elevation, distance)
        image = drawn.pop("colour") + (1.0 - drawn["mask"][..., None] / 255.0)
        return drawn | {"image": np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)}

    def _drawn(self, indices, azimuth, elevation, distance):
        indices, distance = np.asarray(indices), self.distance if distance is None else distance
        cameras = {
            "azimuth": np.asarray(azimuth, np.float32),
            "elevation": np.asarray(elevation, np.float32),
            "distance": np.broadcast_to(np.asarray(distance, np.float32), indices.shape),
        }
        size, fov_y = (self.resolution, self.resolution), float(np.radians(self.fov_degrees))
        colour, mask = render_meshes(self._meshes(indices), np.arange(len(indices)), cameras, size, fov_y)
        return cameras | {"colour": colour, "mask": (255 * mask).astype(np.uint8), "index": indices}

    def surfaces(self, indices):
        return self._meshes(indices).vertices, FACES

    def solid(self, index):
        vertices = self._meshes([index]).vertices[0]
        return [(vertices[:8], SIDES), (vertices[8:], SIDES)]


def drawing():
    """A box with a marked front."""
    box = [(-0.8, 0.0, 0.4, 0.3), (0.8, 0.0, 0.4, 0.3)]
    return loft(box, corner=0.9) + loft([(0.8, 0.0, 0.3, 0.2), (0.85, 0.0, 0.3, 0.2)], tone=MARK)


CRATE = ObjectClass("crate", "crates", drawing, world=CrateWorld)
