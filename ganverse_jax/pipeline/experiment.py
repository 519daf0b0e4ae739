"""An experiment: its class and world, and the settings of every stage, checked before any begins."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

from ganverse_jax import classes
from ganverse_jax.pipeline.settings import Count, FieldOfView, Limit, Positive, Whole, build, plain, unknown


@dataclass(frozen=True)
class WorldSettings:
    """Section `world`: the toy world of the class, and the cameras that a run begins with."""

    seed: Whole = 0  # of the world's objects
    fov_degrees: FieldOfView = 30.0  # vertical
    distance: Positive = 4.2  # of a camera from the object's centre
    pose: Literal["free", "frozen"] = "free"  # of articulated objects; "frozen": all in the same one


@dataclass(frozen=True)
class MetricsSettings:
    """Section `metrics`: where they are told beside metrics.jsonl; no result depends on it."""

    sink: Literal["none", "tensorboard", "wandb"] = "none"  # docs/metrics.md


@dataclass(frozen=True)
class Shared:
    """What stands beside the stages' sections."""

    object_class: str  # a name in `ganverse_jax.classes`
    seed: Annotated[int, Limit(0, 2**32 - 1)] = 0  # of everything that is drawn
    num_devices: Count | None = None  # of every process; None: all there are
    world: WorldSettings = field(default_factory=WorldSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)


@dataclass(frozen=True)
class Experiment(Shared):
    """`Shared`, and by the name of each stage its settings, None for one that is no part of it."""

    stages: Mapping[str, Any] = field(default_factory=dict)


def make_world(shared: Any, resolution: int, split: str = "train") -> classes.World:
    """The toy world of an experiment (or a `Run` of it). Raises ValueError for a class without one."""
    return classes.make_world(shared.object_class, resolution, split, **plain(shared.world))


def build_experiment(config: Mapping[str, Any], settings: Mapping[str, type]) -> Experiment:
    """The experiment of a config's plain sections; settings: the dataclass of each stage, by its name.

    Raises ValueError for a section that is missing, and as :func:`ganverse_jax.pipeline.settings.build`.
    """
    known = [*(one.name for one in fields(Shared)), *settings]
    for name in config:
        if name not in known:
            raise ValueError(unknown(name, known, ""))
    missing = [name for name in settings if name not in config]
    if missing:
        raise ValueError(f"the config lacks the sections {missing}; give them, or set them to None")
    shared = build(Shared, {name: value for name, value in config.items() if name not in settings}, "")
    sections = {
        name: None if config[name] is None else build(cls, config[name], name)
        for name, cls in settings.items()
    }
    return Experiment(**vars(shared), stages=sections)


def plain_experiment(experiment: Experiment) -> dict[str, Any]:
    """The plain sections that `build_experiment` makes the experiment of."""
    shared = plain(experiment)
    return shared | shared.pop("stages")
