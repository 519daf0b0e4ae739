"""The training loop every stage shares: resumable to the bit, logged, stopped by non-finite values."""

import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from ganverse_jax.runtime import hosts, machine, parallel
from ganverse_jax.runtime.checkpoint import write_text
from ganverse_jax.runtime.progress import Progress
from ganverse_jax.runtime.sinks import Sink
from ganverse_jax.runtime.step_checkpoints import Checkpoints
from ganverse_jax.runtime.termination import Termination


class Metrics:
    """``metrics.jsonl`` of a workdir: one JSON object per logged step, with its stage.

    sink: what is told the same, if any, with `prefix` before the names of stages.
    """

    def __init__(self, workdir: str | os.PathLike, sink: Sink | None = None, prefix: str = ""):
        self.path, self._sink, self._prefix = Path(workdir) / "metrics.jsonl", sink, prefix
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if sink is not None and sink.new:
            for row in self.read():
                sink.write(prefix + row.pop("stage"), row.pop("step"), row)

    def of_folder(self, name: str) -> "Metrics":
        """Those of a folder that is itself laid out like a workdir; the sink has them as NAME/STAGE."""
        return Metrics(self.path.parent / name, self._sink, f"{self._prefix}{name}/")

    def write(self, stage: str, step: int, **scalars: float) -> None:
        """Append one line; values are converted to plain floats."""
        values = self._append(stage, step, scalars)
        if self._sink is not None:
            self._sink.write(self._prefix + stage, step, values)

    def write_anew(self, stage: str, step: int, **scalars: float) -> None:
        """The one line of what logs no steps, in place of that of a run that was killed after it."""
        self._drop(stage, -1)
        values = self._append(stage, step, scalars)
        if self._sink is not None:
            self._sink.write_anew(self._prefix + stage, step, values)

    def picture(self, stage: str, step: int, path: Path) -> None:
        """Tell the sink, if any, of a sample sheet, a PNG file."""
        if self._sink is not None:
            self._sink.picture(self._prefix + stage, step, path)

    def read(self) -> list[dict[str, Any]]:
        """All lines in order; a last line cut short by a kill is left out."""
        if not self.path.exists():
            return []
        rows = []
        lines = self.path.read_bytes().splitlines()
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
            except ValueError as error:  # of bytes that are no UTF-8, too
                if number == len(lines):
                    break
                raise ValueError(
                    f"{self.path}:{number} is not JSON ({error}); repair or delete it"
                ) from error
            if not isinstance(row, dict):
                raise ValueError(f"{self.path}:{number} is not an object: {line[:60]!r}; repair or delete it")
            rows.append(row)
        return rows

    def rewind(self, stage: str, step: int) -> None:
        """Drop the stage's lines after ``step``, as a resumed run writes them again."""
        dropped = self._drop(stage, step)
        if self._sink is not None:
            self._sink.rewind(self._prefix + stage, step, dropped)

    def _append(self, stage: str, step: int, scalars: Mapping[str, float]) -> dict[str, float]:
        values = {name: float(value) for name, value in scalars.items()}
        row = {"stage": stage, "step": int(step)} | values
        with machine.writing(self.path), open(self.path, "ab+") as file:
            _drop_cut_line(file)
            file.write((json.dumps(row) + "\n").encode())
        return values

    def _drop(self, stage: str, step: int) -> list[dict[str, Any]]:
        kept, dropped = [], []
        for row in self.read():
            (kept if row.get("stage") != stage or row["step"] <= step else dropped).append(row)
        write_text(self.path, "".join(json.dumps(row) + "\n" for row in kept))
        return dropped


def _drop_cut_line(file) -> None:
    """Remove a last line without its end, which a kill or a full disk left, so that none is glued to it."""
    file.seek(0, os.SEEK_END)
    if size := file.tell():
        file.seek(size - 1)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)


def _check_sound(stage: str, step: int, values: dict[str, float], limits: Mapping[str, float]) -> None:
    largest = {name: limits.get(name, sys.float_info.max) for name in values}
    bad = [name for name, value in values.items() if not abs(value) <= largest[name]]  # NaN is not, either
    if bad:
        shown = ", ".join(f"{name} = {values[name]}" for name in bad)
        raise FloatingPointError(
            f"{stage}: {shown} at step {step}: the training diverged; the last good checkpoint is kept. "
            "Lower the learning rate or look at the data, then run the same command again"
        )


def _finite_on_host(stage: str, step: int, state: Any) -> Any:
    """The state's arrays on the host. A gradient may turn infinite after its loss was taken: such a state
    must not become a checkpoint, so FloatingPointError names the first array."""
    host = jax.device_get(state)
    for path, leaf in jax.tree_util.tree_leaves_with_path(host):
        if jnp.issubdtype(leaf.dtype, jnp.inexact) and not np.isfinite(leaf).all():
            raise FloatingPointError(
                f"{stage}: {jax.tree_util.keystr(path)} is not finite after step {step}, though the losses "
                "were; the last good checkpoint is kept. Lower the learning rate, clip gradients (clip_norm) "
                "or look at the data, then run the same command again"
            )
    return host


@dataclasses.dataclass(frozen=True)
class Loop:
    """How long and where one training goes.

    stage: its name in metrics and messages; num_steps: of all its runs together; key: what is random comes
    from it; checkpoints: the folder of the states. There is a line of metrics every log_every steps and a
    checkpoint every save_every, after which on_save(step, state) is called. limits: of a metric's magnitude,
    beyond which the training has diverged though all is finite.
    """

    stage: str
    num_steps: int
    key: jax.Array
    mesh: Mesh
    metrics: Metrics
    checkpoints: Path
    log_every: int
    save_every: int
    on_save: Callable[[int, Any], None] | None = None
    limits: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def fit(
        self,
        state: Any,
        step_at: Callable[[int], Callable],
        batch_at: Callable[[int], dict[str, np.ndarray]],
    ) -> Any:
        """Train from the newest checkpoint, or from ``state``, up to ``num_steps``; returns the state.

        ``step_at(i)`` gives the (data-parallel) step function of step ``i``; ``batch_at(i)`` its host batch,
        of which a process of several has its own rows (`parallel.local_rows`). Both must depend on ``i``
        alone and the step's key is ``fold_in(key, i)``: nothing random is stored, so a resumed run repeats an
        undisturbed one to the bit. Steps may report different metrics; each is logged as last seen, also
        before a resume.

        Metrics are looked at when they are logged, and with the state before it is saved. Raises
        FloatingPointError naming metric (or the state's array) and step when one is not finite or beyond its
        limit, so that every checkpoint is good, and SystemExit (143) after saving when it, or another process
        of the run, receives SIGTERM.
        """
        for name in ("num_steps", "log_every", "save_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{self.stage}: {name} = {getattr(self, name)}; set it to 1 or more")
        with self._kept() as checkpoints:
            start, seen = 0, {}
            if checkpoints:
                start, state, seen = checkpoints.resume(state)
                if start:
                    print(f"[{self.stage}] resumed from step {start}", flush=True)
                self.metrics.rewind(self.stage, start)
            start = hosts.from_first(lambda: start)
            state = parallel.replicate(state, self.mesh)
            with (
                Termination() as termination,
                Progress(self.stage, self.num_steps, first=start) as shown,
            ):
                return self._steps(state, seen, start, step_at, batch_at, checkpoints, termination, shown)

    def _kept(self) -> contextlib.AbstractContextManager[Checkpoints | None]:
        """The checkpoints, which the first process alone reads and writes."""
        if hosts.is_first():
            return contextlib.closing(Checkpoints(self.checkpoints))
        return contextlib.nullcontext()

    def _steps(self, state, seen, start: int, step_at, batch_at, checkpoints, termination, progress) -> Any:
        stopping = False
        for index in range(start, self.num_steps):
            batch = parallel.shard(batch_at(index), self.mesh)
            state, values = step_at(index)(state, batch, key=jax.random.fold_in(self.key, index))
            seen = seen | values
            done = index + 1
            stopping = termination.asked()  # once: a signal may come while this step is written out
            last = done == self.num_steps
            log, save = (done % every == 0 or last for every in (self.log_every, self.save_every))
            save = save or stopping  # and not logged, so that the lines are those of an undisturbed run
            if log or save:
                seen = self._look(done, seen, progress, log=log)
            if save and checkpoints:
                checkpoints.save(done, _finite_on_host(self.stage, done, state), seen)
                if self.on_save is not None:
                    self.on_save(done, state)
            progress.update(done)
            if stopping:
                break
        if checkpoints:
            checkpoints.wait()
        hosts.wait()
        if stopping:
            raise SystemExit(hosts.STOPPED)
        return state

    def _look(self, step: int, values: dict[str, Any], progress: Progress, *, log: bool) -> dict[str, float]:
        """The metrics as numbers, checked and, if asked, written and shown."""
        scalars = {name: float(value) for name, value in jax.device_get(values).items()}
        _check_sound(self.stage, step, scalars, self.limits)
        if log and hosts.is_first():
            self.metrics.write(self.stage, step, **scalars)
            shown = "  ".join(f"{name} {value:.4g}" for name, value in scalars.items())
            progress.update(step, shown, show=True)
        return scalars
