"""Last stage: the report of everything the other stages left in the workdir."""

from __future__ import annotations

import pathlib
from typing import Any

from ganverse_jax.report import write_report


def run(
    workdir: str | pathlib.Path,
    *,
    metrics: Any = None,
    seed: int = 0,
    mesh: Any = None,
    world: Any = None,
    **settings: Any,
) -> pathlib.Path:
    """Write `<workdir>/report.html` and return its path.

    `settings`: title, label ("" for none, None for "short run" where it applies), max_megabytes; see
    `ganverse_jax.report.write_report`, also for errors. `seed`, `mesh` and `world` are taken because every
    stage is called alike; nothing here is random or runs on a device. `metrics` (loop.Metrics) receives the
    page's size.
    """
    del seed, mesh, world
    path = write_report(workdir, **settings)
    if metrics is not None:
        metrics.write("report", 0, megabytes=path.stat().st_size / 1e6)
    return path
