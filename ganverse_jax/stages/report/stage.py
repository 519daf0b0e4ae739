"""Last stage: the report of everything the other stages left in the workdir."""

import pathlib

from ganverse_jax.pipeline.settings import plain
from ganverse_jax.pipeline.stage import Run, Stage
from ganverse_jax.report import write_report
from ganverse_jax.stages.report.settings import Settings

NAME = "report"


def run(run: Run, settings: Settings) -> pathlib.Path:
    """Write <workdir>/report.html and return its path; see `ganverse_jax.report.write_report` for errors."""
    path = write_report(run.workdir, run.stages, **plain(settings))
    run.metrics.write_anew(NAME, 0, megabytes=path.stat().st_size / 1e6)
    return path


STAGE = Stage(NAME, "Report", Settings, run, always=True)
