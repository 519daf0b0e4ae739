"""Sections made of numbers: the opening, training curves, the comparison with the paper, provenance."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganverse_jax.pages.charts import line_chart
from ganverse_jax.pages.markup import Section, details, duration, escape, number, placeholder, table
from ganverse_jax.report import paper
from ganverse_jax.report.artefacts import Run, StageArtefacts
from ganverse_jax.report.deviations import deviations_of

NOT_CURVES = {"stage", "step", "time", "timestamp", "wall_time"}
NOT_FIGURES = {"card", "config", "settings"}  # nested descriptions inside a summary
NOT_SINGLE = ("reason", "per_view", "by_view")  # tables of counts, not figures
MAX_CURVES = 14


def flat_figures(summary: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Scalars of a nested summary as (dotted name, value)."""
    for name, value in summary.items():
        if isinstance(value, dict) and name not in NOT_FIGURES:
            yield from flat_figures(value, f"{prefix}{name}.")
        elif isinstance(value, (int, float)):
            yield f"{prefix}{name}", value


def _figures_of(run: Run) -> list[paper.Figure]:
    """The paper's figures that a stage of the experiment measures."""
    return [wanted for wanted in paper.FIGURES if wanted.stage in run.stages]


def find_figure(run: Run, wanted: paper.Figure) -> tuple[float, str] | None:
    """This run's value of a figure and its (dotted) name; of a stage under way what is known so far."""
    for name, value in flat_figures(run.stages[wanted.stage].summary):
        if name == wanted.key or name.endswith("." + wanted.key):
            return value, name
    known = _so_far(run, wanted)
    return None if known is None else (known, wanted.key)


def _so_far(run: Run, wanted: paper.Figure) -> float | None:
    """What other artefacts tell where no summary does: steps, a stage's time, the number of views."""
    stage = run.stages[wanted.stage]
    if wanted.key == "steps":
        return run.last_step(wanted.stage)
    if wanted.key == "train_seconds":
        done = stage.json("DONE.json")
        minutes = done.get("minutes") if isinstance(done, dict) else None
        return 60.0 * minutes if isinstance(minutes, (int, float)) else None
    if wanted.key == "num_views":
        content = stage.json("viewpoints.json")
        views = content.get("views") if isinstance(content, dict) else None
        return len(views) if isinstance(views, list) else None
    return None


def run_label(run: Run) -> str | None:
    """A badge when inverse graphics took less than a tenth of the paper's iterations; None otherwise."""
    counted = [wanted for wanted in _figures_of(run) if wanted.key == "steps"]
    steps = find_figure(run, counted[0]) if counted else None
    if not steps or steps[0] >= paper.SHORT_FRACTION * paper.ITERATIONS:
        return None
    return f"Short run: {number(steps[0])} of the paper’s {number(paper.ITERATIONS)} iterations"


def _show(value: float, wanted: paper.Figure, name: str) -> str:
    return duration(value) if name.endswith("seconds") else number(value) + wanted.unit


def overview_section(run: Run, label: str | None) -> Section:
    """What this is, headline figures beside the paper's, and how far the run has come."""
    cards = []
    for wanted in _figures_of(run):
        found = find_figure(run, wanted)
        if found and len(cards) < 6:
            cards.append(
                f'<div class="card"><b>{_show(found[0], wanted, found[1])}</b>'
                f"<span>{escape(wanted.label)}</span><small>paper {escape(wanted.paper)}</small></div>"
            )
    chain = "".join(_link(run, stage) for stage in run.stages.values())
    badge = f'<p class="badge">{escape(label)}</p>' if label else ""
    warning = (
        '<p class="note">The paper’s figures were measured on another dataset, at another size, after days '
        "on four GPUs; they stand beside for orientation, not as a match.</p>"
        if cards
        else ""
    )
    body = f'{badge}<div class="cards">{"".join(cards)}</div>{warning}<ol class="chain">{chain}</ol>'
    told = "Its input fixes" if run.takes_cameras else "Holding its first layers still fixes"
    lede = (
        f"A GAN that has learned to draw objects also knows how they look from all sides. {told} the camera; "
        "so it can teach a network to turn one picture into a textured mesh, and the mesh in turn gives the "
        "GAN handles for camera, shape, texture and background. An open implementation of "
        "<cite>Image GANs meet Differentiable Rendering</cite> (Zhang et al., ICLR 2021) in JAX."
    )
    return Section("overview", "Overview", lede, body)


def _link(run: Run, stage: StageArtefacts) -> str:
    steps, done = run.last_step(stage.name), stage.json("DONE.json")
    minutes = done.get("minutes") if isinstance(done, dict) else None
    state = (f"{number(steps)} steps" if steps else "done") if stage.ran else "begun" if steps else "not run"
    state += f" · {duration(60.0 * minutes)}" if stage.ran and isinstance(minutes, (int, float)) else ""
    return f'<li class="{"ran" if stage.ran else "gap"}"><b>{stage.title}</b><span>{state}</span></li>'


def stage_series(log: Sequence[Mapping[str, Any]], stage: str) -> dict[str, tuple[list[float], list[float]]]:
    """(steps, values) of every scalar that metrics.jsonl, read as `log`, holds of a stage more than once; NaN
    for one that was not finite."""
    series: dict[str, tuple[list[float], list[float]]] = {}
    for entry in log:
        if entry.get("stage") != stage or not isinstance(entry.get("step"), (int, float)):
            continue
        for name, value in entry.items():
            if name not in NOT_CURVES and (value is None or isinstance(value, (int, float))):
                steps, values = series.setdefault(name, ([], []))
                steps.append(entry["step"])
                values.append(math.nan if value is None else value)
    return {name: s for name, s in series.items() if len(s[0]) > 1}


def curves_section(run: Run) -> Section:
    """Every scalar that was logged more than once, as small charts by stage."""
    body = ""
    # stages first in the pipeline's order, then whatever else was logged
    titles = {stage.name: stage.title for stage in run.stages.values()}
    others = sorted({str(e["stage"]) for e in run.log if e.get("stage")} - {*titles, "report"})
    for stage in (*titles, *others):
        series = stage_series(run.log, stage)
        if not series:
            continue
        charts = [line_chart(_words(name), *points) for name, points in series.items()]
        shown, rest = "".join(charts[:MAX_CURVES]), "".join(charts[MAX_CURVES:])
        more = (
            details(f"{len(charts) - MAX_CURVES} more", f'<div class="charts">{rest}</div>') if rest else ""
        )
        body += f'<h3>{escape(titles.get(stage, stage))}</h3><div class="charts">{shown}</div>{more}'
    lede = "Every figure that was logged along the way; a thin line is the log, a thick one its running mean."
    ran = bool(body)
    gap = placeholder(next(iter(run.stages)), "Training curves")
    return Section("curves", "Training curves", lede, body or gap, ran=ran)


def _words(name: str) -> str:
    return name.replace("_", " ").replace("/", " · ").replace(".", " · ")


def metrics_section(run: Run) -> Section:
    """This run beside the paper, then all else that the stages reported."""
    rows, used = [], set()
    for wanted in _figures_of(run):
        found = find_figure(run, wanted)
        used |= {(wanted.stage, found[1])} if found else set()
        mine = _show(found[0], wanted, found[1]) if found else '<span class="muted">not measured</span>'
        mine = f"<b>{mine}</b>" if found else mine
        note = f"<br><small>{escape(wanted.note)}</small>" if wanted.note else ""
        rows.append([escape(wanted.label) + note, mine, escape(wanted.paper), escape(wanted.source)])
    body = table(("figure", "this run", "paper", "where"), rows, "compare", numeric=(1, 2))
    rest = [
        [escape(stage.title), escape(_words(name)), number(value)]
        for stage in run.stages.values()
        for name, value in flat_figures(stage.summary)
        if (stage.name, name) not in used and not any(word in name for word in NOT_SINGLE)
    ]
    if rest:
        further = table(("stage", "figure", "value"), rest, numeric=(2,))
        heading = "Further figures of this run"
        few = len(rest) <= 24
        body += f"<h3>{heading}</h3>{further}" if few else details(f"{heading} ({len(rest)})", further)
    printed = [[escape(cell) for cell in row] for row in paper.TABLE_1]
    heads = ("figure", "Pascal3D", "StyleGAN dataset")
    body += details("Table 1 of the paper", table(heads, printed))
    lede = "What was measured in this run, and what the paper prints where it prints it."
    return Section("metrics", "Figures beside the paper’s", lede, body)


def deviations_section(run: Run) -> Section:
    """Where this code departs from the paper, and where the paper departs from itself."""
    rows = [
        [f"<b>{escape(one.what)}</b>", escape(one.paper), escape(one.here), escape(one.why)]
        for one in deviations_of(run)
    ]
    body = table(("", "the paper", "here", "why"), rows, "prose")
    body += "<h3>Where the paper disagrees with itself</h3><ul>"
    body += "".join(f"<li>{line}</li>" for line in paper.INCONSISTENCIES) + "</ul>"
    lede = "What this run does otherwise, by its settings, and why."
    return Section("deviations", "Deviations from the paper", lede, body)


def provenance_section(run: Run) -> Section:
    """Settings and versions that made this run."""
    config = json.dumps(run.config, indent=2, ensure_ascii=False, default=str)
    parts = []
    if run.config:
        parts.append(details("Settings (config.json)", f'<pre tabindex="0">{escape(config)}</pre>'))
    if run.versions.strip():
        parts.append(details("Versions (versions.txt)", f'<pre tabindex="0">{escape(run.versions)}</pre>'))
    body = "".join(parts) or '<p class="note">This workdir holds neither config.json nor versions.txt.</p>'
    lede = "A figure without its settings is a rumour."
    return Section("provenance", "Settings and versions", lede, body, ran=bool(parts))
