"""A run that is killed (-9) again and again, at random moments, ends like an undisturbed one.

GANVERSE_KILLS says how many kills (100 for the whole suite); GANVERSE_FAULT_SEED which moments.
"""

import collections
import os
import random
import shutil
import threading

import pytest

from tests.faults.tiny_run import assert_same, copied, followed, started

KILLS = int(os.environ.get("GANVERSE_KILLS", "6"))
SEED = int(os.environ.get("GANVERSE_FAULT_SEED", "0"))


def killed_at(workdir, seconds: float) -> str | None:
    """Kill a run so many seconds after its start: the stage it was in ("start", "end" outside of any), or
    None where it had ended before."""
    process, stage = started(workdir), ["start"]

    def on_line(line: str) -> None:
        if line.endswith("] begins"):
            stage[0] = line[1:-8]
        elif "] done in " in line:
            stage[0] = "end" if line.startswith("[report]") else "between stages"

    timer = threading.Timer(seconds, process.kill)
    timer.start()
    output = followed(process, on_line)
    timer.cancel()
    assert process.returncode in (0, -9), output[-3000:]
    return stage[0] if process.returncode == -9 else None


@pytest.mark.slow
def test_a_run_killed_at_random_moments_ends_like_an_undisturbed_one(undisturbed, tmp_path):
    moments, hit, runs = random.Random(SEED), collections.Counter(), 0
    while sum(hit.values()) < KILLS:
        runs += 1
        workdir = copied(undisturbed.workdir, tmp_path / f"run{runs}")
        # Mostly early moments: a run that goes on has its finished stages behind it at once.
        span = undisturbed.total - undisturbed.first
        while (stage := killed_at(workdir, undisturbed.first + span * moments.random() ** 3)) is not None:
            hit[stage] += 1
            print(f"kill {sum(hit.values())} in {stage}", flush=True)
        assert_same(workdir, undisturbed.workdir)
        shutil.rmtree(workdir)
    print(f"{sum(hit.values())} kills in {runs} runs: {dict(hit)}", flush=True)
