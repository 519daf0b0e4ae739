"""What a stage is to the pipeline and the report: one value that declares it. They know no stage by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
from jax.sharding import Mesh

from ganverse_jax.pipeline.experiment import WorldSettings
from ganverse_jax.runtime.loop import Loop, Metrics


def _nothing_edited(workdir: Path) -> None:
    """For a stage whose results nobody edits."""


def _nothing_to_compute(run: "Run", settings: Any) -> Mapping[str, Mapping[str, Any]]:
    """For a stage that leaves no figures."""
    return {}


@dataclass(frozen=True)
class Stage:
    """A stage of an experiment; `stages.<name>.stage` declares it as STAGE.

    run(run, settings) does the work in <workdir>/<name>; needs(settings) names the stages whose results it
    reads. check_edited(workdir) raises ValueError for results that a person edited since so that they no
    longer serve. pretrained: finished weights may stand in for the training (`settings.pretrained`) unless
    the command line names the stage. absent(settings): a line, with setting and remedy, for all that is not
    there, or is of another kind, of what the stage reads from outside the workdir. always: it is never done,
    every run makes it anew, also after each stage that finishes: it shows what there is. trains(settings):
    whether it trains, where all processes of a run take part; it calls `hosts.leave_rest_to_first` after its
    last training. figures: names in its summary.json or evaluation.json that the report sets beside the
    paper's. reads(settings): by the name of each setting that gives one, the files and folders outside the
    workdir that its results depend on. recomputed(run, settings): of a finished stage, by file of its folder
    (JSON, or NPZ of pictures), figures that it holds, computed anew by what measured them from the networks
    and data in the workdir, in which it writes nothing; raises ValueError or OSError where these are missing
    or damaged.
    """

    name: str
    title: str  # in the report
    settings: type
    run: Callable[["Run", Any], Any]
    needs: Callable[[Any], Sequence[str]] = lambda settings: ()
    check_edited: Callable[[Path], None] = _nothing_edited
    absent: Callable[[Any], Sequence[str]] = lambda settings: ()
    pretrained: bool = False
    trains: Callable[[Any], bool] = lambda settings: False
    always: bool = False
    figures: tuple[str, ...] = ()
    reads: Callable[[Any], Mapping[str, Path]] = lambda settings: {}
    recomputed: Callable[["Run", Any], Mapping[str, Mapping[str, Any]]] = _nothing_to_compute


@dataclass(frozen=True)
class Run:
    """What a stage is told of the run beside its own settings.

    stages: all of the experiment, in order, for the report.
    """

    workdir: Path
    seed: int
    mesh: Mesh
    metrics: Metrics
    object_class: str
    world: WorldSettings
    stages: tuple[Stage, ...] = ()

    def loop(self, name: str, settings: Any, *, num_steps: int, key: jax.Array, **options: Any) -> Loop:
        """A training of this run: its name in metrics, settings with log_every and save_every; options:
        "checkpoints", a path below the run's (default: the name), "on_save" and "limits", see `Loop`."""
        return Loop(
            stage=name,
            num_steps=num_steps,
            key=key,
            mesh=self.mesh,
            metrics=self.metrics,
            checkpoints=self.workdir / "checkpoints" / options.pop("checkpoints", name),
            log_every=settings.log_every,
            save_every=settings.save_every,
            **options,
        )
