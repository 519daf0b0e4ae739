"""A run killed at a random moment of every stage ends like an undisturbed one, to the last digit."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from ganverse_jax.runtime.checkpoint import fingerprint, load_weights

ROOT = Path(__file__).parents[2]
STAGES = (
    "viewpoints",
    "multiview_dataset",
    "inverse_graphics",
    "inverse_graphics_posed",
    "stylegan_r",
    "report",
)
SMALL = (
    "multiview_dataset.num_objects=24",
    "multiview_dataset.views_per_object=6",
    "inverse_graphics.num_steps=60",
    "inverse_graphics.perceptual_start=30",
    "inverse_graphics.camera_start=10",
    "inverse_graphics.log_every=5",
    "inverse_graphics.save_every=10",
    "inverse_graphics_posed.num_objects=24",
    "inverse_graphics_posed.views_per_object=6",
    "inverse_graphics_posed.num_steps=60",
    "inverse_graphics_posed.camera_start=10",
    "inverse_graphics_posed.log_every=5",
    "inverse_graphics_posed.save_every=10",
    "stylegan_r.num_examples=96",
    "stylegan_r.warmup.num_steps=40",
    "stylegan_r.finetune.num_steps=16",
    "stylegan_r.log_every=4",
    "stylegan_r.save_every=8",
)


def _start(workdir, stages=None, settings=SMALL) -> subprocess.Popen:
    command = [sys.executable, "-u", "-m", "launch.train", "--config=configs/toy_car.py"]
    command += [f"--workdir={workdir}", *(f"--config.{setting}" for setting in settings)]
    command += [f"--stages={stages}"] if stages else []
    # One device, as the user has; pytest's own four would be inherited.
    environment = os.environ | {"XLA_FLAGS": "", "JAX_PLATFORMS": "cpu"}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _follow(process, on_line) -> str:
    lines = []
    with process:
        for line in process.stdout:
            lines.append(line)
            on_line(line.rstrip())
    return "".join(lines)


def _run_to_the_end(workdir, stages=None, settings=SMALL) -> dict[str, float]:
    """Run undisturbed; seconds of every stage that was not done before."""
    begun, seconds = {}, {}

    def on_line(line: str) -> None:
        if line.endswith("] begins"):
            begun[line[1:-8]] = time.monotonic()
        elif "] done in " in line:
            name = line[1 : line.index("]")]
            seconds[name] = time.monotonic() - begun[name]

    process = _start(workdir, stages, settings)
    output = _follow(process, on_line)
    assert process.returncode == 0, output[-2000:]
    return seconds


def _run_and_kill(workdir, stage, delay, stages=None, settings=SMALL) -> bool:
    """Kill the run ``delay`` seconds after the stage begins; False if the run ended before that."""
    process = _start(workdir, stages, settings)

    def on_line(line: str) -> None:
        if line == f"[{stage}] begins":
            timers.append(threading.Timer(delay, process.kill))
            timers[-1].start()

    timers = []
    _follow(process, on_line)
    for timer in timers:
        timer.cancel()
    return process.returncode == -9


def _without_times(value):
    if isinstance(value, dict):
        timed = ("time", "seconds", "minutes")
        return {key: _without_times(item) for key, item in value.items() if not key.endswith(timed)}
    return value


def _results(workdir: Path) -> dict:
    """What the run found: summaries, logged lines and written weights."""
    found = {}
    for path in sorted(workdir.rglob("summary.json")):
        found[str(path.relative_to(workdir))] = _without_times(json.loads(path.read_text()))
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    # The report's one line is the size of a page that tells times.
    rows = [_without_times(json.loads(line)) for line in lines]
    found["metrics"] = [row for row in rows if row["stage"] != "report"]
    for path in sorted(workdir.rglob("*.safetensors")):
        weights, metadata = load_weights(path)
        found[str(path.relative_to(workdir))] = (fingerprint(weights), metadata)
    return found


def _assert_same(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == value, name


@pytest.mark.slow
def test_default_run_killed_in_every_stage(tmp_path):
    seconds = _run_to_the_end(tmp_path / "undisturbed")
    moments = random.Random(0)
    killed = []
    for stage in STAGES:
        if _run_and_kill(tmp_path / "killed", stage, moments.uniform(0.0, 0.9) * seconds[stage]):
            killed.append(stage)
    _run_to_the_end(tmp_path / "killed")
    assert len(killed) >= 4, killed  # a resumed stage is faster than planned where compilation was cached
    _assert_same(_results(tmp_path / "killed"), _results(tmp_path / "undisturbed"))
    figures = np.load(tmp_path / "killed" / "inverse_graphics" / "figures.npz")
    for name, array in np.load(tmp_path / "undisturbed" / "inverse_graphics" / "figures.npz").items():
        np.testing.assert_array_equal(figures[name], array)
