"""Meshes as pictures: on white, from six sides, in clay."""

import numpy as np

from ganverse_jax.runtime.pixels import unit_to_uint8
from ganverse_jax.scene.meshes import PredictedMeshes, render_meshes

NUM_TURNS = 6
TURN_ELEVATION = np.radians(15.0)
# A lamp above and in front, over soft ambient light, as spherical harmonics (constant, y, z, x, then none).
CLAY = 0.72
CLAY_LIGHT = np.array([2.2, 0.75, 0.35, 0.25, 0, 0, 0, 0, 0], np.float32)


def render_on_white(meshes, rows, camera, size, fov_y, **options) -> np.ndarray:
    """Meshes `rows` [m], each from its own camera [m], uint8 [m h w 3]; options of `render_meshes`."""
    return unit_to_uint8(on_white(*render_meshes(meshes, rows, camera, size, fov_y, **options)))


def on_white(colour: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Renders [n h w 3] with their masks [n h w], both in [0, 1], on white."""
    return colour * mask[..., None] + (1.0 - mask[..., None])


def turn_round(meshes, rows, cameras, size, fov_y, **options) -> np.ndarray:
    """Meshes `rows` [m] from six sides: uint8 [m 6 h w 3] on white, azimuth 0, 60, ... 300 degrees."""
    camera = turn_cameras(len(rows), np.mean(cameras["distance"]))
    sides = render_on_white(meshes, np.repeat(rows, NUM_TURNS), camera, size, fov_y, **options)
    return sides.reshape(len(rows), NUM_TURNS, *sides.shape[1:])


def turn_cameras(count: int, distance: float) -> dict[str, np.ndarray]:
    """The cameras of `turn_round`, six for each of `count` objects in a row."""
    return {
        "azimuth": np.tile(np.arange(NUM_TURNS) * 2 * np.pi / NUM_TURNS, count),
        "elevation": np.full(count * NUM_TURNS, TURN_ELEVATION),
        "distance": np.full(count * NUM_TURNS, distance),
    }


def clay(meshes: PredictedMeshes) -> PredictedMeshes:
    """The meshes in plain grey; lit by CLAY_LIGHT they show the shape alone."""
    return meshes._replace(texture=np.full((len(meshes.texture), 2, 2, 3), CLAY, np.float32))
