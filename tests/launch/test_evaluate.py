"""The command that measures a finished run beside the paper, from the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("pascal3d_car", "error: inverse_graphics.pascal3d is set"),
        ("toy_car", "error: no finished inverse_graphics stage"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(tmp_path, config, message):
    command = [sys.executable, "-m", "launch.evaluate", f"--config=configs/{config}.py"]
    done = subprocess.run(
        [*command, f"--workdir={tmp_path}"], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
