"""Several trainings on the posed toy-world set in one folder: what the comparisons of them share."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganverse_jax import stages
from ganverse_jax.classes import World
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.pipeline.workdir import only_run
from ganverse_jax.runtime import hosts, parallel
from ganverse_jax.runtime.checkpoint import read_json, write_json, write_png, write_text
from ganverse_jax.runtime.loop import Metrics
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics.settings import Training
from ganverse_jax.stages.inverse_graphics_posed.settings import Settings
from ganverse_jax.stages.inverse_graphics_posed.stage import posed_given


def posed_settings(experiment: Experiment, purpose: str) -> Settings:
    """The experiment's `inverse_graphics_posed`. Raises ValueError that says what to `purpose` with where it
    has no such world."""
    settings = experiment.stages["inverse_graphics_posed"]
    if settings is None:
        raise ValueError(
            "this experiment has no world whose true cameras are known (inverse_graphics_posed is None); "
            f"{purpose} with --config=configs/toy_car.py"
        )
    return settings


@contextlib.contextmanager
def claimed(experiment: Experiment, workdir: Path, name: str, **made_with: Any) -> Iterator[Path]:
    """The folder of a comparison of posed trainings, held and claimed, in a workdir that has a GAN.

    made_with: beside the experiment. Raises as :func:`claim`, and whatever the GAN's stage raises.
    """
    pipeline, folder = stages.pipeline(experiment, workdir), Path(workdir) / name
    pipeline.run(until="gan")  # whose discriminator is the perceptual distance
    with only_run(pipeline.workdir):
        made_with = {"digest": pipeline.digest("inverse_graphics_posed")} | made_with
        hosts.from_first(lambda: claim(folder, made_with))
        yield folder


def claim(folder: Path, made_with: dict[str, Any]) -> None:
    """Write settings.json to the folder. Raises ValueError when it was made with other settings."""
    record = folder / "settings.json"
    # Alone, the record's loss would let trainings of other settings pass for these.
    remedy = f"delete the whole folder {folder} to make its trainings again"
    before = read_json(record, remedy=remedy) if record.exists() else made_with
    if before != made_with:
        raise ValueError(
            f"{folder} was made with other settings ({before}, now {made_with}); use a new "
            "--workdir, or delete it to make it again"
        )
    write_json(record, made_with)


def train_once(folder: Path, experiment: Experiment, training: Training, world: World, images) -> None:
    """One training on images() of the world in FOLDER = <workdir>/<comparison>/<model>; a finished one is
    skipped, an interrupted one goes on. Ends with DONE.json {"train_seconds", "resumed"}."""
    log = f"[{folder.parent.name}] {folder.name}-model"
    if hosts.from_first((folder / "DONE.json").exists):
        print(f"{log} trained before, skipped", flush=True)
        return
    print(f"{log} begins", flush=True)
    resumed = any((folder / "checkpoints").rglob("*"))
    mesh = parallel.data_mesh(experiment.num_devices)
    run = Run(folder, experiment.seed, mesh, Metrics(folder), experiment.object_class, experiment.world)
    num_evaluated = experiment.stages["inverse_graphics_posed"].num_evaluated
    given = posed_given(folder.parents[1], world, images(), training, num_evaluated)
    with hosts.together():
        inverse_graphics.train(run, training, given)
        seconds = read_json(folder / inverse_graphics.NAME / "summary.json")["train_seconds"]
        write_json(folder / "DONE.json", {"train_seconds": seconds, "resumed": resumed})
        shutil.rmtree(folder / "checkpoints")


def finished(folder: Path) -> dict[str, Any]:
    """What `train_once` left in its folder: {"training": DONE.json, "figures": evaluation.json}."""
    figures = read_json(folder / inverse_graphics.NAME / "evaluation.json")
    return {"training": read_json(folder / "DONE.json"), "figures": figures}


def time_of(training: Mapping[str, Any]) -> str:
    """The DONE.json of a training as a table's cell."""
    return f"{training['train_seconds']:.0f} s{' (resumed)' * training['resumed']}"


def times_note(models: Mapping[str, Any]) -> str:
    """What to know of the times of all `finished` models."""
    resumed = any(model["training"]["resumed"] for model in models.values())
    return "The first training also compiles." + " Times of resumed trainings lack what ran before." * resumed


def budget(training: Training, experiment: Experiment) -> dict[str, Any]:
    """What every training had: {"steps", "batch_size", "seed", "device"}."""
    return {
        "steps": training.num_steps,
        "batch_size": training.batch_size,
        "seed": experiment.seed,
        "device": f"{jax.devices()[0].device_kind}, {os.cpu_count()} cores",
    }


def write_results(
    folder: Path, *, figures: tuple[str, Any], table: tuple[str, str], picture: tuple[str, np.ndarray]
) -> None:
    """A comparison's figures as JSON, its table as Markdown and its picture uint8 [h w 3] as PNG: (name,
    content) each."""
    write_json(folder / figures[0], figures[1])
    write_text(folder / table[0], table[1])
    write_png(folder / picture[0], picture[1])
