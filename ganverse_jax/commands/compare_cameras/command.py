"""The paper's comparison of camera annotations (Appendix D, Table A), on the toy world, where truth is known.

The same network is trained three times on the posed toy-world set, from cameras by 12 view bins at elevation
0 (the paper's view-model), from cameras solved out of points clicked on one object (its keypoint-model), and
from the true ones. Clicks are simulated: the visible points of the exact object with Gaussian noise.
"""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax import classes
from ganverse_jax.classes import World
from ganverse_jax.commands import posed_trainings as trainings
from ganverse_jax.commands.compare_cameras.table import comparison_picture, markdown
from ganverse_jax.data.multiview.posed_world import true_cameras, with_cameras
from ganverse_jax.data.multiview.set import MultiviewSet, azimuth_bins
from ganverse_jax.evaluation.cameras import camera_errors, fit_azimuth_offset
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.runtime import hosts
from ganverse_jax.scene.cameras import as_cameras, initial_cameras, read_cameras
from ganverse_jax.scene.keypoint_cameras import KeypointCameras, solve_cameras
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics_posed.stage import one_image_each, posed_set

NAME = "camera_comparison"
MODELS = ("view", "keypoint", "true")
NOISE = 0.5 / 64  # standard deviation of a click, of the picture's height
Cameras = dict[str, np.ndarray]


class Comparison(NamedTuple):
    """What the three trainings share: the world, its posed images, and what was clicked on which object."""

    world: World
    multiview: MultiviewSet
    clicked_object: int
    num_clicks: int
    noise_pixels: float
    solved: KeypointCameras
    num_evaluated: int  # validation objects that fit the offset against truth, one image each

    def starts(self) -> dict[str, Cameras]:
        """Per model the cameras that its training starts from."""
        bins = initial_cameras(azimuth_bins(self.multiview.views), self.world.distance)
        truth = true_cameras(self.multiview.views)
        return {"view": as_cameras(bins), "keypoint": self.solved.cameras, "true": truth}

    def images(self, model: str) -> MultiviewSet:
        """What the model is trained on, which begins at the views' bins or at cameras that they tell."""
        return self.multiview if model == "view" else with_cameras(self.multiview, self.starts()[model])


def run(experiment: Experiment, workdir: Path, *, noise_pixels: float | None = None) -> dict[str, Any]:
    """Train the three models in ``workdir``/camera_comparison, by the experiment's `inverse_graphics_posed`.

    noise_pixels: standard deviation of the simulated clicks (default: 0.5 pixels of a 64-pixel picture).
    Finished trainings are skipped, an interrupted one goes on. Returns and writes comparison.json, with
    table_a.md and reconstructions.png beside it. Raises ValueError for an experiment without a world of known
    truth, negative noise, or a folder made with other settings.
    """
    settings = trainings.posed_settings(experiment, "compare cameras")
    noise = NOISE * settings.resolution if noise_pixels is None else float(noise_pixels)
    if not noise >= 0:
        raise ValueError(f"noise_pixels {noise} is negative; use 0 or above")
    with trainings.claimed(experiment, workdir, NAME, noise_pixels=noise) as folder:
        world, multiview = posed_set(experiment, settings)
        sizes = {"seed": experiment.seed, "num_evaluated": settings.num_evaluated}
        comparison = prepare(experiment.object_class, world, multiview, noise_pixels=noise, **sizes)
        for model in MODELS:
            training = dataclasses.replace(settings, camera_origin="bins" if model == "view" else "given")
            images = functools.partial(comparison.images, model)
            trainings.train_once(folder / model, experiment, training, world, images)
        hosts.leave_rest_to_first()
        content = compare(comparison, folder) | trainings.budget(settings, experiment)
        folders = {model: folder / model for model in MODELS}
        trainings.write_results(
            folder,
            figures=("comparison.json", content),
            table=("table_a.md", markdown(content)),
            picture=("reconstructions.png", comparison_picture(folders, comparison.multiview)),
        )
    return content


def prepare(
    object_class: str,
    world: World,
    multiview: MultiviewSet,
    *,
    noise_pixels: float,
    seed: int,
    num_evaluated: int,
) -> Comparison:
    """Click the points of the set's first training object in every view, and solve for the cameras."""
    clicked = int(multiview.split("train").object_id[0])
    kind = classes.get(object_class)
    clicks = world.click_keypoints(
        clicked, kind.keypoints, true_cameras(multiview.views), noise_pixels=noise_pixels, seed=seed
    )
    used = np.flatnonzero(clicks.visible.sum(axis=0) >= 2)
    place = {int(point): index for index, point in enumerate(used)}
    pairs = [(place[a], place[b]) for a, b in kind.mirror_pairs if a in place and b in place]
    solved = solve_cameras(
        clicks.points[:, used],
        clicks.visible[:, used],
        size=multiview.images.shape[1:3],
        fov_y=float(np.radians(world.fov_degrees)),
        azimuth_bins=azimuth_bins(multiview.views),
        distance=world.distance,
        mirror_pairs=pairs,
    )
    for problem in solved.problems:
        print(f"[{NAME}] {problem}", flush=True)
    count = int(clicks.visible[:, used].sum())
    return Comparison(world, multiview, clicked, count, noise_pixels, solved, num_evaluated)


def compare(comparison: Comparison, folder: Path) -> dict[str, Any]:
    """Figures of the three finished trainings in `folder`, before and after training, all angles in degrees.

    Errors against truth are taken after one azimuth offset per set of cameras, fitted on the validation
    images as in every evaluation; view- and keypoint-model against each other after one fitted on all views.
    """
    starts, truth = comparison.starts(), true_cameras(comparison.multiview.views)
    shown = one_image_each(comparison.multiview.split("validation"), comparison.num_evaluated).view_id
    ends = {model: read_cameras(folder / model / inverse_graphics.NAME / "cameras.json") for model in MODELS}

    def against_truth(cameras: Cameras) -> dict[str, float]:
        offset = fit_azimuth_offset(cameras["azimuth"][shown], truth["azimuth"][shown])
        return camera_errors(cameras, truth, offset)

    def differences(cameras: Mapping[str, Cameras]) -> dict[str, float]:
        view, keypoint = cameras["view"], cameras["keypoint"]
        return camera_errors(view, keypoint, fit_azimuth_offset(view["azimuth"], keypoint["azimuth"]))

    models = {
        model: trainings.finished(folder / model)
        | {"cameras_before": against_truth(starts[model]), "cameras_after": against_truth(ends[model])}
        for model in MODELS
    }
    solved, multiview = comparison.solved, comparison.multiview
    clicks = {"object": comparison.clicked_object, "clicks": comparison.num_clicks}
    clicks |= {"noise_pixels": comparison.noise_pixels, "rms_pixels": solved.rms_pixels}
    clicks |= {"scale_fixed_by": solved.scale_fixed_by, "problems": list(solved.problems)}
    return {
        "images": len(multiview),
        "objects": len(np.unique(multiview.object_id)),
        "views": len(multiview.views),
        "resolution": comparison.world.resolution,
        "clicks": clicks,
        "models": models,
        "view_against_keypoint": {"before": differences(starts), "after": differences(ends)},
    }
