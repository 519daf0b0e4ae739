"""Puts the sections into one self-contained page."""

import pathlib
from collections.abc import Sequence

from ganverse_jax.pages.frame import assemble
from ganverse_jax.pages.markup import ReportError, Section
from ganverse_jax.pages.pictures import Pictures
from ganverse_jax.pipeline.stage import Stage
from ganverse_jax.report.artefacts import Run, load_run
from ganverse_jax.report.sections import data, evaluation, layers, model, numbers, render
from ganverse_jax.runtime.checkpoint import write_atomic
from ganverse_jax.runtime.names import legible

# tried in order until the page fits its budget
QUALITIES = (Pictures(192, 92), Pictures(128, 82), Pictures(96, 68, False), Pictures(64, 55, False))


def sections(run: Run, pictures: Pictures, label: str | None = None) -> list[Section]:
    """All sections in reading order; a stage that has not run gives a section with a placeholder, one that is
    no part of the experiment none."""
    of_stages = [
        (model.NAME, model.viewer_section, (run, pictures)),
        ("gan", data.gan_section, (run, pictures)),
        ("viewpoints", data.viewpoints_section, (run, pictures)),
        *([] if run.takes_cameras else [("gan", layers.splits_section, (run,))]),
        ("multiview_dataset", data.dataset_section, (run, pictures)),
        (model.NAME, model.reconstruction_section, (run, pictures)),
        (model.NAME, model.failures_section, (run, pictures)),
        (model.NAME, model.cameras_section, (run,)),
        (model.POSED, model.reconstruction_section, (run, pictures, model.POSED)),
        (render.NAME, render.stylegan_r_section, (run, pictures)),
    ]
    return [
        numbers.overview_section(run, label),
        *(section(*given) for stage, section, given in of_stages if stage in run.stages),
        numbers.curves_section(run),
        numbers.metrics_section(run),
        *evaluation.evaluation_sections(run),
        numbers.deviations_section(run),
        numbers.provenance_section(run),
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


def write_report(
    workdir: str | pathlib.Path,
    stages: Sequence[Stage],
    path: str | pathlib.Path | None = None,
    *,
    title: str = "Inverse graphics from a GAN’s own pictures",
    label: str | None = None,
    max_megabytes: float = 8.0,
) -> pathlib.Path:
    """Write the report of what `stages` left in a run, atomically, and return its path
    (`<workdir>/report.html` by default).

    `label` is a badge such as "short run"; None labels a run short by its step count, "" shows none. Pictures
    are encoded smaller until the page is below `max_megabytes`. Raises ReportError for a damaged artefact,
    naming the file and the remedy; a stage that has not run is no error.
    """
    run = load_run(workdir, stages)
    path = pathlib.Path(path) if path is not None else run.workdir / "report.html"
    label = numbers.run_label(run) if label is None else label
    for pictures in QUALITIES:
        content = legible(build_page(run, pictures, title=title, label=label)).encode("utf-8")
        if len(content) <= max_megabytes * 1e6:
            break
    else:
        raise ReportError(
            f"the report takes {len(content) / 1e6:.1f} MB at the lowest picture quality, more than "
            f"{max_megabytes} MB; raise report.max_megabytes or keep fewer meshes"
        )
    write_atomic(path, lambda temporary: temporary.write_bytes(content))
    return path
