"""Stage: train the inverse graphics network and the view cameras on a multi-view set, then measure them.

`run` takes the GAN's images from a workdir; `train` any `MultiviewSource` (the posed toy world's too). They
write to <workdir>/inverse_graphics: network.safetensors, cameras.json, evaluation.json, summary.json,
figures.npz, failures.png, meshes/*.glb and their turntables *.webp;
samples/inverse_graphics_<step>.png; metrics.jsonl lines; checkpoints/inverse_graphics/.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganverse_jax.data.batches import Prefetch
from ganverse_jax.data.framing import Framing, measure_framing
from ganverse_jax.data.multiview.posed_folder import read_posed_folder
from ganverse_jax.data.multiview.set import MultiviewSource, Pairs, azimuth_bins
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.inverse_graphics.stored import FILE, STAGE, load_folder
from ganverse_jax.runtime import parallel
from ganverse_jax.runtime.checkpoint import save_weights, write_json
from ganverse_jax.runtime.loop import Loop, Metrics
from ganverse_jax.scene.cameras import as_cameras, given_cameras, initial_cameras, with_offsets, write_cameras
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.inverse_graphics import pascal3d_source
from ganverse_jax.stages.inverse_graphics.measures import measure, show
from ganverse_jax.stages.inverse_graphics.perceptual import make_perceptual
from ganverse_jax.stages.inverse_graphics.start import init_network, starting_network
from ganverse_jax.stages.inverse_graphics.step import initial_state, make_optimizer, make_step_at
from ganverse_jax.stages.multiview_dataset.source import load_source
from ganverse_jax.stages.perception import stage as perception

# Settings of `run` that say where pictures and features come from; the others are those of `train`.
SOURCE_SETTINGS = frozenset(
    ("perceptual_blocks", "perceptual", "source", "memory_gib", "on_the_fly")
    + ("posed_folder", "posed_size", "pascal3d", "pascal3d_reader")
)
__all__ = ["STAGE", "as_cameras", "init_network", "load", "load_folder", "run", "train"]


def run(
    workdir: Path,
    *,
    seed: int,
    mesh,
    metrics: Metrics,
    world: Mapping[str, Any],
    perceptual_blocks: int = 4,
    perceptual: Mapping[str, Any] | None = None,
    source: str = "disk",
    memory_gib: float = 2.0,
    on_the_fly: Mapping[str, Any] | None = None,
    posed_folder: str | None = None,
    posed_size: tuple[int, int] | None = None,
    pascal3d: str | None = None,
    pascal3d_reader: Mapping[str, Any] | None = None,
    **settings: Any,
) -> dict[str, float]:
    """The stage on what earlier stages left in `workdir`; returns the figures of evaluation.json.

    world: "fov_degrees" and "distance" of the cameras' start. perceptual, perceptual_blocks: settings of
    `make_perceptual`. settings: those of `train`.
    source, memory_gib, on_the_fly: where the images come from, see `load_source`.
    posed_folder: train on such a folder (`data.multiview.posed_folder`, resized to posed_size = (h, w))
    instead, from its own cameras unless camera_origin says "bins"; no other stage is needed with
    perceptual_blocks = 0.
    pascal3d: likewise on Pascal3D+ at that path, read with pascal3d_reader (`pascal3d_source.read`).
    Where the perception stage has run, its pose regressor measures the cameras (never trains them).
    """
    workdir = Path(workdir)
    distance = make_perceptual(workdir, perceptual_blocks, **(perceptual or {}))
    posed = None
    if posed_folder is not None:
        posed = read_posed_folder(posed_folder, posed_size)
    elif pascal3d is not None:
        posed = pascal3d_source.read(workdir / STAGE, pascal3d, **pascal3d_reader)
    if posed is not None:
        inputs = {"multiview": posed.multiview, "fov_degrees": posed.fov_degrees}
        settings = {"camera_origin": "given"} | settings
    else:
        choice = {"source": source, "memory_gib": memory_gib, "on_the_fly": on_the_fly or {}}
        inputs = _gan_inputs(workdir, seed=seed, batch_size=settings["batch_size"], **choice)
        inputs["fov_degrees"] = world["fov_degrees"]
    return train(
        workdir,
        seed=seed,
        mesh=mesh,
        metrics=metrics,
        camera_distance=world["distance"],
        perceptual=distance,
        **inputs,
        **settings,
    )


def _gan_inputs(workdir: Path, **choice: Any) -> dict[str, Any]:
    """What `train` takes of the GAN's stages; choice: settings of `load_source`."""
    generator, _ = gan.load(workdir)
    regress = perception.load(workdir).pose_regressor if (workdir / perception.STAGE).is_dir() else None
    images = load_source(workdir, generator, **choice)
    return {"multiview": images, "fingerprint": generator.fingerprint, "regress": regress}


def train(
    workdir: Path,
    *,
    multiview: MultiviewSource,
    seed: int,
    mesh,
    metrics: Metrics,
    network: Mapping[str, Any],
    encoder_weights: str | None = None,
    weights: Mapping[str, float],
    num_steps: int,
    batch_size: int,
    learning_rate: float,
    camera_learning_rate: float,
    camera_start: int = 0,
    camera_origin: str = "bins",
    camera_offset: bool = False,
    single_view: bool = False,
    decay: bool = False,
    fov_degrees: float,
    camera_distance: float,
    log_every: int = 50,
    save_every: int = 500,
    fingerprint: str | None = None,
    evaluate: Callable[..., Mapping[str, float]] | None = None,
    regress: Callable | None = None,
    **step_settings: Any,
) -> dict[str, float]:
    """Train up to `num_steps` (or on from the newest checkpoint) and return the figures of the test objects.

    network: settings of `InverseGraphics`; encoder_weights: the file that a ResNet encoder starts from.
    weights: lambdas of Eq. 1. Rates are per step of Adam; cameras (radians, log distance) move from
    `camera_start` on; they begin at their bins, or with camera_origin="given" where their views say, and with
    camera_offset also learn where the object stands in the picture (NDC, same rate). `decay`: see
    `make_optimizer`. single_view: no multi-view term (Fig. 6 of the paper), and objects of one image
    serve. fingerprint names the GAN behind the images. evaluate(predict=, cameras=) may add figures that
    need truth (`inverse_graphics_posed`); regress(images uint8) -> azimuth, elevation [n] reads cameras off
    images.
    step_settings: the rest of `make_step_at` (perceptual, perceptual_start, sigma_inverse, ...).
    Raises ValueError for settings that cannot serve, and when no object is held out to be measured.
    """
    parallel.check_divisible(batch_size, mesh.size, "inverse_graphics.batch_size")
    workdir, fov_y, started = Path(workdir), float(np.radians(fov_degrees)), time.perf_counter()
    module = InverseGraphics(**network)
    before = _first_cameras(multiview.views, camera_origin, camera_distance, camera_offset)
    pairs = multiview.training_pairs(single_view=single_view)
    objects = "endless" if pairs.num_objects is None else pairs.num_objects
    print(f"[{STAGE}] {objects} training objects, {pairs.num_dropped} of one view left out", flush=True)
    measured = ["test"] if evaluate is None and regress is None else ["validation", "test"]
    _check_held_out(multiview, measured, pairs)
    optimizer = make_optimizer(
        num_steps,
        learning_rate=learning_rate,
        camera_learning_rate=camera_learning_rate,
        camera_start=camera_start,
        decay=decay,
    )
    start = {"network": starting_network(module, multiview.size, seed, encoder_weights), "cameras": before}

    def on_save(step: int, state: Any) -> None:
        path = workdir / "samples" / f"{STAGE}_{step:06d}.png"
        show(module, jax.device_get(state["average"]), multiview, fov_y, sheet=path)

    params = _fit(
        initial_state(start, optimizer),
        make_step_at(module, optimizer, mesh, fov_y=fov_y, weights=weights, **step_settings),
        pairs,
        workdir,
        seed,
        batch_size,
        num_steps=num_steps,
        mesh=mesh,
        metrics=metrics,
        log_every=log_every,
        save_every=save_every,
        on_save=on_save,
    )
    seconds, folder = time.perf_counter() - started, workdir / STAGE
    card = {
        "network": dict(network),
        "fov_degrees": fov_degrees,
        "fingerprint": fingerprint,
        "step": num_steps,
        "framing": _framing(pairs, seed, batch_size)._asdict(),
    }
    save_weights(folder / FILE, params, card)
    figures, poses, failures = measure(module, params, multiview, fov_y, evaluate, regress)
    write_cameras(folder / "cameras.json", multiview.views, before, params["cameras"], fov_degrees, poses)
    show(module, params, multiview, fov_y, folder=folder, failures=failures)
    write_json(folder / "evaluation.json", figures)
    summary = {"steps": num_steps, "train_seconds": round(seconds, 1), "fingerprint": fingerprint}
    summary |= {"train_objects": pairs.num_objects, "dropped_objects": pairs.num_dropped}
    write_json(folder / "summary.json", summary)
    metrics.write(f"{STAGE}_evaluation", num_steps, **figures)
    return figures


def _first_cameras(views, origin: str, distance: float, offset: bool) -> dict[str, np.ndarray]:
    """The cameras that training starts from, by the settings of `train`."""
    if origin not in ("bins", "given"):
        raise ValueError(f"inverse_graphics.camera_origin = {origin!r}; choose bins or given")
    cameras = given_cameras(views) if origin == "given" else initial_cameras(azimuth_bins(views), distance)
    return with_offsets(cameras) if offset else cameras


def _fit(
    state, step_at, pairs: Pairs, workdir: Path, seed: int, batch_size: int, *, num_steps: int, **loop: Any
) -> dict[str, Any]:
    """The loop over batches of pairs; returns the average of the parameters, on the host."""

    def batch_at(step: int) -> dict[str, np.ndarray]:
        return pairs.pair_batch((seed, step), batch_size)

    loop |= {"num_steps": num_steps, "key": jax.random.key(seed), "stage": STAGE}
    training = Loop(checkpoints=workdir / "checkpoints" / STAGE, **loop)
    with Prefetch(batch_at, num_steps=num_steps, threads=pairs.threads) as prepared:
        state = training.fit(state, step_at, prepared)
    return jax.device_get(state["average"])


def _check_held_out(multiview: MultiviewSource, names: Sequence[str], pairs: Pairs) -> None:
    """Raise ValueError when a split that will be measured holds no object, before anything is trained."""
    empty = [name for name in names if not len(multiview.split(name, 1))]
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
    return load_folder(Path(workdir) / STAGE)
