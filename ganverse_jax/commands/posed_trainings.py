"""Several trainings on the posed toy-world set in one folder: what the comparisons of them share."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image

from ganverse_jax.classes.car.toy.world import ToyCars
from ganverse_jax.data.multiview.posed_world import posed_toy_cars
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.models.features.perceptual import Perceptual
from ganverse_jax.runtime import parallel
from ganverse_jax.runtime.checkpoint import read_json, write_atomic, write_json
from ganverse_jax.runtime.loop import Metrics
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics_posed.stage import truth_evaluator

NUM_EVALUATED = 20
_SET = ("resolution", "num_objects", "num_views", "views_per_object", "num_evaluated")


def posed_settings(config: Mapping[str, Any], purpose: str) -> dict[str, Any]:
    """The config's `inverse_graphics_posed`. Raises ValueError that says what to `purpose` with where an
    experiment has no such world."""
    settings = config.get("inverse_graphics_posed")
    if settings is None:
        raise ValueError(
            "this experiment has no world whose true cameras are known (inverse_graphics_posed is None); "
            f"{purpose} with --config=configs/toy_car.py"
        )
    return {"num_evaluated": NUM_EVALUATED} | dict(settings)


def posed_set(
    settings: Mapping[str, Any], world: Mapping[str, Any], seed: int
) -> tuple[ToyCars, MultiviewSet]:
    """The toy world and its posed images, as the settings of `inverse_graphics_posed` say."""
    cars = ToyCars(settings["resolution"], **world)
    counts = {name: settings[name] for name in ("num_objects", "num_views", "views_per_object")}
    return cars, posed_toy_cars(cars, seed=seed, **counts)


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


def train_once(
    folder: Path,
    *,
    world: ToyCars,
    multiview: MultiviewSet,
    settings: Mapping[str, Any],
    config: Mapping[str, Any],
    perceptual: Perceptual | None,
    measured_in: Perceptual | None = None,
    **changes: Any,
) -> None:
    """One training in FOLDER = <stage>/<model>, measured against truth; finished ones are skipped,
    interrupted ones go on. Ends with DONE.json {"train_seconds", "resumed"}.

    settings: of `inverse_graphics_posed`; changes: keywords of `inverse_graphics.train` in their place.
    measured_in: what novel views are measured in (`truth_evaluator`).
    """
    log = f"[{folder.parent.name}] {folder.name}-model"
    if (folder / "DONE.json").exists():
        print(f"{log} trained before, skipped", flush=True)
        return
    print(f"{log} begins", flush=True)
    resumed = any((folder / "checkpoints").rglob("*"))
    others = (*_SET, "perceptual_blocks", "perceptual")
    training = {name: value for name, value in settings.items() if name not in others}
    inverse_graphics.train(
        folder,
        multiview=multiview,
        seed=config["seed"],
        mesh=parallel.data_mesh(config.get("num_devices")),
        metrics=Metrics(folder),
        fov_degrees=world.fov_degrees,
        camera_distance=world.distance,
        perceptual=perceptual,
        evaluate=truth_evaluator(world, multiview, settings["num_evaluated"], measured_in),
        **training | changes,
    )
    seconds = read_json(folder / inverse_graphics.STAGE / "summary.json")["train_seconds"]
    write_json(folder / "DONE.json", {"train_seconds": seconds, "resumed": resumed})
    shutil.rmtree(folder / "checkpoints")


def finished(folder: Path) -> dict[str, Any]:
    """What `train_once` left in its folder: {"training": DONE.json, "figures": evaluation.json}."""
    figures = read_json(folder / inverse_graphics.STAGE / "evaluation.json")
    return {"training": read_json(folder / "DONE.json"), "figures": figures}


def budget(settings: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """What every training had: {"steps", "batch_size", "seed", "device"}."""
    return {
        "steps": settings["num_steps"],
        "batch_size": settings["batch_size"],
        "seed": config["seed"],
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
