"""Stage: the same training on the posed toy-world set, whose exact cameras and meshes give figures of truth.

Its figures also hold camera errors, Chamfer distance, F-score, volumetric IOU, and novel views' IOU, normal
error, texture error and perceptual distance (DESIGN.md, section 5).
"""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ganverse_jax.classes import World
from ganverse_jax.data.multiview.posed_world import posed_renders, true_cameras
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.evaluation.cameras import camera_errors
from ganverse_jax.evaluation.inverse_graphics import align
from ganverse_jax.models.features.perceptual import Perceptual
from ganverse_jax.pipeline.experiment import Shared, make_world
from ganverse_jax.pipeline.stage import Run, Stage
from ganverse_jax.runtime.checkpoint import read_json, write_json
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics.perceptual import make_perceptual, measured_perceptual
from ganverse_jax.stages.inverse_graphics.settings import Training
from ganverse_jax.stages.inverse_graphics.start import absent, reads
from ganverse_jax.stages.inverse_graphics_posed.settings import Settings
from ganverse_jax.stages.inverse_graphics_posed.truth import solids_of, truth_figures

NAME = "inverse_graphics_posed"


def run(run: Run, settings: Settings) -> dict[str, float]:
    """Render the set, train on it as `inverse_graphics.train` does, measure against truth.

    Writes to <workdir>/inverse_graphics_posed, which is laid out like a run's workdir.
    """
    folder = run.workdir / NAME
    world, multiview = posed_set(run, settings)
    given = posed_given(run.workdir, world, multiview, settings, settings.num_evaluated)
    inner_run = dataclasses.replace(run, workdir=folder, metrics=run.metrics.of_folder(NAME))
    figures = inverse_graphics.train(inner_run, settings, given)
    inner = folder / inverse_graphics.NAME
    counts = {"images": len(multiview), "objects": settings.num_objects, "views": settings.num_views}
    write_json(folder / "summary.json", read_json(inner / "summary.json") | counts | figures)
    shutil.copyfile(inner / "figures.npz", folder / "figures.npz")
    run.metrics.write_anew(NAME, settings.num_steps, **figures)
    return figures


def recomputed(run: Run, settings: Settings) -> dict[str, dict[str, float]]:
    """The figures of summary.json and evaluation.json anew, see `Stage`."""
    world, multiview = posed_set(run, settings)
    given = posed_given(run.workdir, world, multiview, settings, settings.num_evaluated)
    figures = inverse_graphics.measured_again(run.workdir / NAME / inverse_graphics.NAME, given)
    return {"summary.json": figures, f"{inverse_graphics.NAME}/evaluation.json": figures}


def posed_set(shared: Run | Shared, settings: Settings) -> tuple[World, MultiviewSet]:
    """The toy world and its posed images, as the settings say."""
    world = make_world(shared, settings.resolution)
    counts = {name: getattr(settings, name) for name in ("num_objects", "num_views", "views_per_object")}
    return world, posed_renders(world, seed=shared.seed, **counts)


def posed_given(
    workdir: Path, world: World, multiview: MultiviewSet, training: Training, num_evaluated: int
) -> inverse_graphics.Given:
    """What a training on renders of the world is given: perceptual terms of the run, and the truth."""
    measured_in = measured_perceptual(workdir, world.resolution, training.perceptual)
    chosen = training.perceptual_blocks, training.perceptual, training.perceptual_at_once
    return inverse_graphics.Given(
        multiview,
        world.fov_degrees,
        world.distance,
        perceptual=make_perceptual(workdir, *chosen),
        evaluate=truth_evaluator(world, multiview, num_evaluated, measured_in),
    )


def truth_evaluator(
    world: World,
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


STAGE = Stage(
    NAME,
    "Against the truth",
    Settings,
    run,
    needs=lambda settings: ("gan",),
    trains=lambda settings: True,
    absent=lambda settings: absent(settings, NAME),
    reads=lambda settings: reads(settings, NAME),
    recomputed=recomputed,
    figures=tuple(f"camera_{part}_{kind}_degrees" for part in ("axis", "angle") for kind in ("mean", "max")),
)
