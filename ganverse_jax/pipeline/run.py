"""Runs the stages of an experiment in order; a finished one is skipped, an interrupted one resumes.

It knows a stage by what its declaration says (:class:`ganverse_jax.pipeline.stage.Stage`), never by name.
"""

import contextlib
import dataclasses
import difflib
import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jax.sharding import Mesh

from ganverse_jax.pipeline import provenance
from ganverse_jax.pipeline.experiment import Experiment, plain_experiment
from ganverse_jax.pipeline.remedies import check_all_there, make
from ganverse_jax.pipeline.settings import decisive, plain
from ganverse_jax.pipeline.stage import Run, Stage
from ganverse_jax.pipeline.workdir import FORMAT, only_run, read_marker, recorded_config
from ganverse_jax.runtime import hosts, parallel, sinks
from ganverse_jax.runtime.checkpoint import write_json, write_text
from ganverse_jax.runtime.loop import Metrics


@dataclasses.dataclass(frozen=True)
class Pipeline:
    """The stages of an experiment, in order, in a workdir."""

    experiment: Experiment
    stages: tuple[Stage, ...]
    workdir: Path

    def run(self, names: Sequence[str] | None = None, *, until: str | None = None) -> None:
        """Run the stages `names` (all by default), no further than `until`, alone in the workdir.

        A finished stage is skipped when its settings and the stages it reads are unchanged. Raises ValueError
        for an unknown stage, settings that differ from the workdir's, a stage whose inputs are missing, or a
        workdir in use; before any stage begins, FileNotFoundError for all that is absent, or of another kind,
        outside the workdir, and ImportError for a missing package of `metrics.sink`. Weights that a named
        stage reads and `names` leaves out are taken from `pretrained`, where the settings say it.
        """
        self._check_names(names)
        with only_run(self.workdir):
            self.run_held(names, until=until)

    def run_held(self, names: Sequence[str] | None = None, *, until: str | None = None) -> None:
        """As :meth:`run`, for a caller that holds the workdir's lock (:func:`only_run`) for longer."""
        hosts.check_same([plain_experiment(self.experiment), names, until], "settings")
        looked_for = hosts.from_first(lambda: self._planned(names, until))
        by_name = {stage.name: stage for stage in self.stages}
        check_all_there(line for name, train, done in looked_for if not done
                        for line in by_name[name].absent(self._taken(by_name[name], train)))  # fmt: skip
        hosts.wait()  # what one process lacks is told before another begins
        with self._begun_run() as run:
            for (name, train, _), following in zip(looked_for, [*looked_for[1:], None], strict=True):
                shown = following is not None and by_name[following[0]].always  # it is made next in any case
                self._run_stage(by_name[name], run, train=train, shown=shown)

    @contextlib.contextmanager
    def _begun_run(self) -> Iterator[Run]:
        """What stages are told, with the metrics' sink, which the first process alone opens."""
        shared, mesh = self.experiment, parallel.data_mesh(self.experiment.num_devices)
        kind = shared.metrics.sink if hosts.is_first() else "none"
        with sinks.opened(kind, self.workdir, plain_experiment(shared)) as sink:
            yield Run(self.workdir, shared.seed, mesh, Metrics(self.workdir, sink), shared.object_class,
                      shared.world, self.stages)  # fmt: skip

    def _planned(self, names: Sequence[str] | None, until: str | None) -> list[tuple[str, bool, bool]]:
        """The stages to run, by name, each with whether `names` has it and whether it is done; the workdir is
        checked."""
        recorded_config(self.workdir)
        sinks.check_installed(self.experiment.metrics.sink)
        if names is not None:
            self._check_edited(names)
        return [(stage.name, named, self._done(stage.name)) for stage, named in self._chosen(names, until)]

    def _chosen(self, names: Sequence[str] | None, until: str | None) -> list[tuple[Stage, bool]]:
        """The stages to run, each with whether `names` has it."""
        chosen = []
        for stage in self.stages:
            if self.settings(stage) is not None:
                named = names is not None and stage.name in names
                if names is None or named or self._loads(stage) and self._is_read(stage, names):
                    chosen.append((stage, named))
            if stage.name == until:
                break
        return chosen

    def _taken(self, stage: Stage, train: bool) -> Any:
        """The stage's settings, without finished weights where it shall train its own."""
        settings = self.settings(stage)
        return dataclasses.replace(settings, pretrained=None) if stage.pretrained and train else settings

    def settings(self, stage: Stage) -> Any:
        """Those of the stage; None where it is no part of the experiment."""
        return self.experiment.stages[stage.name]

    def needs(self, stage: Stage) -> tuple[str, ...]:
        """The stages of the experiment whose results the stage reads."""
        named = stage.needs(self.settings(stage))
        return tuple(name for name in named if self.experiment.stages[name] is not None)

    def digest(self, name: str, settings: Any = None) -> str:
        """Names a stage's settings (or `settings` in their place) with the finished stages it reads."""
        stage = {stage.name: stage for stage in self.stages}[name]
        shared = self.experiment
        inputs: dict[str, Any] = {"format": FORMAT, "settings": decisive(settings or self.settings(stage))}
        world = plain(shared.world)
        if world["pose"] == "free":  # runs that were finished before poses could be frozen stay so
            del world["pose"]
        inputs |= {"seed": shared.seed, "world": world, "object_class": shared.object_class}
        for needed in stage.needs(self.settings(stage)):
            marker = self.workdir / needed / "DONE.json"
            inputs[needed] = read_marker(marker)["digest"] if marker.exists() else None
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]

    def _check_names(self, names: Sequence[str] | None) -> None:
        known = [stage.name for stage in self.stages]
        if not any(self.experiment.stages.values()):
            raise ValueError(f"every section is None; give one of {', '.join(known)}")
        for name in names or ():
            if name not in known:
                close = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {close[0]!r}? The" if close else "the"
                raise ValueError(f"unknown stage {name!r}; {hint} stages are {', '.join(known)}")
        absent = [name for name in names or () if self.experiment.stages[name] is None]
        if absent:
            raise ValueError(f"this experiment has no stage {absent}; its section in the config is None")
        if names is not None and not names:
            raise ValueError(f"--stages names no stage; the stages are {', '.join(known)}")

    def _is_read(self, stage: Stage, names: Sequence[str]) -> bool:
        readers = [other for other in self.stages if other.name in names]
        return any(stage.name in other.needs(self.settings(other)) for other in readers)

    def _check_edited(self, names: Sequence[str]) -> None:
        """Refuse what a person edited of finished stages that `names` read and do not make again."""
        shown = any(stage.always for stage in self.stages if stage.name in names)  # whatever there is
        for stage in self.stages:
            read = stage.name not in names and (shown or self._is_read(stage, names))
            if read and self._done(stage.name):
                stage.check_edited(self.workdir)

    def _loads(self, stage: Stage) -> bool:
        """Whether the stage has finished weights to load that the workdir lacks."""
        return stage.pretrained and self.settings(stage).pretrained is not None and not self._done(stage.name)

    def _done(self, name: str) -> bool:
        return (self.workdir / name / "DONE.json").exists()

    def _run_stage(self, stage: Stage, run: Run, *, train: bool, shown: bool) -> None:
        settings = self._taken(stage, train)
        digest = hosts.from_first(lambda: self._begun(stage, settings, run.mesh, train))
        if digest is None:
            return
        with hosts.together():
            if not stage.trains(settings):
                hosts.leave_rest_to_first()
            if hosts.is_first():
                self._finish(stage, settings, run, digest)
                if not (stage.always or shown):
                    self._show(stage, run)
            else:
                stage.run(run, settings)

    def _begun(self, stage: Stage, settings: Any, mesh: Mesh, train: bool) -> str | None:
        """The digest of the stage, which is marked as begun; None for a finished one."""
        digest = self.digest(stage.name, settings)
        if self._done_before(stage, digest, train):
            stage.check_edited(self.workdir)
            self._forget_training(stage)  # of a run that was killed just before it
            print(f"[{stage.name}] done before, skipped", flush=True)
            return None
        absent = [name for name in self.needs(stage) if not self._done(name)]
        if absent:
            raise ValueError(
                f"stage {stage.name} needs {absent}, not finished in {self.workdir}; {make(*absent)} first"
            )
        self._write_run_files(mesh)
        write_json(self.workdir / stage.name / "BEGUN.json", {"digest": digest})
        return digest

    def _finish(self, stage: Stage, settings: Any, run: Run, digest: str) -> None:
        """Run a stage that was begun, and mark it as done."""
        folder, started = self.workdir / stage.name, time.perf_counter()
        print(f"[{stage.name}] begins", flush=True)
        needs = [self.workdir / name for name in self.needs(stage)]
        with _blamed(folder, self._checkpoints(stage), needs):
            stage.run(run, settings)
        minutes = (time.perf_counter() - started) / 60
        done = {"digest": digest, "minutes": round(minutes, 3)}
        done["pretrained"] = settings.pretrained if stage.pretrained else None
        if not stage.always:
            done |= provenance.record(run.mesh, plain(settings), folder, stage.reads(settings))
        write_json(folder / "DONE.json", done)
        self._forget_training(stage)
        print(f"[{stage.name}] done in {minutes:.1f} min", flush=True)

    def _show(self, finished: Stage, run: Run) -> None:
        """Make anew what shows the workdir, though `--stages` may leave it out: a run may go on for days.

        An error of that is told and ends nothing. Where the stages to run have it, it is raised at the end.
        """
        for stage in self.stages:
            settings = self.settings(stage)
            if not stage.always or settings is None or not all(map(self._done, self.needs(stage))):
                continue
            try:
                stage.run(run, settings)
                told = f"made anew after {finished.name}"
            except Exception as error:  # whatever it is, the results of the run do not depend on it
                why = f"{type(error).__name__}: {error}"
                told = f"could not be made after {finished.name} ({why}); the run goes on"
            print(f"[{stage.name}] {told}", flush=True)

    def _checkpoints(self, stage: Stage) -> tuple[Path, Path]:
        """Where a stage's trainings keep theirs: some in a folder laid out like a workdir."""
        return self.workdir / "checkpoints" / stage.name, self.workdir / stage.name / "checkpoints"

    def _forget_training(self, stage: Stage) -> None:
        """Remove what a finished stage needed to go on."""
        begun = self.workdir / stage.name / "BEGUN.json"
        if begun.exists():
            begun.unlink()
        for checkpoints in self._checkpoints(stage):
            shutil.rmtree(checkpoints, ignore_errors=True)

    def _done_before(self, stage: Stage, digest: str, train: bool) -> bool:
        """Whether the stage is finished; ValueError when it was made, or begun, in another way."""
        folder = self.workdir / stage.name
        marker, begun = folder / "DONE.json", folder / "BEGUN.json"
        if stage.always:
            return False
        if begun.exists() and read_marker(begun)["digest"] != digest:
            checkpoints = self.workdir / "checkpoints" / stage.name
            raise ValueError(
                f"stage {stage.name} was begun in {folder} with other settings and interrupted; go on with "
                f"those (and the same --stages), or delete {folder} and {checkpoints} to begin anew"
            )
        if not marker.exists():
            return False
        done = read_marker(marker)
        # Weights trained here serve later runs that would otherwise load the shipped ones.
        trained_here = stage.pretrained and not train and done.get("pretrained") is None
        if done["digest"] == digest or trained_here:
            return True
        if train and stage.pretrained and done["digest"] == self.digest(stage.name):
            return False  # shipped weights, which a training may replace
        raise ValueError(
            f"{folder} was made with other settings or inputs (digest {done['digest']}, now {digest}); use a "
            f"new --workdir, or delete {folder} to make it again"
        )

    def _write_run_files(self, mesh) -> None:
        versions = [f"{name} {value}".rstrip() for name, value in provenance.made_by(mesh).items()]
        write_text(self.workdir / "versions.txt", "\n".join(versions) + "\n")
        write_json(self.workdir / "config.json", {"format": FORMAT} | plain_experiment(self.experiment))


@contextlib.contextmanager
def _blamed(folder: Path, checkpoints: Sequence[Path], needs: Sequence[Path]) -> Iterator[None]:
    """Tell errors of a stage in `folder` with the finished stage (of `needs`) whose file they name.

    Where no checkpoint was written yet, the stage does not count as begun: other settings spoil nothing.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        if not any(any(path.rglob("*")) for path in checkpoints):
            (folder / "BEGUN.json").unlink()
        blamed = [path for path in needs if f"{path}/" in str(error)]
        if blamed:  # what the error says of making it would be skipped: the stage is done
            raise ValueError(f"{error}. Delete the finished stage's {blamed[0]} to make it again") from error
        raise
