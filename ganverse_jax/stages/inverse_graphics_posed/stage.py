"""Stage: the same training on the posed toy-world set, whose exact cameras and meshes give figures of truth.

Its figures also hold camera errors, Chamfer distance, F-score, volumetric IOU, and novel views' IOU, normal
error, texture error and perceptual distance (DESIGN.md, section 5).
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.classes.car.toy.world import ToyCars
from ganverse_jax.data.multiview.posed_world import posed_toy_cars, true_cameras
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.evaluation.cameras import camera_errors
from ganverse_jax.evaluation.inverse_graphics import align
from ganverse_jax.models.features.perceptual import Perceptual
from ganverse_jax.runtime.checkpoint import read_json, write_json
from ganverse_jax.runtime.loop import Metrics
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics.perceptual import make_perceptual, measured_perceptual
from ganverse_jax.stages.inverse_graphics_posed.truth import solids_of, truth_figures

STAGE = "inverse_graphics_posed"


def run(
    workdir: Path,
    *,
    seed: int,
    mesh,
    metrics: Metrics,
    world: Mapping[str, Any],
    resolution: int,
    num_objects: int,
    num_views: int,
    views_per_object: int,
    num_evaluated: int = 20,
    perceptual_blocks: int = 0,
    perceptual: Mapping[str, Any] | None = None,
    **training: Any,
) -> dict[str, float]:
    """Render the set, train on it as `inverse_graphics.train` does (`training`: its keywords), measure
    against truth. Writes to `workdir`/inverse_graphics_posed, which is laid out like a run's workdir.

    num_evaluated: how many validation and test objects the truth figures use, one image each.
    perceptual_blocks, perceptual: settings of `make_perceptual`; by default there is no such term, but novel
    views are measured in the discriminator's features all the same (`measured_perceptual`).
    """
    folder = workdir / STAGE
    cars = ToyCars(resolution, **world)
    multiview = posed_toy_cars(
        cars, num_objects=num_objects, num_views=num_views, views_per_object=views_per_object, seed=seed
    )
    figures = inverse_graphics.train(
        folder,
        multiview=multiview,
        seed=seed,
        mesh=mesh,
        metrics=Metrics(folder),
        fov_degrees=world["fov_degrees"],
        camera_distance=world["distance"],
        perceptual=make_perceptual(workdir, perceptual_blocks, **(perceptual or {})),
        evaluate=truth_evaluator(
            cars, multiview, num_evaluated, measured_perceptual(workdir, resolution, **(perceptual or {}))
        ),
        **training,
    )
    inner = folder / inverse_graphics.STAGE
    counts = {"images": len(multiview), "objects": num_objects, "views": num_views}
    write_json(folder / "summary.json", read_json(inner / "summary.json") | counts | figures)
    shutil.copyfile(inner / "figures.npz", folder / "figures.npz")
    metrics.rewind(STAGE, 0)
    metrics.write(STAGE, training["num_steps"], **figures)
    return figures


def truth_evaluator(
    world: ToyCars,
    multiview: MultiviewSet,
    num_evaluated: int = 20,
    perceptual: Perceptual | None = None,
) -> Callable:
    """evaluate(predict=, cameras=) -> figures against the exact cameras and meshes of `world`.

    predict(images uint8, masks uint8) -> PredictedMeshes; cameras: azimuth, elevation, distance [k] per view.
    The similarity is fitted on validation objects, everything else measured on test objects. perceptual:
    measures novel views (`evaluation.novel_views`); None leaves its figure out.
    """
    fitting, testing = (
        one_image_each(multiview.split(name), num_evaluated) for name in ("validation", "test")
    )
    truth = true_cameras(multiview.views)

    def evaluate(*, predict, cameras) -> dict[str, float]:
        meshes = predict(fitting.images, fitting.masks)
        similarity = align(meshes, fitting.view_id, cameras, truth, solids_of(world, fitting.object_id))
        meshes = predict(testing.images, testing.masks)
        figures = truth_figures(meshes, similarity, world, testing.object_id, perceptual)
        figures |= camera_errors(cameras, truth, similarity.azimuth)
        figures["alignment_azimuth_degrees"] = float(np.degrees(similarity.azimuth))
        figures["alignment_scale"] = similarity.scale
        figures["num_truth_objects"] = float(len(testing))
        return figures

    return evaluate


def one_image_each(images: MultiviewSet, limit: int) -> MultiviewSet:
    """The first image of each of the first `limit` objects."""
    first = np.unique(images.object_id, return_index=True)[1]
    return images.take(np.sort(first)[:limit])
