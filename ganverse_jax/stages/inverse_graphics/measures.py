"""What the inverse graphics stage measures and shows of its test objects."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ganverse_jax.data.multiview.set import MultiviewSet, MultiviewSource, groups_of_objects
from ganverse_jax.evaluation.cameras import circular_median, regressor_errors
from ganverse_jax.evaluation.inverse_graphics import (
    ImageErrors,
    image_errors,
    image_metrics,
    joined_errors,
)
from ganverse_jax.models.inverse_graphics.camera_residual import CameraResidual, moved_cameras
from ganverse_jax.models.inverse_graphics.prediction import predict_in_batches, predict_meshes
from ganverse_jax.runtime.checkpoint import write_png
from ganverse_jax.scene.cameras import Cameras, as_cameras, take_cameras
from ganverse_jax.scene.meshes import PredictedMeshes
from ganverse_jax.scene.turntables import write_turntables
from ganverse_jax.stages.inverse_graphics.failures import failure_figures, failure_sheet, worst_cases
from ganverse_jax.stages.inverse_graphics.figures import sample_sheet, write_figures

NUM_SAMPLES = 8
_IMAGES_AT_ONCE = 64


def _two_of_each(multiview: MultiviewSource, rows: np.ndarray) -> np.ndarray:
    """Of `rows` the first two of each object: what a sheet shows."""
    objects = multiview.object_id[rows]
    return np.concatenate([rows[objects == label][:2] for label in np.unique(objects)])


def picture_cameras(params, pictures: MultiviewSet, *, residual: bool = True) -> Cameras:
    """The learned cameras of pictures [n]: their views', moved by what the residual's network reads off each
    picture where one was trained."""
    rows = take_cameras(params["cameras"], pictures.view_id)
    if residual and "residual" in params:
        read = predict_in_batches(CameraResidual(), params["residual"], pictures.images, pictures.masks)
        rows = moved_cameras(rows, read)
    return as_cameras(rows)


class Measured(NamedTuple):
    """Figures of the test objects; per view what the pose regressor reads (None without one); pictures of the
    worst cases (`failure_figures`)."""

    figures: dict[str, float]
    poses: dict[str, list] | None
    failures: dict[str, np.ndarray]


def measure(module, params, multiview: MultiviewSource, fov_y: float, evaluate, regress) -> Measured:
    """What a trained network makes of the test objects; evaluate, regress: see `inverse_graphics.train`."""
    cameras, poses = as_cameras(params["cameras"]), None

    def predict(images: np.ndarray, masks: np.ndarray) -> PredictedMeshes:
        return predict_meshes(module, params["network"], images, masks)

    models = {"": partial(picture_cameras, params)}
    if "residual" in params:
        models["_without_residual"] = partial(picture_cameras, params, residual=False)
    rows, every = _test_errors(predict, multiview, models, fov_y)
    figures, errors = {}, every[""]
    for model, its_errors in every.items():
        told = image_metrics(its_errors, multiview.object_id[rows])
        figures |= {f"{name}{model}": value for name, value in told.items() if not model or "iou" in name}
    if evaluate is not None:
        figures |= evaluate(predict=predict, cameras=cameras)
    if regress is not None:
        held_out = {name: multiview.split(name) for name in ("validation", "test")}
        read = {name: regress(part.images) for name, part in held_out.items()}
        figures |= regressor_errors(
            cameras,
            {
                name: (part.view_id, read[name].azimuth, read[name].elevation)
                for name, part in held_out.items()
            },
        )
        every = np.concatenate([part.view_id for part in held_out.values()])
        angles = {
            angle: np.concatenate([getattr(pose, angle) for pose in read.values()])
            for angle in ("azimuth", "elevation")
        }
        poses = {
            angle: [circular_median(values[every == view]) for view in range(len(multiview.views))]
            for angle, values in angles.items()
        }
    cases = worst_cases(errors, multiview.object_id[rows])
    return Measured(figures, poses, failure_figures(predict, cases, multiview, rows, models[""], fov_y))


def _test_errors(
    predict: Callable, multiview: MultiviewSource, models: Mapping[str, Callable], fov_y: float
) -> tuple[np.ndarray, dict[str, ImageErrors]]:
    """The rows of the test objects, and by each of the `models` of their cameras the errors of their meshes:
    a group of objects at a time, as a split of the paper's size, with its textures, does not fit into memory.
    """
    rows = multiview.rows_of("test")
    groups = groups_of_objects(multiview.object_id[rows], _IMAGES_AT_ONCE)
    errors: dict[str, list[ImageErrors]] = {name: [] for name in models}
    for group in groups:
        part = multiview.take(rows[group])
        meshes = predict(part.images, part.masks)
        for name, cameras_of in models.items():
            pictures = cameras_of(part), part.images, part.masks
            errors[name].append(image_errors(meshes, part.object_id, *pictures, fov_y))
    return rows[np.concatenate(groups)], {name: joined_errors(parts) for name, parts in errors.items()}


def show(
    module,
    params,
    multiview: MultiviewSource,
    fov_y: float,
    *,
    sheet: Path | None = None,
    folder: Path | None = None,
    failures: Mapping[str, np.ndarray] | None = None,
) -> None:
    """The sample sheet of a few test objects, or with `folder` the report's figures, meshes and turntables of
    them, and beside them those of the worst cases."""
    shown = multiview.take(_two_of_each(multiview, multiview.rows_of("test", NUM_SAMPLES)))
    meshes = predict_meshes(module, params["network"], shown.images, shown.masks)
    cameras = picture_cameras(params, shown)
    if sheet is not None:
        sample_sheet(sheet, meshes, shown.object_id, cameras, shown.images, fov_y)
    if folder is not None:
        first = np.unique(shown.object_id, return_index=True)[1]
        failures = failures or {}
        paths = write_figures(folder, meshes, first, cameras, shown.images, fov_y, **failures)
        turned = [path.with_suffix(".webp") for path in paths]
        write_turntables(turned, meshes, first, float(np.mean(cameras["distance"])))
        if failures:
            write_png(folder / "failures.png", failure_sheet(failures))
