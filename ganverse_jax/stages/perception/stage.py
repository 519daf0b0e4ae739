"""The perception stage: a segmenter and a pose regressor trained on toy-world renders, or shipped ones.

The segmenter stands where the paper has Mask R-CNN; the regressor annotates a retrained toy GAN and
measures viewpoints (evaluation only). Both see exact masks and cameras of the toy world, never the GAN.
"""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ganverse_jax.classes.car.toy.world import ToyCars
from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor, PoseNet
from ganverse_jax.models.perception.segmenter import LearnedSegmenter, Segmenter, SegmenterNet
from ganverse_jax.runtime import parallel
from ganverse_jax.runtime.checkpoint import read_json, read_npz, write_json, write_npz
from ganverse_jax.runtime.loop import Loop, Metrics
from ganverse_jax.runtime.shipped import weights_folder
from ganverse_jax.stages.perception import sources
from ganverse_jax.stages.perception import step as steps
from ganverse_jax.stages.perception.scores import score_pose_regressor, score_segmenter

FILES = ("segmenter.safetensors", "pose_regressor.safetensors")
SOURCE = "segmenter.json"  # in place of the first file, where masks come from elsewhere
CARD = "perception.json"  # beside shipped files: the summary of the run that made them
STAGE = "perception"


class Perception(NamedTuple):
    """The stage's result, ready to call on uint8 images; a real class has no pose regressor.

    Only a `LearnedSegmenter` can be trained through (stylegan_r.cycle_mask="segment").
    """

    segmenter: Segmenter
    pose_regressor: LearnedPoseRegressor | None


def load(workdir: Path) -> Perception:
    """The networks of a finished stage. Raises FileNotFoundError when it has not run."""
    return load_folder(Path(workdir) / STAGE)


def load_folder(folder: Path) -> Perception:
    """The networks of any folder with a segmenter.safetensors, and maybe a pose_regressor.safetensors.

    A segmenter.json instead tells where masks come from (see `perception_sources`).
    """
    regressor, source = folder / FILES[1], folder / SOURCE
    segmenter = (
        sources.make_segmenter(read_json(source))
        if source.is_file()
        else LearnedSegmenter.load(folder / FILES[0])
    )
    return Perception(segmenter, LearnedPoseRegressor.load(regressor) if regressor.is_file() else None)


def run(
    workdir: Path,
    *,
    seed: int,
    mesh,
    metrics: Metrics,
    world: Mapping[str, Any],
    pretrained: str | None,
    how_to_get: str = "train it with --stages=perception",
    segmenter: Mapping[str, Any] | None = None,
    **training: Any,
) -> None:
    """Leave the networks, their held-out scores and a picture in ``workdir``/perception.

    With ``pretrained`` (the name of a shipped set under assets/, or any folder) the files are copied;
    FileNotFoundError says ``how_to_get`` a missing segmenter. Else both are trained with the settings of
    :func:`train`. A ``segmenter`` whose "source" is "onnx" or "masks" takes the place of the network.
    """
    folder = Path(workdir) / STAGE
    folder.mkdir(parents=True, exist_ok=True)
    source = sources.chosen(segmenter)
    if source is not None:
        sources.make_segmenter(source)  # fails here and now, not in a later stage
        write_json(folder / SOURCE, source)
        write_json(folder / "summary.json", {"pretrained": None, "segmenter": source})
        return
    (folder / SOURCE).unlink(missing_ok=True)
    if pretrained is None:
        train(Path(workdir), seed=seed, mesh=mesh, metrics=metrics, world=world, **training)
        return
    source = weights_folder(pretrained)
    if not (source / FILES[0]).is_file():
        raise FileNotFoundError(f"no segmenter at {source / FILES[0]}; {how_to_get}")
    for name in FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    load_folder(folder)
    card = read_json(source / CARD) if (source / CARD).is_file() else {}
    write_json(folder / "summary.json", card | {"pretrained": pretrained})


def train(
    workdir: Path,
    *,
    seed: int,
    mesh,
    metrics: Metrics,
    world: Mapping[str, Any],
    resolution: int,
    num_train: int,
    num_validation: int,
    batch_size: int,
    segmenter_steps: int,
    pose_steps: int,
    segmenter_widths=(16, 32, 48, 64),
    segmenter_refinements: int = 0,
    pose_widths=(24, 48, 96, 128),
    pose_hidden: int = 96,
    **loop: Any,
) -> Perception:
    """Render, train both networks, score what was written (float16) on held-out objects.

    loop: learning_rate, log_every and save_every, for both.
    """
    parallel.check_divisible(batch_size, mesh.size, "perception.batch_size")
    folder, started = workdir / STAGE, time.perf_counter()
    renders = render(world, resolution, "train", num_train, folder)
    held_out = render(world, resolution, "validation", num_validation, folder)
    shared = dict(workdir=workdir, mesh=mesh, metrics=metrics, batch_size=batch_size, seed=seed) | loop
    segmenter = train_segmenter(
        renders,
        widths=segmenter_widths,
        refinements=segmenter_refinements,
        num_steps=segmenter_steps,
        **shared,
    )
    regressor = train_pose(renders, widths=pose_widths, hidden=pose_hidden, num_steps=pose_steps, **shared)
    card = {"world": dict(world), "num_train": num_train, "batch_size": batch_size, "seed": seed} | loop
    card["minutes"] = round((time.perf_counter() - started) / 60, 2)
    card |= {"segmenter_steps": segmenter_steps, "pose_steps": pose_steps}
    card["device"] = f"{mesh.size} x {mesh.devices.flat[0].device_kind}"
    for name, network in zip(FILES, (segmenter, regressor), strict=True):
        network.save(folder / name, card)
    result = load_folder(folder)
    _report(folder, result, held_out, card, metrics, segmenter_steps, pose_steps)
    return result


def _report(folder, result: Perception, held_out, card, metrics, segmenter_steps, pose_steps) -> None:
    scores = {
        "segmenter": score_segmenter(result.segmenter, held_out),
        "pose_regressor": score_pose_regressor(result.pose_regressor, held_out),
    }
    for name, num_steps in (("segmenter", segmenter_steps), ("pose_regressor", pose_steps)):
        metrics.write(f"{STAGE}_{name}", num_steps, **scores[name])
    images = held_out["image"][:32]
    masks = np.round(255 * result.segmenter(images)).astype(np.uint8)
    write_npz(folder / "figures.npz", images=images, masks=masks, truth=held_out["mask"][:32])
    write_json(folder / "summary.json", {"pretrained": None, "card": card} | scores)


def render(world: Mapping[str, Any], resolution: int, split: str, count: int, folder: Path) -> dict:
    """The first `count` samples of a split of the toy world, kept in ``folder``/renders_*.npz."""
    cars = ToyCars(resolution, split=split, **world)
    path = folder / f"renders_{split}_{resolution}_{count}.npz"
    if not path.exists():
        parts = []
        for start in range(0, count, 1000):
            parts.append(cars.render(np.arange(start, min(count, start + 1000))))
            print(f"[{STAGE}] rendered {min(count, start + 1000)}/{count} {split} images", flush=True)
        write_npz(path, **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return read_npz(path)


def train_segmenter(
    renders, *, widths, num_steps: int, learning_rate: float, mesh, refinements: int = 0, **loop
) -> LearnedSegmenter:
    """Fit a `SegmenterNet` to renders {"image", "mask"}."""
    resolution, module = renders["image"].shape[1], SegmenterNet(tuple(widths), refinements)
    optimizer = steps.make_optimizer(learning_rate, num_steps)
    step = steps.segmenter_step(module, optimizer, mesh)
    params = _fit("segmenter", module, optimizer, step, renders, ("image", "mask"), num_steps, mesh, **loop)
    return LearnedSegmenter(params, widths=widths, refinements=refinements, resolution=resolution)


def train_pose(
    renders, *, widths, hidden: int, num_steps: int, learning_rate: float, mesh, **loop
) -> LearnedPoseRegressor:
    """Fit a `PoseNet` to renders {"image", "mask", "azimuth", "elevation", "distance"}."""
    resolution, module = renders["image"].shape[1], PoseNet(tuple(widths), hidden)
    stats = {
        f"{name}_stats": (float(renders[name].mean()), float(renders[name].std()))
        for name in ("elevation", "distance")
    }
    targets = steps.pose_targets(renders["azimuth"], renders["elevation"], renders["distance"], **stats)
    optimizer = steps.make_optimizer(learning_rate, num_steps)
    step = steps.pose_step(module, optimizer, mesh)
    data = dict(renders) | {"pose": targets}
    names = ("image", "mask", "pose")
    params = _fit("pose_regressor", module, optimizer, step, data, names, num_steps, mesh, **loop)
    return LearnedPoseRegressor(params, widths=widths, hidden=hidden, resolution=resolution, **stats)


def _fit(name, module, optimizer, step, data, fields, num_steps, mesh, *, workdir, batch_size, seed, **loop):
    """Run the loop over random batches of `data`; returns the trained parameters on the host."""
    key = jax.random.fold_in(jax.random.key(seed), len(name))
    state = steps.initial_state(module, data["image"].shape[1], optimizer, seed=seed)

    def batch_at(index: int) -> dict[str, np.ndarray]:
        rows = np.random.default_rng([seed, len(name), index]).integers(0, len(data["image"]), batch_size)
        return {field: data[field][rows] for field in fields} | {
            "index": np.arange(batch_size, dtype=np.int32)
        }

    training = Loop(
        stage=f"{STAGE}_{name}",
        num_steps=num_steps,
        key=key,
        mesh=mesh,
        checkpoints=workdir / "checkpoints" / STAGE / name,
        **loop,
    )
    state = training.fit(state, lambda _: step, batch_at)
    return jax.device_get(state["params"])
