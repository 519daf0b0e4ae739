"""The self-labelling stage: cameras of real pictures without a person or a truth, for round two of the loop.

The paper's abstract has the architecture "trained iteratively"; from this stage the second round of the GAN
learns (gan.camera). A pose network learns from renders of the first round's predictions (renders.py) and
labels real pictures; labels that it is sure of train another, which sees whole pictures.
<workdir>/self_labels then holds all that a GAN's teacher needs: cameras.npz, pose_regressor, segmenter and
inverse_graphics.
"""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganverse_jax.data.masks import instances
from ganverse_jax.evaluation.cameras import wrap_angle
from ganverse_jax.models.inverse_graphics import stored
from ganverse_jax.models.inverse_graphics.prediction import predict_meshes
from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor
from ganverse_jax.pages.grid import image_grid
from ganverse_jax.pipeline.experiment import make_world
from ganverse_jax.pipeline.remedies import make
from ganverse_jax.pipeline.stage import Run, Stage
from ganverse_jax.runtime.checkpoint import write_json, write_npz
from ganverse_jax.runtime.shipped import weights_folder
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS, nearest_azimuth_bin
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.gan.teacher import CAMERAS, POSE, SEGMENTER, SHAPES
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.perception import stage as perception
from ganverse_jax.stages.self_labels import renders
from ganverse_jax.stages.self_labels.renders import Labels
from ganverse_jax.stages.self_labels.settings import Settings

NAME = "self_labels"
_SHOWN = 6  # pictures of each azimuth bin on the sheet


def run(run: Run, settings: Settings) -> None:
    """Leave the labels, the networks and a sheet of labelled pictures in <workdir>/self_labels.

    Raises ValueError where no label is trusted.
    """
    folder = run.workdir / NAME
    folder.mkdir(parents=True, exist_ok=True)
    segmenter = perception.load(run.workdir).segmenter
    images = np.asarray(gan.real_pictures(run, settings.num_images)[: settings.num_images])
    verdict = instances.judge_images(segmenter, images)
    usable = np.array([reason == instances.KEPT for reason in verdict.reason])
    images, masks = images[usable], verdict.masks[usable]
    labels = _label(run, settings, images, masks)
    trusted = labels.trusted(settings)
    if not trusted.any():
        raise ValueError(
            f"no label of {len(trusted)} is trusted (certainty up to {labels.certainty.max(initial=0):.2f}); "
            "train the first round longer or lower self_labels.min_certainty"
        )
    counts = {"pictures": len(usable), "no_single_object": int((~usable).sum())}
    counts |= {"not_trusted": int((~trusted).sum()), "labelled": int(trusted.sum())}
    print(f"[{NAME}] {counts}", flush=True)
    labels, images, masks = Labels(*(part[trusted] for part in labels)), images[trusted], masks[trusted]
    table = np.stack([labels.azimuth, labels.elevation], axis=1).astype(np.float32)
    rows = np.flatnonzero(usable)[trusted]
    write_npz(folder / CAMERAS, cameras=table, distance=labels.distance.astype(np.float32), rows=rows)
    found = {name: getattr(labels, name) for name in ("azimuth", "elevation", "distance")}
    pose = perception.train_pose(run, settings, {"image": images, "mask": masks} | found, stage=NAME)
    pose.save(folder / POSE, {"learned_from": counts})
    segmenter.save(folder / SEGMENTER, {})
    _sheet(images, labels).save(folder / "labels.png")
    write_json(folder / "summary.json", counts | _against_truth(run, rows, labels, folder))


def _network(run: Run, settings: Settings) -> Path:
    """Folder of the inverse graphics network that reads the pictures."""
    return (weights_folder(settings.network) if settings.network else run.workdir) / inverse_graphics.NAME


def _label(run: Run, settings: Settings, images: np.ndarray, masks: np.ndarray) -> Labels:
    source, folder = _network(run, settings), run.workdir / NAME / SHAPES
    network, params, card = stored.load_folder(source, make(inverse_graphics.NAME))
    folder.mkdir(exist_ok=True)
    shutil.copyfile(source / stored.FILE, folder / stored.FILE)
    some = slice(settings.num_meshes)
    meshes = predict_meshes(network, params["network"], images[some], masks[some])
    ranges, fov_y = renders.learned_ranges(params["cameras"]), float(np.radians(card["fov_degrees"]))
    regressor = renders.train(run, settings, meshes, ranges, fov_y=fov_y, resolution=images.shape[1])
    return renders.label(regressor, images, masks)


def _sheet(images: np.ndarray, labels: Labels) -> Image.Image:
    """A few pictures of every azimuth bin, a column each: all of a column should look one way."""
    bins = np.array([nearest_azimuth_bin(azimuth) for azimuth in labels.azimuth])
    cells = np.full((_SHOWN, NUM_AZIMUTH_BINS, *images.shape[1:]), 255, np.uint8)
    for column in range(NUM_AZIMUTH_BINS):
        shown = images[np.flatnonzero(bins == column)[:_SHOWN]]
        cells[: len(shown), column] = shown
    return Image.fromarray(image_grid(cells.reshape(-1, *images.shape[1:]), NUM_AZIMUTH_BINS))


def _against_truth(run: Run, rows: np.ndarray, labels: Labels, folder: Path) -> dict[str, Any]:
    """Where the pictures are a toy world's: errors of the labels, and of the network on held-out renders, in
    degrees, but for the one azimuth offset between the frames. For the summary alone."""
    if not gan.draws_world(run.workdir):
        return {}
    regressor = LearnedPoseRegressor.load(folder / POSE)
    world, held_out = (make_world(run, regressor.resolution, split) for split in ("train", "validation"))
    truth, test = world.render(rows), held_out.render(np.arange(500))
    found = {"labels": (labels.azimuth, labels.elevation, truth)}
    pose = regressor(test["image"])
    found["network"] = (pose.azimuth, pose.elevation, test)
    errors: dict[str, Any] = {}
    for name, (azimuth, elevation, true) in found.items():
        off = azimuth - true["azimuth"]
        off = np.degrees(np.abs(wrap_angle(off - np.angle(np.exp(1j * off).mean()))))
        tilt = np.degrees(np.abs(elevation - true["elevation"]))
        errors[name] = {
            "azimuth_median": float(np.median(off)),
            "azimuth_mean": float(off.mean()),
            "within_15": float((off <= 15).mean()),
            "elevation_mean": float(tilt.mean()),
        }
    print(f"[{NAME}] against the truth, for the record: {errors}", flush=True)
    return {"errors": errors}


def needs(settings: Settings) -> tuple[str, ...]:
    """The GAN's pictures and masks, and the run's own network unless another is named."""
    return (gan.NAME, perception.NAME) + ((inverse_graphics.NAME,) if settings.network is None else ())


STAGE = Stage(NAME, "Cameras of real pictures", Settings, run, needs=needs)
