"""What launch.train runs: a folder per stage, which declares the stage (stage.py) and its settings.

Importing this room imports no stage, so that configs can read the settings without JAX.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganverse_jax.pipeline.experiment import Experiment, build_experiment
from ganverse_jax.stages.together import check_together

if TYPE_CHECKING:
    from ganverse_jax.pipeline.run import Pipeline
    from ganverse_jax.pipeline.stage import Stage

NAMES = (
    "gan",
    "perception",
    "viewpoints",
    "multiview_dataset",
    "inverse_graphics",
    "self_labels",
    "inverse_graphics_posed",
    "stylegan_r",
    "report",
)
EXTRA = ("self_labels",)  # an experiment has them only where its config gives them their section


def settings() -> dict[str, type]:
    """The dataclass of settings of every stage, by its name, in order."""
    return {name: importlib.import_module(f"{__name__}.{name}.settings").Settings for name in NAMES}


def declared() -> "tuple[Stage, ...]":
    """The stages in the order in which they run."""
    return tuple(importlib.import_module(f"{__name__}.{name}.stage").STAGE for name in NAMES)


def experiment_of(config: Mapping[str, Any]) -> Experiment:
    """The experiment of a config's plain sections; raises as `pipeline.experiment.build_experiment`, and
    ValueError for sections that do not go together."""
    experiment = build_experiment(dict.fromkeys(EXTRA) | dict(config), settings())
    check_together(experiment)
    return experiment


def pipeline(experiment: Experiment, workdir: str | Path) -> "Pipeline":
    """The experiment's stages in a workdir."""
    from ganverse_jax.pipeline.run import Pipeline

    return Pipeline(experiment, declared(), Path(workdir))
