"""Weights & Biases: one run of theirs for a workdir, whose id is kept in <workdir>/wandb.json."""

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import wandb

from ganverse_jax.runtime.checkpoint import read_json, write_json

RECORD = "wandb.json"
PROJECT = "ganverse-jax"  # where WANDB_PROJECT names none


class Wandb:
    """The sink. Metrics are named STAGE/METRIC over an axis STAGE/step.

    wandb's history can be added to, not taken back: steps that a resumed training repeats, to the bit, are
    not told again. WANDB_MODE, WANDB_API_KEY and the like are wandb's own. Raises RuntimeError where it
    refuses to begin.
    """

    def __init__(self, workdir: Path, config: Mapping[str, Any]):
        record = workdir / RECORD
        self.new = not record.is_file()
        name = secrets.token_hex(8) if self.new else read_json(record, remedy="delete it")["id"]
        try:
            self._run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT), id=name, name=workdir.absolute().name,
                dir=str(workdir), config=dict(config), resume="allow", allow_val_change=True,
            )  # fmt: skip
        except wandb.Error as error:
            why = str(error).strip().splitlines() or [type(error).__name__]
            raise RuntimeError(
                f"metrics.sink = 'wandb': {why[0]}; run `wandb login`, or set WANDB_MODE=offline"
            ) from error
        write_json(record, {"id": name})
        self._stages: set[str] = set()
        self._told: dict[str, dict[int, dict[str, float]]] = {}

    def write(self, stage: str, step: int, scalars: Mapping[str, float]) -> None:
        """A chart for every metric; nothing where this very row was told before."""
        if self._told.get(stage, {}).get(step) != scalars:
            self._log(stage, step, scalars)

    def write_anew(self, stage: str, step: int, scalars: Mapping[str, float]) -> None:
        """Into the run's summary, which holds one value of a name."""
        self._run.summary.update({f"{stage}/{name}": value for name, value in scalars.items()})

    def picture(self, stage: str, step: int, path: Path) -> None:
        """The file, unless the stage had come further before it was resumed."""
        if step > max(self._told.get(stage, ()), default=-1):
            self._log(stage, step, {"samples": wandb.Image(str(path))})

    def rewind(self, stage: str, step: int, dropped: Sequence[Mapping[str, Any]]) -> None:
        """Remember what was told."""
        known = self._told.setdefault(stage, {})
        for row in dropped:
            known[row["step"]] = {name: row[name] for name in row if name not in ("stage", "step")}

    def close(self) -> None:
        """End this process's part of the run."""
        self._run.finish()

    def _log(self, stage: str, step: int, values: Mapping[str, Any]) -> None:
        if stage not in self._stages:
            self._stages.add(stage)
            self._run.define_metric(f"{stage}/*", step_metric=f"{stage}/step")
        self._run.log({f"{stage}/step": step} | {f"{stage}/{name}": values[name] for name in values})
