"""Sample sheets of inverse graphics: what the network saw, what it rebuilt, and the object all round."""

from pathlib import Path

import numpy as np
from PIL import Image

from ganverse_jax.checkpoint import write_atomic
from ganverse_jax.evaluation.inverse_graphics import PredictedMeshes, other_views, render_meshes, take_cameras

NUM_TURNS = 6


def sample_sheet(
    path: str | Path,
    meshes: PredictedMeshes,
    view: np.ndarray,
    objects: np.ndarray,
    cameras: dict[str, np.ndarray],
    images: np.ndarray,
    fov_y: float,
    *,
    turn_elevation: float = np.radians(15.0),
) -> None:
    """A PNG, one row per object: input, its render, another view, its render, then six views all round.

    images uint8 [n h w 3] are the inputs of meshes [n], of views [n]; cameras per view code, learned. Renders lie
    on white. The six views start at the front, at `turn_elevation` (radians) and the cameras' mean distance.
    """
    size = images.shape[1:3]
    rows, others = other_views(objects)
    first = np.unique(objects[rows], return_index=True)[1]
    rows, others = rows[first], others[first]
    own = _on_white(meshes, rows, take_cameras(cameras, view[rows]), size, fov_y)
    other = _on_white(meshes, rows, take_cameras(cameras, view[others]), size, fov_y)
    columns = [images[rows], own, images[others], other]
    for turn in range(NUM_TURNS):
        camera = {
            "azimuth": np.full(len(rows), 2 * np.pi * turn / NUM_TURNS),
            "elevation": np.full(len(rows), turn_elevation),
            "distance": np.full(len(rows), np.mean(cameras["distance"])),
        }
        columns.append(_on_white(meshes, rows, camera, size, fov_y))
    sheet = np.concatenate([np.concatenate(list(column), axis=0) for column in columns], axis=1)
    write_atomic(path, lambda temporary: Image.fromarray(sheet).save(temporary, "PNG"))


def _on_white(meshes, rows, camera, size, fov_y) -> np.ndarray:
    colour, mask = render_meshes(meshes, rows, camera, size, fov_y)
    whole = colour * mask[..., None] + (1.0 - mask[..., None])
    return (np.clip(whole, 0, 1) * 255 + 0.5).astype(np.uint8)
