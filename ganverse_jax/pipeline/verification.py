"""A run looked at again: what it recorded, the files it left, and its figures, computed anew. Read-only.

Tolerances: a figure holds within ABSOLUTE + RELATIVE x its size, since another processor, device or compiler
sums in another order, and masks, medians and shares are cut at thresholds; pictures within LEVELS of 255 in
the mean; all else is equal or not. The same program on the same machine gives the same digits.
"""

import contextlib
import dataclasses
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganverse_jax.pipeline import provenance
from ganverse_jax.pipeline.run import Pipeline
from ganverse_jax.pipeline.settings import decisive
from ganverse_jax.pipeline.stage import Run, Stage
from ganverse_jax.pipeline.workdir import read_marker
from ganverse_jax.runtime import parallel
from ganverse_jax.runtime.checkpoint import read_json, read_npz, sha256_of
from ganverse_jax.runtime.loop import Metrics

ABSOLUTE, RELATIVE, LEVELS = 1e-3, 1e-2, 1.0
_GONE = "not here"


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is not as recorded. difference: of numbers; wrong: whether the run does not hold for it, and not
    only this program, machine or copy is another."""

    stage: str
    what: str
    recorded: Any
    found: Any
    difference: float | None = None
    wrong: bool = True


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Of one stage: counts of what was looked at, the largest difference of a figure that holds, findings."""

    stage: str
    files: int = 0
    figures: int = 0
    largest: float = 0.0
    findings: tuple[Finding, ...] = ()


def verify(pipeline: Pipeline, factor: float = 1.0) -> Iterator[Verdict]:
    """A verdict on each stage of the experiment that leaves figures, as it is reached.

    factor: by which the tolerances are multiplied. Raises ValueError where no stage is finished.
    """
    shared, devices = pipeline.experiment, len(jax.devices())
    mesh = parallel.data_mesh(min(shared.num_devices or devices, devices))
    run = Run(pipeline.workdir, shared.seed, mesh, Metrics(pipeline.workdir), shared.object_class,
              shared.world, pipeline.stages)  # fmt: skip
    looked_at = [stage for stage in pipeline.stages if not stage.always and pipeline.settings(stage)]
    if not any((pipeline.workdir / stage.name / "DONE.json").exists() for stage in looked_at):
        raise ValueError(f"no stage is finished in {pipeline.workdir}; give the folder of a run as --workdir")
    for stage in looked_at:
        yield _verdict(pipeline, stage, run, factor)


def _verdict(pipeline: Pipeline, stage: Stage, run: Run, factor: float) -> Verdict:
    folder = pipeline.workdir / stage.name
    if not (folder / "DONE.json").exists():
        state = "interrupted" if (folder / "BEGUN.json").exists() else "not run"
        return Verdict(stage.name, findings=(Finding(stage.name, "stage", "-", state, wrong=False),))
    marker, settings = read_marker(folder / "DONE.json"), pipeline.settings(stage)
    if stage.pretrained:
        settings = dataclasses.replace(settings, pretrained=marker.get("pretrained"))
    found = [*_records(pipeline, stage, settings, marker, run), *_files(stage.name, folder, marker)]
    compared, largest = 0, 0.0
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # what the stage tells of its work
            anew = stage.recomputed(run, settings)
        for name, figures in anew.items():
            for one in _compared(stage.name, folder / name, name, figures):
                compared += 1
                if _holds(one, factor):
                    largest = max(largest, one.difference or 0.0)
                else:
                    found.append(one)
    except (ValueError, OSError) as error:
        found.append(Finding(stage.name, "figures", "-", f"cannot be computed: {error}"))
    return Verdict(stage.name, len(marker.get("files", {})), compared, largest, tuple(found))


def _records(pipeline: Pipeline, stage: Stage, settings: Any, marker: Mapping, run: Run) -> Iterator[Finding]:
    """Code, versions, machine, settings, inputs and data that are not those recorded."""
    digest = pipeline.digest(stage.name, settings)
    if marker["digest"] != digest:
        yield Finding(stage.name, "settings and inputs (digest)", marker["digest"], digest)
    if "made_by" not in marker:  # made before it was recorded
        yield Finding(stage.name, "code, versions, data and files", "not recorded", "-", wrong=False)
        return
    here = provenance.made_by(run.mesh)
    yield from _unequal(stage.name, "", marker["made_by"], here, wrong=False)
    plain = json.loads(json.dumps(decisive(settings)))
    recorded = {name: value for name, value in marker["settings"].items() if name in plain}
    yield from _unequal(stage.name, "setting ", dict(_leaves(recorded)), dict(_leaves(plain)))
    data = provenance.data_read(stage.reads(settings))
    for name, was in marker["data"].items():
        now = data.get(name)
        if now != was:
            yield Finding(stage.name, f"data of {name}", was, now or _GONE, wrong=now is not None)


def _unequal(
    stage: str, kind: str, recorded: Mapping, here: Mapping, *, wrong: bool = True
) -> Iterator[Finding]:
    for name in dict.fromkeys([*recorded, *here]):
        was, now = recorded.get(name, "-"), here.get(name, "-")
        if was != now:
            yield Finding(stage, f"{kind}{name}", was, now, wrong=wrong)


def _files(stage: str, folder: Path, marker: Mapping) -> Iterator[Finding]:
    """Files of the stage that are gone or have other bytes."""
    for name, was in marker.get("files", {}).items():
        path = folder / name
        now = sha256_of(path) if path.is_file() else _GONE
        if now != was:
            yield Finding(stage, f"file {name}", was[:16], now[:16])


def _compared(stage: str, path: Path, name: str, anew: Mapping[str, Any]) -> Iterator[Finding]:
    """Every figure that a file of a stage holds, beside the one computed anew."""
    if path.suffix == ".npz":
        recorded = read_npz(path)
        for key, array in anew.items():
            yield _pictures(stage, f"{name} {key}", recorded.get(key), array)
        return
    recorded = dict(_leaves(read_json(path)))
    for key, now in _leaves(json.loads(json.dumps(anew))):
        was = recorded.get(key, _GONE)
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (was, now))
        yield Finding(stage, f"{name} {key}", was, now, abs(was - now) if numbers else None)


def _pictures(stage: str, what: str, was: np.ndarray | None, now: np.ndarray) -> Finding:
    if was is None or was.shape != now.shape:
        return Finding(stage, what, _GONE if was is None else was.shape, now.shape)
    levels = float(np.abs(was.astype(np.float32) - now.astype(np.float32)).mean())
    return Finding(stage, what, f"pictures {was.shape}", "levels of 255", levels)


def _holds(one: Finding, factor: float) -> bool:
    if one.difference is None:
        return one.recorded == one.found
    pictures = isinstance(one.recorded, str)
    limit = LEVELS if pictures else ABSOLUTE + RELATIVE * abs(one.recorded)
    return one.difference <= factor * limit


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The plain values of a JSON value, by dotted path."""
    if isinstance(value, Mapping | list):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, item in items:
            yield from _leaves(item, f"{path}.{name}".lstrip("."))
    else:
        yield path, value
