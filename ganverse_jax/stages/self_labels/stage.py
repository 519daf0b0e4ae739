"""The self-labelling stage: cameras of real pictures without a person or a truth, for round two of the loop.

The paper's abstract has the architecture "trained iteratively"; from this stage the second round of the GAN
learns (gan.camera). A pose network learns from renders of the first round's predictions (renders.py) and
labels real pictures; labels that it is sure of train another, which sees whole pictures; poses and shapes are
then refined together by rendering (refine.py).
<workdir>/self_labels then holds all that a GAN's teacher needs: cameras.npz, pose_regressor, segmenter and
inverse_graphics.
"""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.evaluation.cameras import azimuth_errors
from ganverse_jax.models.inverse_graphics import stored
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.inverse_graphics.prediction import predict_meshes
from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor, Pose
from ganverse_jax.pages.grid import image_grid
from ganverse_jax.pipeline import remedies
from ganverse_jax.pipeline.experiment import make_world
from ganverse_jax.pipeline.remedies import make
from ganverse_jax.pipeline.stage import Run, Stage
from ganverse_jax.runtime import hosts
from ganverse_jax.runtime.checkpoint import read_npz, save_weights, write_json, write_npz, write_png
from ganverse_jax.runtime.shipped import weights_folder
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS, nearest_azimuth_bin
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.gan.teacher import CAMERAS, POSE, SEGMENTER, SHAPES
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.perception import stage as perception
from ganverse_jax.stages.perception.real_objects import real_objects
from ganverse_jax.stages.self_labels import renders
from ganverse_jax.stages.self_labels.refine import refine
from ganverse_jax.stages.self_labels.renders import Labels
from ganverse_jax.stages.self_labels.settings import Settings

NAME = "self_labels"
_SHOWN = 6  # pictures of each azimuth bin on the sheet


def run(run: Run, settings: Settings) -> None:
    """Leave cameras, networks and a sheet of labelled pictures in <workdir>/self_labels.

    Raises ValueError where no label is trusted.
    """
    folder = run.workdir / NAME
    (folder / SHAPES).mkdir(parents=True, exist_ok=True)
    segmenter = perception.load(run.workdir).segmenter
    images, masks, rows, num_pictures = real_objects(run, segmenter, settings.num_images)
    network = _network(run, settings)
    labels = _label(run, settings, network, images, masks)
    trusted = labels.trusted(settings)
    counts = {"pictures": num_pictures, "no_single_object": num_pictures - len(rows)}
    counts |= {"not_trusted": int((~trusted).sum()), "labelled": int(trusted.sum())}
    print(f"[{NAME}] {counts}", flush=True)
    if not trusted.any():
        raise ValueError(
            f"no label of {len(trusted)} is trusted (certainty up to {labels.certainty.max(initial=0):.2f}); "
            "train the first round longer or lower self_labels.min_certainty"
        )
    labelled = {"image": images[trusted], "mask": masks[trusted]}
    found = {name: getattr(labels, name)[trusted] for name in ("azimuth", "elevation", "distance")}
    pose = perception.train_pose(run, settings, labelled | found, stage=NAME)
    pose, params = _refine(run, settings, network, pose, labelled)
    hosts.leave_rest_to_first()
    save_weights(folder / SHAPES / stored.FILE, params, network.metadata)
    pose.save(folder / POSE, {"learned_from": counts})
    segmenter.save(folder / SEGMENTER, {})
    cameras = pose(images)
    table = np.stack([cameras.azimuth, cameras.elevation], axis=1).astype(np.float32)
    write_npz(folder / CAMERAS, cameras=table, rows=rows)
    write_png(folder / "labels.png", _sheet(images, cameras.azimuth))
    first = Pose(found["azimuth"], found["elevation"], found["distance"])
    errors = _against_truth(run, {"labels": (rows[trusted], first), "network": (rows, cameras)})
    write_json(folder / "summary.json", counts | errors)


class Network(NamedTuple):
    """The inverse graphics network that reads the pictures: its module, parameters {"network", "cameras"} and
    metadata."""

    module: InverseGraphics
    params: dict[str, Any]
    metadata: dict[str, Any]

    @property
    def fov_y(self) -> float:
        """Vertical field of view in radians."""
        return float(np.radians(self.metadata["fov_degrees"]))


def _network(run: Run, settings: Settings) -> Network:
    source = weights_folder(settings.network) if settings.network else run.workdir
    return Network(*stored.load_folder(source / inverse_graphics.NAME, make(inverse_graphics.NAME)))


def _label(run: Run, settings: Settings, network: Network, images, masks) -> Labels:
    some, params = slice(settings.num_meshes), network.params
    meshes = predict_meshes(network.module, params["network"], images[some], masks[some])
    ranges = renders.learned_ranges(params["cameras"])
    options = {"fov_y": network.fov_y, "resolution": images.shape[1]}
    return renders.label(renders.train(run, settings, meshes, ranges, **options), images, masks)


def _refine(run: Run, settings: Settings, network: Network, pose: LearnedPoseRegressor, labelled):
    """The pose network and the shapes' parameters, refined together where the settings say so."""
    params = network.params
    if settings.refine.num_steps:
        pictures = {"images": labelled["image"], "masks": labelled["mask"], "fov_y": network.fov_y}
        learned = refine(run, settings, network.module, params["network"], pose, **pictures)
        params = params | {"network": learned["network"]}
        pose = pose.with_params(learned["pose"])
    return pose, params


def _sheet(images: np.ndarray, azimuths: np.ndarray) -> np.ndarray:
    """A few pictures of every azimuth bin, a column each: all of a column should look one way."""
    bins = np.array([nearest_azimuth_bin(azimuth) for azimuth in azimuths])
    cells = np.full((_SHOWN, NUM_AZIMUTH_BINS, *images.shape[1:]), 255, np.uint8)
    for column in range(NUM_AZIMUTH_BINS):
        shown = images[np.flatnonzero(bins == column)[:_SHOWN]]
        cells[: len(shown), column] = shown
    return image_grid(cells.reshape(-1, *images.shape[1:]), NUM_AZIMUTH_BINS)


def _against_truth(run: Run, found: dict[str, tuple[np.ndarray, Pose]]) -> dict[str, Any]:
    """Where the pictures are a toy world's: errors in degrees of the cameras found of pictures `rows`, but
    for the one azimuth offset between the frames. For the record alone."""
    if not gan.draws_world(run.workdir):
        return {}
    errors: dict[str, Any] = {}
    for name, (rows, pose) in found.items():
        truth = make_world(run, 16).render(rows)  # of any resolution: cameras alone are looked at
        off = azimuth_errors(pose.azimuth, truth["azimuth"])
        tilt = np.degrees(np.abs(pose.elevation - truth["elevation"]))
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


def absent(settings: Settings) -> list[str]:
    """What is not there of the network that the stage takes from elsewhere, see `Stage`."""
    if settings.network is None:
        return []
    folder, get = weights_folder(settings.network), "correct it, or set it to None for the run's own"
    look = partial(stored.load_folder, make=make(inverse_graphics.NAME), shapes_only=True)
    return remedies.absent(f"{NAME}.network", folder / inverse_graphics.NAME, get, look)


def reads(settings: Settings) -> dict[str, Path]:
    """The network from outside the workdir, see `Stage`."""
    if settings.network is None:
        return {}
    return {f"{NAME}.network": weights_folder(settings.network) / inverse_graphics.NAME}


def recomputed(run: Run, settings: Settings) -> dict[str, dict[str, Any]]:
    """Of summary.json the errors of the cameras in cameras.npz anew, see `Stage`."""
    stored = read_npz(run.workdir / NAME / CAMERAS)
    azimuth, elevation = stored["cameras"].T
    errors = _against_truth(run, {"network": (stored["rows"], Pose(azimuth, elevation, 0 * azimuth))})
    return {"summary.json": errors}


STAGE = Stage(NAME, "Cameras of real pictures", Settings, run, needs=needs, absent=absent,
              trains=lambda settings: True, reads=reads, recomputed=recomputed)  # fmt: skip
