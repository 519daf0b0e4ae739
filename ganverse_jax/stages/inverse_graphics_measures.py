"""What the inverse graphics stage measures and shows of its test objects."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.data.multiview_set import MultiviewSet, MultiviewSource
from ganverse_jax.evaluation.cameras import circular_median, regressor_errors
from ganverse_jax.evaluation.inverse_graphics import PredictedMeshes, image_metrics
from ganverse_jax.models.inverse_graphics import InverseGraphics
from ganverse_jax.models.view_cameras import as_cameras
from ganverse_jax.stages.inverse_graphics_figures import sample_sheet, write_figures
from ganverse_jax.stages.inverse_graphics_step import predict_in_batches

NUM_SAMPLES = 8


def measure(
    module, params, multiview: MultiviewSource, fov_y: float, evaluate, regress
) -> tuple[dict, dict | None]:
    """Figures of the test objects, and per view what the pose regressor reads (None without one)."""
    test = multiview.split("test")
    figures = evaluate_images(module, params, test, fov_y)
    cameras, poses = as_cameras(params["cameras"]), None
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
    return figures, poses


def predict_meshes(module: InverseGraphics, params, images: np.ndarray, masks: np.ndarray) -> PredictedMeshes:
    """The mesh and texture of every image uint8 [n h w 3], masks uint8 [n h w]."""
    prediction = predict_in_batches(module, params, images, masks)
    template = module.template
    return PredictedMeshes(
        prediction.vertices, prediction.texture, template.faces, template.uv, template.uv_faces
    )


def evaluate_images(
    module: InverseGraphics, params: Mapping[str, Any], images: MultiviewSet, fov_y: float
) -> dict[str, float]:
    """Re-projection figures of a split: 2D IOU and colour error in the input's view and in another one."""
    meshes = predict_meshes(module, params["network"], images.images, images.masks)
    cameras = as_cameras(params["cameras"])
    return image_metrics(
        meshes, images.view_id, images.object_id, cameras, images.images, images.masks, fov_y
    )


def show(
    module, params, multiview: MultiviewSource, fov_y: float, *, sheet: Path | None = None, folder=None
) -> None:
    """The sample sheet of a few test objects, or with `folder` the report's figures and meshes of them."""
    shown = multiview.split("test", NUM_SAMPLES)
    meshes = predict_meshes(module, params["network"], shown.images, shown.masks)
    cameras = as_cameras(params["cameras"])
    if sheet is not None:
        sample_sheet(sheet, meshes, shown.view_id, shown.object_id, cameras, shown.images, fov_y)
    if folder is not None:
        first = np.unique(shown.object_id, return_index=True)[1]
        write_figures(folder, meshes, first, shown.view_id, cameras, shown.images, fov_y)
