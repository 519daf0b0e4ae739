"""The command of the ablations, from the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_real_class_is_refused_in_one_line(tmp_path):
    command = [sys.executable, "-m", "launch.ablate", "--config=configs/car.py", f"--workdir={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and "ablate with --config=configs/toy_car.py" in done.stderr
    assert "Traceback" not in done.stderr
