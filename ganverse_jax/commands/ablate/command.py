"""The paper's ablations (Fig. 6 and P) and the baseline of its Table 1, where truth is known: the toy world.

The same network is trained on the posed toy-world set with one part of the method taken away at a time; the
baseline is trained on as many images of as many objects, one view and its true camera each, which is what
Pascal3D+ is to real pictures. All are measured on the same held-out objects.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.commands import posed_trainings as trainings
from ganverse_jax.commands.ablate.table import ablation_picture, markdown
from ganverse_jax.data.multiview.posed_world import single_view_renders
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.runtime import hosts
from ganverse_jax.stages.inverse_graphics.settings import PerceptualSource
from ganverse_jax.stages.inverse_graphics_posed.stage import posed_set

NAME = "ablation"
BASELINE = "baseline"
_STILL = {"camera_learning_rate": 0.0}
# Model -> the settings that it changes of the full one.
MODELS: dict[str, dict[str, Any]] = {
    "full": {},
    "no_multiview": {"single_view": True},
    "no_perceptual": {"perceptual_blocks": 0},
    "no_camera_optimisation": _STILL,
    "nothing": {"single_view": True, "perceptual_blocks": 0} | _STILL,
    BASELINE: {"single_view": True, "camera_origin": "given"} | _STILL,
}


def run(experiment: Experiment, workdir: Path) -> dict[str, Any]:
    """Train every model in ``workdir``/ablation, as the experiment's `inverse_graphics_posed` says.

    Finished trainings are skipped, an interrupted one goes on. Returns and writes ablation.json, with
    ablation.md and ablation.png beside it. Raises ValueError for an experiment without a world of known truth
    or a folder made with other settings.
    """
    term, full = perceptual_term(experiment), trainings.posed_settings(experiment, "ablate")
    settings = dataclasses.replace(full, perceptual=PerceptualSource(), **term)
    with trainings.claimed(experiment, workdir, NAME, **term) as folder:
        world, multiview = posed_set(experiment, settings)
        images = {BASELINE: lambda: single_view_renders(world, multiview, seed=experiment.seed)}
        for model, changes in MODELS.items():
            training, shown = dataclasses.replace(settings, **changes), images.get(model, lambda: multiview)
            trainings.train_once(folder / model, experiment, training, world, shown)
        hosts.leave_rest_to_first()
        content = compare(multiview, folder) | term | trainings.budget(settings, experiment)
        content["resolution"] = world.resolution
        trainings.write_results(
            folder,
            figures=("ablation.json", content),
            table=("ablation.md", markdown(content)),
            picture=("ablation.png", ablation_picture(folder, world, multiview)),
        )
    return content


def perceptual_term(experiment: Experiment) -> dict[str, int]:
    """{"perceptual_blocks", "perceptual_start"} of the full model.

    They are those of `inverse_graphics_posed` where it has them, else those of `inverse_graphics`, whose
    start is moved to the same part of the training. Raises ValueError when there is no such term to ablate.
    """
    posed, main = trainings.posed_settings(experiment, "ablate"), experiment.stages["inverse_graphics"]
    blocks = posed.perceptual_blocks or main.perceptual_blocks
    if not blocks or not posed.weights.perceptual:
        raise ValueError(
            f"perceptual_blocks = {blocks} and weights.perceptual = {posed.weights.perceptual} of "
            "inverse_graphics and inverse_graphics_posed leave no perceptual term to ablate; set both above 0"
        )
    start = round(main.perceptual_start / main.num_steps * posed.num_steps)
    return {"perceptual_blocks": blocks, "perceptual_start": posed.perceptual_start or start}


def compare(multiview: MultiviewSet, folder: Path) -> dict[str, Any]:
    """Figures of the finished trainings in `folder`, and the counts of images, objects and cameras."""
    train, test = multiview.split("train"), multiview.split("test")
    return {
        "train_images": len(train),
        "train_objects": len(np.unique(train.object_id)),
        "test_images": len(test),
        "test_objects": len(np.unique(test.object_id)),
        "views": len(multiview.views),
        "models": {model: trainings.finished(folder / model) for model in MODELS},
    }
