"""What the inverse graphics stage measures and shows of its test objects."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ganverse_jax.data.multiview.set import MultiviewSource
from ganverse_jax.evaluation.cameras import circular_median, regressor_errors
from ganverse_jax.evaluation.inverse_graphics import image_errors, image_metrics
from ganverse_jax.models.inverse_graphics.prediction import predict_meshes
from ganverse_jax.runtime.checkpoint import write_png
from ganverse_jax.scene.cameras import as_cameras
from ganverse_jax.scene.turntables import write_turntables
from ganverse_jax.stages.inverse_graphics.failures import failure_figures, failure_sheet
from ganverse_jax.stages.inverse_graphics.figures import sample_sheet, write_figures

NUM_SAMPLES = 8


class Measured(NamedTuple):
    """Figures of the test objects; per view what the pose regressor reads (None without one); pictures of the
    worst cases (`failure_figures`)."""

    figures: dict[str, float]
    poses: dict[str, list] | None
    failures: dict[str, np.ndarray]


def measure(module, params, multiview: MultiviewSource, fov_y: float, evaluate, regress) -> Measured:
    """What a trained network makes of the test objects; evaluate, regress: see `inverse_graphics.train`."""
    test, cameras, poses = multiview.split("test"), as_cameras(params["cameras"]), None
    meshes = predict_meshes(module, params["network"], test.images, test.masks)
    errors = image_errors(meshes, test.view_id, test.object_id, cameras, test.images, test.masks, fov_y)
    figures = image_metrics(errors, test.object_id)
    if evaluate is not None:
        figures |= evaluate(
            predict=lambda images, masks: predict_meshes(module, params["network"], images, masks),
            cameras=cameras,
        )
    if regress is not None:
        held_out = {"validation": multiview.split("validation"), "test": test}
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
    return Measured(figures, poses, failure_figures(meshes, errors, test, cameras, fov_y))


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
    shown = multiview.split("test", NUM_SAMPLES)
    meshes = predict_meshes(module, params["network"], shown.images, shown.masks)
    cameras = as_cameras(params["cameras"])
    if sheet is not None:
        sample_sheet(sheet, meshes, shown.view_id, shown.object_id, cameras, shown.images, fov_y)
    if folder is not None:
        first = np.unique(shown.object_id, return_index=True)[1]
        failures = failures or {}
        paths = write_figures(folder, meshes, first, shown.view_id, cameras, shown.images, fov_y, **failures)
        turned = [path.with_suffix(".webp") for path in paths]
        write_turntables(turned, meshes, first, float(np.mean(cameras["distance"])))
        if failures:
            write_png(folder / "failures.png", failure_sheet(failures))
