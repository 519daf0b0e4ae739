"""Pictures of what networks make of test images, beside each other and the truth (Fig. 6, E and F)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ganverse_jax.classes import World
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.evaluation.inverse_graphics import other_views
from ganverse_jax.models.inverse_graphics.prediction import predict_meshes
from ganverse_jax.pages.grid import labelled_grid
from ganverse_jax.scene.cameras import as_cameras, take_cameras
from ganverse_jax.scene.drawing import NUM_TURNS, render_on_white, turn_cameras, turn_round
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics


def first_pairs(test: MultiviewSet, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the first `count` objects a row of the set [m], and the row of another view of each [m]."""
    rows, others = other_views(test.object_id)
    first = np.unique(test.object_id[rows], return_index=True)[1][:count]
    return rows[first], others[first]


def rendered_views(
    folder: Path, test: MultiviewSet, rows: np.ndarray, others: np.ndarray, *, turned: bool = False
) -> np.ndarray:
    """What the network of a finished training makes of images `rows` [m], from the cameras it learned.

    uint8 [m k h w 3]: in their own view, in that of `others`, and with `turned` from six sides.
    """
    module, params, metadata = inverse_graphics.load(folder)
    meshes = predict_meshes(module, params["network"], test.images[rows], test.masks[rows])
    cameras, fov_y = as_cameras(params["cameras"]), float(np.radians(metadata["fov_degrees"]))
    index = np.arange(len(rows))
    seen = [
        render_on_white(meshes, index, take_cameras(cameras, test.view_id[chosen]), test.size, fov_y)
        for chosen in (rows, others)
    ]
    views = np.stack(seen, axis=1)
    if not turned:
        return views
    return np.concatenate([views, turn_round(meshes, index, cameras, test.size, fov_y)], axis=1)


def exact_views(world: World, objects: np.ndarray, cameras: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
    """The exact objects [m] on white: from each of `cameras` [m], then from six sides: uint8 [m k h w 3]."""
    turns = turn_cameras(len(objects), world.distance)
    views = [_alone(world, objects, camera)[:, None] for camera in cameras]
    sides = _alone(world, np.repeat(objects, NUM_TURNS), turns)
    return np.concatenate([*views, sides.reshape(len(objects), NUM_TURNS, *sides.shape[1:])], axis=1)


def _alone(world: World, objects: np.ndarray, cameras: Mapping[str, np.ndarray]) -> np.ndarray:
    angles = (cameras[name] for name in ("azimuth", "elevation", "distance"))
    return world.render_object(objects, *angles)["image"]


def turned_sheet(inputs: np.ndarray, views: Mapping[str, np.ndarray], heads: Sequence[str]) -> np.ndarray:
    """A row per object and entry of `views` [m k h w 3], each after the object's input [m h w 3].

    heads: of the input and of the first views; six sides follow them. Returns uint8 [H W 3].
    """
    cells = np.stack([np.concatenate([inputs[:, None], each], axis=1) for each in views.values()], axis=1)
    turns = np.degrees(turn_cameras(1, 1.0)["azimuth"])
    labels, rows = list(views) * len(inputs), list(cells.reshape(-1, 1, *cells.shape[2:]))
    return labelled_grid(labels, rows, [*heads, *(f"{turn:.0f}°" for turn in turns)])
