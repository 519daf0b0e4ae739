"""The paper's comparison of camera annotations (Appendix D, Table A), on the toy world, where truth is known.

The same network is trained three times on the posed toy-world set, from cameras by 12 view bins at elevation
0 (the paper's view-model), from cameras solved out of points clicked on one car (its keypoint-model), and
from the true ones. Clicks are simulated: the visible points of the exact car with Gaussian noise.
"""

import dataclasses
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from PIL import Image

from ganverse_jax import parallel
from ganverse_jax.annotation.keypoint_names import NAMES, mirror_pairs
from ganverse_jax.checkpoint import read_json, write_atomic, write_json
from ganverse_jax.data.multiview_set import MultiviewSet, azimuth_bins
from ganverse_jax.data.posed_toy_cars import posed_toy_cars, true_cameras
from ganverse_jax.data.toy_cars import ToyCars
from ganverse_jax.evaluation.cameras import camera_errors, fit_azimuth_offset
from ganverse_jax.loop import Metrics
from ganverse_jax.models.keypoint_cameras import KeypointCameras, solve_cameras
from ganverse_jax.models.view_cameras import as_cameras, initial_cameras, read_cameras
from ganverse_jax.stages import inverse_graphics, pipeline
from ganverse_jax.stages.camera_comparison_table import comparison_picture, markdown
from ganverse_jax.stages.inverse_graphics_posed import one_image_each, truth_evaluator

STAGE = "camera_comparison"
MODELS = ("view", "keypoint", "true")
NOISE = 0.5 / 64  # standard deviation of a click, of the picture's height
NUM_EVALUATED = 20
_SET = ("resolution", "num_objects", "num_views", "views_per_object", "num_evaluated")
Cameras = dict[str, np.ndarray]


class Comparison(NamedTuple):
    """What the three trainings share: the world, its posed images, and what was clicked on which car."""

    world: ToyCars
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


def run(config: Mapping[str, Any], workdir: Path, *, noise_pixels: float | None = None) -> dict[str, Any]:
    """Train the three models in ``workdir``/camera_comparison, as the config's `inverse_graphics_posed` says.

    noise_pixels: standard deviation of the simulated clicks (default: 0.5 pixels of a 64-pixel picture).
    Finished trainings are skipped, an interrupted one goes on. Returns and writes comparison.json, with
    table_a.md and reconstructions.png beside it. Raises ValueError for an experiment without a world of known
    truth, negative noise, or a folder made with other settings.
    """
    settings, workdir = _settings(config), Path(workdir)
    noise = NOISE * settings["resolution"] if noise_pixels is None else float(noise_pixels)
    if not noise >= 0:
        raise ValueError(f"noise_pixels {noise} is negative; use 0 or above")
    pipeline.run(dict(config), workdir, until="gan")  # whose discriminator is the perceptual distance
    folder = workdir / STAGE
    with pipeline.only_run(workdir):
        digest = pipeline.stage_digest("inverse_graphics_posed", dict(config), workdir)
        _claim(folder, {"digest": digest, "noise_pixels": noise})
        comparison = prepare(
            *_posed_set(settings, config["world"], config["seed"]),
            noise_pixels=noise,
            seed=config["seed"],
            num_evaluated=settings.get("num_evaluated", NUM_EVALUATED),
        )
        for model in MODELS:
            _train(model, comparison, settings, config, workdir)
        content = compare(comparison, folder)
        content |= {"steps": settings["num_steps"], "batch_size": settings["batch_size"]}
        content |= {
            "seed": config["seed"],
            "device": f"{jax.devices()[0].device_kind}, {os.cpu_count()} cores",
        }
        write_json(folder / "comparison.json", content)
        write_atomic(folder / "table_a.md", lambda path: path.write_text(markdown(content)))
        picture = Image.fromarray(
            comparison_picture({model: folder / model for model in MODELS}, comparison.multiview)
        )
        write_atomic(folder / "reconstructions.png", lambda path: picture.save(path, "PNG"))
    return content


def prepare(
    cars: ToyCars, multiview: MultiviewSet, *, noise_pixels: float, seed: int, num_evaluated=NUM_EVALUATED
) -> Comparison:
    """Click the points of the set's first training car in every view, and solve for the cameras."""
    clicked = int(multiview.split("train").object_id[0])
    clicks = cars.click_keypoints(
        clicked, NAMES["car"], true_cameras(multiview.views), noise_pixels=noise_pixels, seed=seed
    )
    used = np.flatnonzero(clicks.visible.sum(axis=0) >= 2)
    place = {int(point): index for index, point in enumerate(used)}
    pairs = [(place[a], place[b]) for a, b in mirror_pairs("car") if a in place and b in place]
    solved = solve_cameras(
        clicks.points[:, used],
        clicks.visible[:, used],
        size=multiview.images.shape[1:3],
        fov_y=float(np.radians(cars.fov_degrees)),
        azimuth_bins=azimuth_bins(multiview.views),
        distance=cars.distance,
        mirror_pairs=pairs,
    )
    for problem in solved.problems:
        print(f"[{STAGE}] {problem}", flush=True)
    return Comparison(
        cars,
        multiview,
        clicked,
        int(clicks.visible[:, used].sum()),
        noise_pixels,
        solved,
        num_evaluated,
    )


def compare(comparison: Comparison, folder: Path) -> dict[str, Any]:
    """Figures of the three finished trainings in `folder`, before and after training, all angles in degrees.

    Errors against truth are taken after one azimuth offset per set of cameras, fitted on the validation
    images as in every evaluation; view- and keypoint-model against each other after one fitted on all views.
    """
    starts, truth = comparison.starts(), true_cameras(comparison.multiview.views)
    shown = one_image_each(comparison.multiview.split("validation"), comparison.num_evaluated).view_id
    ends = {model: read_cameras(folder / model / inverse_graphics.STAGE / "cameras.json") for model in MODELS}

    def against_truth(cameras: Cameras) -> dict[str, float]:
        offset = fit_azimuth_offset(cameras["azimuth"][shown], truth["azimuth"][shown])
        return camera_errors(cameras, truth, offset)

    def differences(cameras: Mapping[str, Cameras]) -> dict[str, float]:
        view, keypoint = cameras["view"], cameras["keypoint"]
        return camera_errors(view, keypoint, fit_azimuth_offset(view["azimuth"], keypoint["azimuth"]))

    models = {
        model: {
            "training": read_json(folder / model / "DONE.json"),
            "cameras_before": against_truth(starts[model]),
            "cameras_after": against_truth(ends[model]),
            "figures": read_json(folder / model / inverse_graphics.STAGE / "evaluation.json"),
        }
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


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    settings = config.get("inverse_graphics_posed")
    if settings is None:
        raise ValueError(
            "this experiment has no world whose true cameras are known (inverse_graphics_posed is None); "
            "compare cameras with --config=configs/toy_car.py"
        )
    return dict(settings)


def _posed_set(
    settings: Mapping[str, Any], world: Mapping[str, Any], seed: int
) -> tuple[ToyCars, MultiviewSet]:
    cars = ToyCars(settings["resolution"], **world)
    counts = {name: settings[name] for name in ("num_objects", "num_views", "views_per_object")}
    return cars, posed_toy_cars(cars, seed=seed, **counts)


def _claim(folder: Path, made_with: dict[str, Any]) -> None:
    record = folder / "settings.json"
    if record.exists() and read_json(record) != made_with:
        raise ValueError(
            f"{folder} was made with other settings ({read_json(record)}, now {made_with}); use a new "
            "--workdir, or delete it to make it again"
        )
    write_json(record, made_with)


def _train(
    model: str, comparison: Comparison, settings: dict[str, Any], config: Mapping[str, Any], workdir: Path
) -> None:
    folder = workdir / STAGE / model
    if (folder / "DONE.json").exists():
        print(f"[{STAGE}] {model}-model trained before, skipped", flush=True)
        return
    print(f"[{STAGE}] {model}-model begins", flush=True)
    resumed = any((folder / "checkpoints").rglob("*"))
    training = {name: value for name, value in settings.items() if name not in _SET}
    perceptual = inverse_graphics.gan_perceptual(workdir, training.pop("perceptual_blocks", 0))
    inverse_graphics.train(
        folder,
        multiview=_starting_from(model, comparison),
        seed=config["seed"],
        mesh=parallel.data_mesh(config.get("num_devices")),
        metrics=Metrics(folder),
        fov_degrees=comparison.world.fov_degrees,
        camera_distance=comparison.world.distance,
        camera_origin="bins" if model == "view" else "given",
        perceptual=perceptual,
        evaluate=truth_evaluator(comparison.world, comparison.multiview, comparison.num_evaluated),
        **training,
    )
    seconds = read_json(folder / inverse_graphics.STAGE / "summary.json")["train_seconds"]
    write_json(folder / "DONE.json", {"train_seconds": seconds, "resumed": resumed})
    shutil.rmtree(folder / "checkpoints")


def _starting_from(model: str, comparison: Comparison) -> MultiviewSet:
    if model == "view":
        return comparison.multiview
    start = comparison.starts()[model]
    views = [
        view | {name: float(values[index]) for name, values in start.items()}
        for index, view in enumerate(comparison.multiview.views)
    ]
    return dataclasses.replace(comparison.multiview, views=views)
