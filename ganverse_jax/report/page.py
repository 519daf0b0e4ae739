"""Puts the sections into one self-contained page."""

from __future__ import annotations

import importlib.resources
import pathlib
import string
from collections.abc import Sequence

from ganverse_jax.checkpoint import write_atomic
from ganverse_jax.report import (
    layers,
    sections_data,
    sections_evaluation,
    sections_model,
    sections_numbers,
    sections_render,
)
from ganverse_jax.report.artefacts import ReportError, Run, load_run
from ganverse_jax.report.markup import Section, escape
from ganverse_jax.report.pictures import Pictures

# tried in order until the page fits its budget
QUALITIES = (Pictures(192, 92), Pictures(128, 82), Pictures(96, 68, False), Pictures(64, 55, False))


def template(name: str) -> str:
    """The text of one file in report/templates; tokens.css holds the colours and fonts of all our pages."""
    return (importlib.resources.files("ganverse_jax.report") / "templates" / name).read_text(encoding="utf-8")


def sections(run: Run, pictures: Pictures, label: str | None = None) -> list[Section]:
    """All sections in reading order; a stage that has not run gives a section with a placeholder."""
    return [
        sections_numbers.overview_section(run, pictures, label),
        sections_model.viewer_section(run, pictures),
        sections_data.gan_section(run, pictures),
        sections_data.viewpoints_section(run, pictures),
        layers.layers_section(layers.measured_splits(run)),
        sections_data.dataset_section(run, pictures),
        sections_model.reconstruction_section(run, pictures),
        sections_model.failures_section(run, pictures),
        sections_model.cameras_section(run, pictures),
        sections_model.reconstruction_section(run, pictures, "inverse_graphics_posed"),
        sections_render.stylegan_r_section(run, pictures),
        sections_numbers.curves_section(run, pictures),
        sections_numbers.metrics_section(run, pictures),
        *sections_evaluation.evaluation_sections(run),
        sections_numbers.deviations_section(run, pictures),
        sections_numbers.provenance_section(run, pictures),
    ]


def build_page(run: Run, pictures: Pictures, *, title: str, label: str | None = None) -> str:
    """The page's HTML."""
    opening, *rest = sections(run, pictures, label)
    return assemble(
        rest,
        title=title,
        name=run.config.get("name") or run.workdir.absolute().name,
        opening=f'<p class="lede">{opening.lede}</p>{opening.body}',
        first=opening,
    )


def assemble(
    parts: Sequence[Section], *, title: str, name: str, opening: str, first: Section | None = None
) -> str:
    """A page of numbered sections under a title. opening: HTML below it; first: its entry in the contents."""
    contents = "".join(
        f'<li><a href="#{s.anchor}"{"" if s.ran else " class=gap"}>{escape(s.title)}</a></li>'
        for s in ([] if first is None else [first]) + list(parts)
    )
    body = "".join(
        f'<section id="{s.anchor}"><h2><span>{i}</span>{escape(s.title)}</h2><p class="lede">{s.lede}</p>'
        f"{s.body}</section>"
        for i, s in enumerate(parts, start=1)
    )
    return string.Template(template("page.html")).substitute(
        title=escape(title),
        name=escape(name),
        contents=contents,
        opening=opening,
        body=body,
        style=template("tokens.css") + template("style.css"),
        script=template("page.js") + template("viewer.js"),
    )


def write_report(
    workdir: str | pathlib.Path,
    path: str | pathlib.Path | None = None,
    *,
    title: str = "Inverse graphics from a GAN’s own pictures",
    label: str | None = None,
    max_megabytes: float = 8.0,
) -> pathlib.Path:
    """Write the report of a run, atomically, and return its path (`<workdir>/report.html` by default).

    `label` is a badge such as "short run"; None labels a run short by its step count, "" shows none. Pictures
    are encoded smaller until the page is below `max_megabytes`. Raises ReportError for a damaged artefact,
    naming the file and the remedy; a stage that has not run is no error.
    """
    run = load_run(workdir)
    path = pathlib.Path(path) if path is not None else run.workdir / "report.html"
    label = sections_numbers.run_label(run) if label is None else label
    for pictures in QUALITIES:
        content = build_page(run, pictures, title=title, label=label).encode("utf-8")
        if len(content) <= max_megabytes * 1e6:
            break
    else:
        raise ReportError(
            f"the report takes {len(content) / 1e6:.1f} MB at the lowest picture quality, more than "
            f"{max_megabytes} "
            "MB; raise report.max_megabytes or keep fewer meshes"
        )
    write_atomic(path, lambda temporary: temporary.write_bytes(content))
    return path
