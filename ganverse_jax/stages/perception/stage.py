"""The perception stage: a segmenter and a pose regressor trained on toy-world renders, or shipped ones.

The segmenter stands where the paper has Mask R-CNN; the regressor annotates a retrained toy GAN and
measures viewpoints (evaluation only). Both see exact masks and cameras of the toy world, never the GAN.
"""

import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor, PoseNet
from ganverse_jax.models.perception.segmenter import LearnedSegmenter, SegmenterNet
from ganverse_jax.pipeline import remedies
from ganverse_jax.pipeline.experiment import make_world
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.pipeline.stage import Run, Stage
from ganverse_jax.runtime import hosts, parallel
from ganverse_jax.runtime.checkpoint import read_json, read_npz, write_json, write_npz
from ganverse_jax.runtime.shipped import weights_folder
from ganverse_jax.stages.perception import sources
from ganverse_jax.stages.perception import step as steps
from ganverse_jax.stages.perception.load import FILES, NAME, SOURCE, Perception, load, load_folder
from ganverse_jax.stages.perception.scores import score_pose_regressor, score_segmenter
from ganverse_jax.stages.perception.settings import Settings

__all__ = ["FILES", "NAME", "SOURCE", "STAGE", "Perception", "load", "load_folder", "run", "train"]
CARD = "perception.json"  # beside shipped files: the summary of the run that made them


def run(run: Run, settings: Settings) -> None:
    """Leave the networks, their held-out scores and a picture in <workdir>/perception.

    Pretrained files are copied. Else both networks are trained. A Mask R-CNN or a folder of masks takes the
    place of the segmenter.
    """
    folder = run.workdir / NAME
    folder.mkdir(parents=True, exist_ok=True)
    source = sources.chosen(settings.segmenter, run.object_class)
    if source is not None:
        sources.make_segmenter(source)  # fails here and now, not in a later stage
        write_json(folder / SOURCE, source)
        write_json(folder / "summary.json", {"pretrained": None, "segmenter": source})
        return
    (folder / SOURCE).unlink(missing_ok=True)
    if settings.pretrained is None:
        train(run, settings)
        return
    source = weights_folder(settings.pretrained)
    load_folder(source)  # what is wrong with them is told of the files themselves, not of the copies
    for name in FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    card = read_json(source / CARD) if (source / CARD).is_file() else {}
    write_json(folder / "summary.json", card | {"pretrained": settings.pretrained})


def absent(settings: Settings) -> list[str]:
    """What is not there of the networks that the stage takes from elsewhere, see `Stage`."""
    if settings.segmenter.source == "onnx":
        return sources.absent(settings.segmenter, f"{NAME}.segmenter")
    if settings.segmenter.source == "masks" or settings.pretrained is None:
        return []
    segmenter, regressor = (weights_folder(settings.pretrained) / name for name in FILES)
    setting, get, looks = f"{NAME}.pretrained", settings.how_to_get, {"shapes_only": True}
    told = remedies.absent(setting, segmenter, get, partial(LearnedSegmenter.load, **looks))
    if regressor.is_file():
        told += remedies.absent(setting, regressor, get, partial(LearnedPoseRegressor.load, **looks))
    return told


def reads(settings: Settings) -> dict[str, Path]:
    """The files and folders outside the workdir that the stage reads, see `Stage`. A folder of masks grows
    with what later stages ask for and is not among them."""
    if settings.segmenter.source == "onnx":
        return {f"{NAME}.segmenter.path": Path(settings.segmenter.path)}
    taken = settings.segmenter.source == "network" and settings.pretrained is not None
    return {f"{NAME}.pretrained": weights_folder(settings.pretrained)} if taken else {}


def recomputed(run: Run, settings: Settings) -> dict[str, dict[str, Any]]:
    """The scores of networks that were trained here anew, see `Stage`; of others the renders that they were
    scored on are not known."""
    if not trains(settings):
        return {}
    world = make_world(run, settings.resolution, "validation")
    return {"summary.json": _scores(load(run.workdir), world.render(np.arange(settings.num_validation)))}


def trains(settings: Settings) -> bool:
    """Whether the networks are trained here."""
    return settings.pretrained is None and settings.segmenter.source == "network"


def train(run: Run, settings: Settings) -> Perception:
    """Render, train both networks, score what was written (float16) on held-out objects."""
    parallel.check_divisible(settings.batch_size, run.mesh.size, "perception.batch_size")
    folder, started = run.workdir / NAME, time.perf_counter()
    counts = {"train": settings.num_train, "validation": settings.num_validation}
    renders, held_out = hosts.after_first(
        lambda: [render(run, settings.resolution, *which) for which in counts.items()]
    )
    segmenter, regressor = train_segmenter(run, settings, renders), train_pose(run, settings, renders)
    hosts.leave_rest_to_first()
    named = ("num_train", "batch_size", "learning_rate", "log_every", "save_every")
    named += ("segmenter_steps", "pose_steps")
    card = {"world": plain(run.world), "seed": run.seed} | {name: getattr(settings, name) for name in named}
    card["minutes"] = round((time.perf_counter() - started) / 60, 2)
    card["device"] = f"{run.mesh.size} x {run.mesh.devices.flat[0].device_kind}"
    for name, network in zip(FILES, (segmenter, regressor), strict=True):
        network.save(folder / name, card)
    result = load_folder(folder)
    _report(run, settings, result, held_out, card)
    return result


def _scores(networks: Perception, held_out) -> dict[str, dict[str, float]]:
    return {
        "segmenter": score_segmenter(networks.segmenter, held_out),
        "pose_regressor": score_pose_regressor(networks.pose_regressor, held_out),
    }


def _report(run: Run, settings: Settings, result: Perception, held_out, card) -> None:
    scores = _scores(result, held_out)
    steps_of = {"segmenter": settings.segmenter_steps, "pose_regressor": settings.pose_steps}
    for name, num_steps in steps_of.items():
        run.metrics.write_anew(f"{NAME}_{name}_evaluation", num_steps, **scores[name])
    images = held_out["image"][:32]
    masks = np.round(255 * result.segmenter(images)).astype(np.uint8)
    folder = run.workdir / NAME
    write_npz(folder / "figures.npz", images=images, masks=masks, truth=held_out["mask"][:32])
    write_json(folder / "summary.json", {"pretrained": None, "card": card} | scores)


def render(run: Run, resolution: int, split: str, count: int) -> dict:
    """The first `count` samples of a split of the toy world, kept in the stage's renders_*.npz."""
    world, folder = make_world(run, resolution, split), run.workdir / NAME
    path = folder / f"renders_{split}_{resolution}_{count}.npz"
    if not path.exists():
        parts = []
        for start in range(0, count, 1000):
            parts.append(world.render(np.arange(start, min(count, start + 1000))))
            print(f"[{NAME}] rendered {min(count, start + 1000)}/{count} {split} images", flush=True)
        write_npz(path, **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return read_npz(path)


def train_segmenter(run: Run, settings: Settings, renders) -> LearnedSegmenter:
    """Fit a `SegmenterNet` to renders {"image", "mask"}."""
    widths, refinements = settings.segmenter_widths, settings.segmenter_refinements
    module, num_steps = SegmenterNet(widths, refinements), settings.segmenter_steps
    optimizer = steps.make_optimizer(settings.learning_rate, num_steps)
    fitting = Fitting("segmenter", module, optimizer, num_steps, ("image", "mask"))
    params = fitting.fit(run, settings, steps.segmenter_step(module, optimizer, run.mesh), renders)
    resolution = renders["image"].shape[1]
    return LearnedSegmenter(params, widths=widths, refinements=refinements, resolution=resolution)


def train_pose(run: Run, settings: Any, renders, stage: str = NAME) -> LearnedPoseRegressor:
    """Fit a `PoseNet` to renders {"image", "mask", "azimuth", "elevation", "distance"}; settings: of `stage`,
    with the pose_* fields of this one's."""
    widths, hidden = settings.pose_widths, settings.pose_hidden
    module, num_steps = PoseNet(widths, hidden), settings.pose_steps
    stats = {
        f"{name}_stats": (float(renders[name].mean()), float(renders[name].std()))
        for name in ("elevation", "distance")
    }
    targets = steps.pose_targets(renders["azimuth"], renders["elevation"], renders["distance"], **stats)
    optimizer = steps.make_optimizer(settings.learning_rate, num_steps)
    fitting = Fitting("pose_regressor", module, optimizer, num_steps, ("image", "mask", "pose"))
    step = steps.pose_step(module, optimizer, run.mesh)
    params = fitting.fit(run, settings, step, dict(renders) | {"pose": targets}, stage=stage)
    resolution = renders["image"].shape[1]
    return LearnedPoseRegressor(params, widths=widths, hidden=hidden, resolution=resolution, **stats)


class Fitting(NamedTuple):
    """One training of a network that reads pictures: its name in the log, and the fields of its batches."""

    name: str
    module: SegmenterNet | PoseNet
    optimizer: optax.GradientTransformation
    num_steps: int
    fields: tuple[str, ...]

    def fit(self, run: Run, settings: Any, step, data, *, resolution=None, stage: str = NAME) -> dict:
        """Run the loop over random batches of `data`; returns the trained parameters on the host.

        resolution: of the pictures, those of data["image"] unless given.
        """
        key = jax.random.fold_in(jax.random.key(run.seed), len(self.name))
        resolution = resolution or data["image"].shape[1]
        state = steps.initial_state(self.module, resolution, self.optimizer, seed=run.seed)
        count, size = len(data[self.fields[0]]), settings.batch_size
        mine = parallel.local_rows(size, run.mesh)

        def batch_at(index: int) -> dict[str, np.ndarray]:
            random = np.random.default_rng([run.seed, len(self.name), index])
            rows = random.integers(0, count, size)[mine]
            batch = {field: data[field][rows] for field in self.fields}
            return batch | {"index": mine.astype(np.int32)}

        loop = run.loop(f"{stage}_{self.name}", settings, num_steps=self.num_steps, key=key,
                        checkpoints=f"{stage}/{self.name}")  # fmt: skip
        state = loop.fit(state, lambda _: step, batch_at)
        return jax.device_get(state["params"])


STAGE = Stage(NAME, "Masks and poses", Settings, run, absent=absent, pretrained=True, trains=trains,
              reads=reads, recomputed=recomputed)  # fmt: skip
