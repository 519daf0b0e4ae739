"""Stage: train the inverse graphics network and the view cameras on a multi-view set, then measure them.

`run` takes the GAN's images from a workdir; `train` any `MultiviewSource` (the posed toy world's too). They
write to <workdir>/inverse_graphics: network.safetensors, cameras.json, evaluation.json, summary.json,
figures.npz, failures.png, meshes/*.glb and their turntables *.webp;
samples/inverse_graphics_<step>.png; metrics.jsonl lines; checkpoints/inverse_graphics/.
"""

import dataclasses
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganverse_jax.data.batches import Prefetch
from ganverse_jax.data.framing import Framing, measure_framing
from ganverse_jax.data.multiview.posed_folder import INDEX, read_index
from ganverse_jax.data.multiview.set import Pairs, azimuth_bins
from ganverse_jax.models.inverse_graphics import stored
from ganverse_jax.models.inverse_graphics.camera_residual import CameraResidual
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.inverse_graphics.stored import FILE
from ganverse_jax.pipeline import remedies
from ganverse_jax.pipeline.remedies import make
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.pipeline.stage import Run, Stage
from ganverse_jax.runtime import hosts, parallel
from ganverse_jax.runtime.checkpoint import save_weights, write_json
from ganverse_jax.scene.cameras import as_cameras, given_cameras, initial_cameras, with_offsets, write_cameras
from ganverse_jax.stages.inverse_graphics import labelled, pascal3d_source, pretrained
from ganverse_jax.stages.inverse_graphics.given import NAME, Given, given_by
from ganverse_jax.stages.inverse_graphics.measures import measure, show
from ganverse_jax.stages.inverse_graphics.perceptual import make_perceptual
from ganverse_jax.stages.inverse_graphics.settings import Settings, Training
from ganverse_jax.stages.inverse_graphics.start import absent as absent_of_training
from ganverse_jax.stages.inverse_graphics.start import init_network, starting_network
from ganverse_jax.stages.inverse_graphics.start import reads as read_by_training
from ganverse_jax.stages.inverse_graphics.step import initial_state, make_optimizer, make_step_at

__all__ = ["NAME", "STAGE", "Given", "as_cameras", "init_network", "load", "load_folder", "run", "train"]


def run(run: Run, settings: Settings) -> dict[str, float]:
    """The stage on what earlier stages left, a posed folder or Pascal3D+; returns evaluation.json's figures.

    Where the perception stage has run, its pose regressor measures the cameras (never trains them). A posed
    folder and Pascal3D+ need no other stage without a discriminator's perceptual term.
    """
    if settings.pretrained is not None:
        return _take(run, settings, given_by(run, settings, again=True))
    chosen = settings.perceptual_blocks, settings.perceptual, settings.perceptual_at_once
    perceptual = make_perceptual(run.workdir, *chosen)
    return train(run, settings, dataclasses.replace(given_by(run, settings), perceptual=perceptual))


def train(run: Run, training: Training, given: Given) -> dict[str, float]:
    """Train up to `num_steps` (or on from the newest checkpoint) and return the figures of the test objects.

    Cameras (radians, log distance) begin at their bins, or with camera_origin "given" where their views say.
    With single_view (Fig. 6 of the paper) objects of one image serve. Raises ValueError for settings that
    cannot serve, and when no object is held out to be measured.
    """
    name = "inverse_graphics.batch_size"
    parallel.check_divisible(training.batch_size, run.mesh.size, name, training.micro_batches)
    started, views = time.perf_counter(), given.multiview.views
    module = InverseGraphics(**plain(training.network))
    before = _first_cameras(views, training, given.camera_distance)
    pairs = given.multiview.training_pairs(single_view=training.single_view)
    objects = "endless" if pairs.num_objects is None else pairs.num_objects
    print(f"[{NAME}] {objects} training objects, {pairs.num_dropped} of one view left out", flush=True)
    _check_held_out(given, pairs)
    network = starting_network(module, given.multiview.size, run.seed, training.encoder_weights)
    start = {"network": network, "cameras": before}
    if training.camera_residual:
        start["residual"] = init_network(CameraResidual(), given.multiview.size, run.seed)
    params = _fit(run, training, given, module, start, pairs)
    hosts.leave_rest_to_first()
    summary = {"steps": training.num_steps, "train_seconds": round(time.perf_counter() - started, 1)}
    summary |= {"train_objects": pairs.num_objects, "dropped_objects": pairs.num_dropped}
    if given.labelled is not None:
        summary["labelled_pictures"] = len(given.labelled.images)
    save_weights(run.workdir / NAME / FILE, params, _card(run, training, given, pairs))
    return _measure(run, given, module, params, before, summary)


def _take(run: Run, settings: Settings, given: Given) -> dict[str, float]:
    """A finished network in place of the training, measured on the run's own pictures; returns as `train`.

    Raises as `pretrained.take`.
    """
    before = _first_cameras(given.multiview.views, settings, given.camera_distance)
    _check_held_out(given, given.multiview.training_pairs(single_view=settings.single_view))
    name, folder = settings.pretrained, run.workdir / NAME
    module, params, metadata = pretrained.take(name, folder, before, given.fingerprint)
    summary = {"pretrained": name, "steps": metadata.get("step")}
    return _measure(run, given, module, params, before, summary)


def _measure(
    run: Run, given: Given, module: InverseGraphics, params: dict, before: dict, summary: dict
) -> dict[str, float]:
    """Measure the network and write all that the stage leaves beside it."""
    folder, fov_y, views = run.workdir / NAME, float(np.radians(given.fov_degrees)), given.multiview.views
    figures, poses, failures = measure(module, params, given.multiview, fov_y, given.evaluate, given.regress)
    write_cameras(folder / "cameras.json", views, before, params["cameras"], given.fov_degrees, poses)
    show(module, params, given.multiview, fov_y, folder=folder, failures=failures)
    write_json(folder / "evaluation.json", figures)
    write_json(folder / "summary.json", {"fingerprint": given.fingerprint} | summary | dict(given.intake))
    run.metrics.write_anew(f"{NAME}_evaluation", summary["steps"], **figures)
    return figures


def _first_cameras(views, training: Training, distance: float) -> dict[str, np.ndarray]:
    """The cameras that training starts from."""
    given = training.camera_origin == "given"
    cameras = given_cameras(views) if given else initial_cameras(azimuth_bins(views), distance)
    return with_offsets(cameras) if training.camera_offset else cameras


def _card(run: Run, training: Training, given: Given, pairs: Pairs) -> dict[str, Any]:
    """What the network's file tells of it."""
    return {
        "network": plain(training.network),
        "fov_degrees": given.fov_degrees,
        "fingerprint": given.fingerprint,
        "step": training.num_steps,
        "framing": _framing(pairs, run.seed, training.batch_size)._asdict(),
    }


def _fit(
    run: Run, training: Training, given: Given, module: InverseGraphics, start: dict, pairs: Pairs
) -> dict[str, Any]:
    """The loop over batches of pairs; returns the average of the parameters, on the host."""
    fov_y, optimizer = float(np.radians(given.fov_degrees)), make_optimizer(training)
    step_at = make_step_at(module, optimizer, run.mesh, training, fov_y=fov_y, perceptual=given.perceptual)

    mine = parallel.local_rows(training.batch_size, run.mesh)
    labelled = given.labelled
    if labelled is not None:
        labelled_rows = parallel.local_rows(labelled.batch_size, run.mesh)

    def batch_at(step: int) -> dict[str, np.ndarray]:
        key = (run.seed, step)
        real = {} if labelled is None else labelled.batch(key, labelled_rows)
        return real | pairs.pair_batch(key, training.batch_size, mine)

    def on_save(step: int, state: Any) -> None:
        path = run.workdir / "samples" / f"{NAME}_{step:06d}.png"
        show(module, jax.device_get(state["average"]), given.multiview, fov_y, sheet=path)
        run.metrics.picture(NAME, step, path)

    loop = run.loop(NAME, training, num_steps=training.num_steps, key=jax.random.key(run.seed),
                    on_save=on_save)  # fmt: skip
    with Prefetch(batch_at, num_steps=training.num_steps, threads=pairs.threads) as prepared:
        state = loop.fit(initial_state(start, optimizer), step_at, prepared)
    return jax.device_get(state["average"])


def _check_held_out(given: Given, pairs: Pairs) -> None:
    """Raise ValueError when a split that will be measured holds no object, before anything is trained."""
    names = ["test"] if given.evaluate is None and given.regress is None else ["validation", "test"]
    empty = [name for name in names if not len(given.multiview.rows_of(name, 1))]
    if empty:
        raise ValueError(
            f"objects that can be trained on: {pairs.num_objects}, but none is in the split "
            f"{' and '.join(empty)}; objects are split into train, validation and test as 80 / 10 / 10 %: "
            "give 10 objects or more"
        )


def _framing(pairs: Pairs, seed: int, batch_size: int) -> Framing:
    """How objects stand in the training pictures, from some hundred of them."""
    batches = [pairs.pair_batch((seed, step), batch_size)["masks"] for step in range(-(-256 // batch_size))]
    masks = np.concatenate(batches)
    return measure_framing(masks.reshape(-1, *masks.shape[2:]))


def load(workdir: str | Path) -> tuple[InverseGraphics, dict[str, Any], dict[str, Any]]:
    """What `run` left in a workdir: (network, {"network", "cameras"} parameters, metadata).

    Raises as `load_folder`: FileNotFoundError when the stage has not run there.
    """
    return load_folder(Path(workdir) / NAME)


def load_folder(folder: str | Path) -> tuple[InverseGraphics, dict[str, Any], dict[str, Any]]:
    """As `load`, from the stage's own folder; raises as `models.inverse_graphics.stored.load_folder`."""
    return stored.load_folder(folder, make(NAME))


def absent(settings: Settings) -> list[str]:
    """What is not there of the files and folders that the stage reads, see `Stage`."""
    if settings.pretrained is not None:
        told = pretrained.absent(settings.pretrained)
    else:
        told = absent_of_training(settings, NAME) + labelled.absent(settings.labelled, NAME)
    if settings.posed_folder is not None:
        layout = "see ganverse_jax/data/multiview/posed_folder.py for its layout"
        index = Path(settings.posed_folder) / INDEX
        told += remedies.absent(f"{NAME}.posed_folder", index, layout, read_index)
    elif settings.pascal3d is not None:
        told += pascal3d_source.absent(settings.pascal3d, settings.pascal3d_reader.masks, NAME)
    return told


def reads(settings: Settings) -> dict[str, Path]:
    """The files and folders outside the workdir that the stage reads, see `Stage`."""
    taken = settings.pretrained
    found = read_by_training(settings, NAME) if taken is None else pretrained.reads(taken)
    for name in ("posed_folder", "pascal3d"):
        if path := getattr(settings, name):
            found[f"{NAME}.{name}"] = Path(path)
    if settings.labelled.labels is not None and taken is None:
        found[f"{NAME}.labelled.labels"] = labelled.pose_path(settings.labelled)
    return found


def recomputed(run: Run, settings: Settings) -> dict[str, dict[str, Any]]:
    """evaluation.json's figures anew, see `Stage`."""
    figures = measured_again(run.workdir / NAME, given_by(run, settings, again=True))
    return {"evaluation.json": figures}


def measured_again(folder: Path, given: Given) -> dict[str, float]:
    """The figures of the network that `train` left in the stage's own folder."""
    module, params, _ = load_folder(folder)
    fov_y = float(np.radians(given.fov_degrees))
    return measure(module, params, given.multiview, fov_y, given.evaluate, given.regress).figures


STAGE = Stage(
    NAME,
    "Inverse graphics",
    Settings,
    run,
    absent=absent,
    # Fed by the GAN it needs no set on disk.
    needs=lambda settings: (
        "gan",
        "perception",
        "viewpoints" if settings.source == "generator" else "multiview_dataset",
    ),
    figures=("steps", "train_seconds", "iou_2d"),
    pretrained=True,
    trains=lambda settings: settings.pretrained is None,
    reads=reads,
    recomputed=recomputed,
)
