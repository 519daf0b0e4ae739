"""Several trainings on the posed toy-world set in one folder: what the comparisons of them share."""

import os
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image

from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.runtime import parallel
from ganverse_jax.runtime.checkpoint import read_json, write_atomic, write_json
from ganverse_jax.runtime.loop import Metrics
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics.settings import Training
from ganverse_jax.stages.inverse_graphics.stage import Given
from ganverse_jax.stages.inverse_graphics_posed.settings import Settings


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


def train_once(folder: Path, experiment: Experiment, training: Training, given: Given) -> None:
    """One training in FOLDER = <stage>/<model>; finished ones are skipped, interrupted ones go on. Ends with
    DONE.json {"train_seconds", "resumed"}."""
    log = f"[{folder.parent.name}] {folder.name}-model"
    if (folder / "DONE.json").exists():
        print(f"{log} trained before, skipped", flush=True)
        return
    print(f"{log} begins", flush=True)
    resumed = any((folder / "checkpoints").rglob("*"))
    mesh = parallel.data_mesh(experiment.num_devices)
    run = Run(folder, experiment.seed, mesh, Metrics(folder), experiment.object_class, experiment.world)
    inverse_graphics.train(run, training, given)
    seconds = read_json(folder / inverse_graphics.NAME / "summary.json")["train_seconds"]
    write_json(folder / "DONE.json", {"train_seconds": seconds, "resumed": resumed})
    shutil.rmtree(folder / "checkpoints")


def finished(folder: Path) -> dict[str, Any]:
    """What `train_once` left in its folder: {"training": DONE.json, "figures": evaluation.json}."""
    figures = read_json(folder / inverse_graphics.NAME / "evaluation.json")
    return {"training": read_json(folder / "DONE.json"), "figures": figures}


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
    write_atomic(folder / table[0], lambda path: path.write_text(table[1]))
    write_atomic(folder / picture[0], lambda path: Image.fromarray(picture[1]).save(path, "PNG"))
