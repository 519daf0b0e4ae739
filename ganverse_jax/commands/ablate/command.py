"""The paper's ablations (Fig. 6 and P) and the baseline of its Table 1, where truth is known: the toy world.

The same network is trained on the posed toy-world set with one part of the method taken away at a time; the
baseline is trained on as many images of as many cars, one view and its true camera each, which is what
Pascal3D+ is to real cars. All are measured on the same held-out cars.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.commands.ablate.table import ablation_picture, markdown
from ganverse_jax.commands.posed_trainings import (
    budget,
    claim,
    finished,
    posed_set,
    posed_settings,
    train_once,
    write_results,
)
from ganverse_jax.data.multiview.posed_world import single_view_toy_cars
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.pipeline import run as pipeline
from ganverse_jax.stages.inverse_graphics.perceptual import gan_perceptual, measured_perceptual

STAGE = "ablation"
BASELINE = "baseline"
_STILL = {"camera_learning_rate": 0.0}
# Model -> what it changes of the full one: keywords of `inverse_graphics.train`.
MODELS: dict[str, dict[str, Any]] = {
    "full": {},
    "no_multiview": {"single_view": True},
    "no_perceptual": {"perceptual": None},
    "no_camera_optimisation": _STILL,
    "nothing": {"single_view": True, "perceptual": None} | _STILL,
    BASELINE: {"single_view": True, "camera_origin": "given"} | _STILL,
}


def run(config: Mapping[str, Any], workdir: Path) -> dict[str, Any]:
    """Train every model in ``workdir``/ablation, as the config's `inverse_graphics_posed` says.

    Finished trainings are skipped, an interrupted one goes on. Returns and writes ablation.json, with
    ablation.md and ablation.png beside it. Raises ValueError for an experiment without a world of known truth
    or a folder made with other settings.
    """
    settings, workdir = posed_settings(config, "ablate"), Path(workdir)
    term = perceptual_term(config)
    pipeline.run(dict(config), workdir, until="gan")  # whose discriminator is the perceptual distance
    folder = workdir / STAGE
    with pipeline.only_run(workdir):
        digest = pipeline.stage_digest("inverse_graphics_posed", dict(config), workdir)
        claim(folder, {"digest": digest} | term)
        world, multiview = posed_set(settings, config["world"], config["seed"])
        perceptual = gan_perceptual(workdir, term["perceptual_blocks"])
        settings |= {"perceptual_start": term["perceptual_start"]}
        for model, changes in MODELS.items():
            others = model == BASELINE and not (folder / model / "DONE.json").exists()
            train_once(
                folder / model,
                world=world,
                multiview=single_view_toy_cars(world, multiview, seed=config["seed"])
                if others
                else multiview,
                settings=settings,
                config=config,
                measured_in=measured_perceptual(workdir, world.resolution),
                **{"perceptual": perceptual} | changes,
            )
        content = compare(multiview, folder) | term | budget(settings, config)
        content["resolution"] = world.resolution
        write_results(
            folder,
            figures=("ablation.json", content),
            table=("ablation.md", markdown(content)),
            picture=("ablation.png", ablation_picture(folder, world, multiview)),
        )
    return content


def perceptual_term(config: Mapping[str, Any]) -> dict[str, int]:
    """{"perceptual_blocks", "perceptual_start"} of the full model.

    They are those of `inverse_graphics_posed` where it has them, else those of `inverse_graphics`, whose
    start is moved to the same part of the training. Raises ValueError when there is no such term to ablate.
    """
    posed, main = config["inverse_graphics_posed"], config["inverse_graphics"]
    blocks = posed.get("perceptual_blocks") or main.get("perceptual_blocks", 0)
    if not blocks or not posed["weights"].get("perceptual"):
        raise ValueError(
            f"perceptual_blocks = {blocks} and weights.perceptual = {posed['weights'].get('perceptual')} of "
            "inverse_graphics and inverse_graphics_posed leave no perceptual term to ablate; set both above 0"
        )
    start = round(main.get("perceptual_start", 0) / main["num_steps"] * posed["num_steps"])
    return {"perceptual_blocks": blocks, "perceptual_start": posed.get("perceptual_start", start)}


def compare(multiview: MultiviewSet, folder: Path) -> dict[str, Any]:
    """Figures of the finished trainings in `folder`, and the counts of images, cars and cameras."""
    train, test = multiview.split("train"), multiview.split("test")
    return {
        "train_images": len(train),
        "train_objects": len(np.unique(train.object_id)),
        "test_images": len(test),
        "test_objects": len(np.unique(test.object_id)),
        "views": len(multiview.views),
        "models": {model: finished(folder / model) for model in MODELS},
    }
