"""The work of launch.verify: a run's own experiment, looked at stage by stage; what differs as a table."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ganverse_jax import stages
from ganverse_jax.pipeline import verification
from ganverse_jax.pipeline.verification import Finding, Verdict
from ganverse_jax.pipeline.workdir import recorded_config

_LINE = "{:<24}{:>7}{:>9}  {}"
_LONGEST = 60


def run(workdir: Path, factor: float = 1.0) -> bool:
    """Print a line for each stage of the run in `workdir`, then what differs; whether the run holds.

    factor: of the tolerances. Raises FileNotFoundError where there is no run, ValueError where none of its
    stages is finished or its records cannot be read.
    """
    if not (workdir / "config.json").is_file():
        raise FileNotFoundError(f"no run at {workdir} (it has no config.json); correct --workdir")
    pipeline = stages.pipeline(stages.experiment_of(recorded_config(workdir)), workdir)
    print(_LINE.format("stage", "files", "figures", "").rstrip(), flush=True)
    verdicts = []
    for verdict in verification.verify(pipeline, factor):
        verdicts.append(verdict)
        print(_LINE.format(verdict.stage, verdict.files, verdict.figures, told(verdict)), flush=True)
    found = [one for verdict in verdicts for one in verdict.findings]
    wrong = [one for one in found if one.wrong]
    print(
        table("What differs", wrong) + table("Other here, which by itself is no fault", merged(found)), end=""
    )
    limits = (
        f"{factor * verification.ABSOLUTE:g} + {factor * verification.RELATIVE:g} of a figure, in pictures' "
        f"mean {factor * verification.LEVELS:g} of 255 levels"
    )
    if wrong:
        print(f"\n{len(wrong)} differences (tolerance: {limits})", flush=True)
    else:
        print(f"\nall as recorded (tolerance: {limits})", flush=True)
    return not wrong


def told(verdict: Verdict) -> str:
    """A stage's verdict in words."""
    wrong = sum(one.wrong for one in verdict.findings)
    if wrong:
        return f"{wrong} differ"
    unfinished = [one.found for one in verdict.findings if one.what == "stage"]
    if unfinished:
        return unfinished[0]
    return f"as recorded, largest difference {verdict.largest:.2g}" if verdict.figures else "as recorded"


def merged(found: Iterable[Finding]) -> list[Finding]:
    """Those of `found` that are no fault, once for all the stages that share one."""
    stages_of: dict[tuple[str, str, str], list[str]] = {}
    for one in found:
        if not one.wrong and one.what != "stage":
            stages_of.setdefault((one.what, str(one.recorded), str(one.found)), []).append(one.stage)
    return [Finding(", ".join(names), *rest, wrong=False) for rest, names in stages_of.items()]


def table(title: str, found: list[Finding]) -> str:
    """Findings as a Markdown table under a title; nothing where there are none."""
    if not found:
        return ""
    rows = ["| stage | what | recorded | now | difference |", "|---|---|---|---|---|"]
    for one in found:
        cells = (one.stage, one.what, _cell(one.recorded), _cell(one.found))
        difference = "" if one.difference is None else f"{one.difference:.3g}"
        rows.append(f"| {' | '.join(cells)} | {difference} |")
    return f"\n{title}:\n\n" + "\n".join(rows) + "\n"


def _cell(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST or " " in text else f"{text[:_LONGEST]}..."
