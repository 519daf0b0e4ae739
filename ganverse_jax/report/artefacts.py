"""What the stages left in a workdir, read once and checked.

Absent files are normal (the stage has not run) and read as empty; a file that is there but broken is an
error that names the file and the remedy, because a report quietly missing a stage would be a false one.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ganverse_jax.pages.markup import ReportError
from ganverse_jax.pipeline.stage import Stage
from ganverse_jax.runtime.checkpoint import read_json, read_npz
from ganverse_jax.runtime.loop import Metrics


def _remedy(path: pathlib.Path, stage: str) -> str:
    return f"delete it and run the {stage} stage again, then write the report anew ({path})"


def _read_if_there(read: Callable[[pathlib.Path], Any], path: pathlib.Path, otherwise: Any) -> Any:
    """``read(path)``, or ``otherwise`` where there is no such file; a damaged one raises ReportError."""
    if not path.is_file():
        return otherwise
    try:
        return read(path)
    except ValueError as error:
        raise ReportError(str(error)) from error


@dataclasses.dataclass(frozen=True)
class StageArtefacts:
    """One stage's folder: `figures` by key, `summary` (with evaluation.json) and its `directory`."""

    name: str
    title: str
    directory: pathlib.Path
    figures: dict[str, np.ndarray]
    summary: dict[str, Any]

    @property
    def ran(self) -> bool:
        return bool(self.figures or self.summary) or (self.directory / "DONE.json").is_file()

    def pictures(self, key: str, leading: int) -> np.ndarray | None:
        """uint8 RGB figures with `leading` axes before [h w 3]; None when absent or empty."""
        wanted = f"with {leading} leading axes and [h w 3]"
        return self._figure(key, wanted, lambda array: array.ndim == leading + 3 and array.shape[-1] == 3)

    def _figure(self, key: str, wanted: str, fits: Callable[[np.ndarray], bool]) -> np.ndarray | None:
        array = self.figures.get(key)
        if array is None or array.size == 0:
            return None
        if array.dtype != np.uint8 or not fits(array):
            raise ReportError(
                f"figures.npz: {key!r} is {array.dtype} {list(array.shape)}, expected uint8 {wanted}; "
                f"{_remedy(self.directory / 'figures.npz', self.name)}"
            )
        return array

    def masks(self, key: str) -> np.ndarray | None:
        """uint8 masks [n h w] as float32 in [0, 1]; None when absent or empty."""
        array = self._figure(key, "[n h w]", lambda array: array.ndim == 3)
        return None if array is None else array / np.float32(255)

    def json(self, filename: str) -> Any:
        """A further JSON file of the stage, None when absent."""
        return _read_if_there(read_json, self.directory / filename, None)


@dataclasses.dataclass(frozen=True)
class Run:
    """A whole workdir: the experiment's `stages` by name, the `log` of metrics.jsonl, the `config` and the
    `versions` text."""

    workdir: pathlib.Path
    stages: dict[str, StageArtefacts]
    log: list[dict[str, Any]]
    config: dict[str, Any]
    versions: str

    def setting(self, path: str) -> Any:
        """The value of a dotted path in the config; None where there is none."""
        found: Any = self.config
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return found

    @property
    def takes_cameras(self) -> bool:
        """Whether the GAN's views are cameras that are asked of it (docs/loop.md)."""
        return self.setting("viewpoints.annotated_by") == "camera"

    def last_step(self, stage: str) -> int | None:
        """Largest step that metrics.jsonl holds for a stage, None when it holds none."""
        steps = [e["step"] for e in self.log if e.get("stage") == stage and isinstance(e.get("step"), int)]
        return max(steps, default=None)


def _read_stage(workdir: pathlib.Path, stage: Stage) -> StageArtefacts:
    name, directory, summary = stage.name, workdir / stage.name, {}
    for filename in ("summary.json", "evaluation.json"):
        content = _read_if_there(read_json, directory / filename, {}) or {}
        if not isinstance(content, dict):
            kind = type(content).__name__
            raise ReportError(
                f"{filename} holds a {kind}, expected an object; {_remedy(directory / filename, name)}"
            )
        summary |= content
    figures = _read_if_there(read_npz, directory / "figures.npz", {})
    return StageArtefacts(name, stage.title, directory, figures, summary)


def load_run(workdir: str | pathlib.Path, stages: Sequence[Stage]) -> Run:
    """Read all that these stages left. Raises ReportError for a missing workdir or a damaged file."""
    workdir = pathlib.Path(workdir)
    if not workdir.is_dir():
        raise ReportError(f"no workdir at {workdir}; run a stage there first, or check the path")
    config = _read_if_there(read_json, workdir / "config.json", {})
    config = config if isinstance(config, dict) else {}
    parts = [each for each in stages if not each.always and config.get(each.name, {}) is not None]
    versions = workdir / "versions.txt"
    return Run(
        workdir=workdir,
        stages={each.name: _read_stage(workdir, each) for each in parts},
        log=_read_if_there(lambda path: Metrics(path.parent).read(), workdir / "metrics.jsonl", []),
        config=config,
        versions=versions.read_text(encoding="utf-8", errors="replace") if versions.is_file() else "",
    )
