"""The command behind Table A, from the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def launch(config, workdir, *arguments):
    command = [sys.executable, "-m", "launch.compare_cameras", f"--config=configs/{config}.py"]
    command += [f"--workdir={workdir}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)


@pytest.mark.slow
def test_the_command_prints_the_table_and_does_not_train_again(tmp_path):
    counts = {"num_steps": 2, "num_objects": 10, "views_per_object": 2}
    small = [f"--config.inverse_graphics_posed.{name}={value}" for name, value in counts.items()]
    first, second = (launch("toy_car", tmp_path, *small) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert "| 12 view bins, elevation 0 (view-model) | 24 bins (1 min) |" in first.stdout
    assert second.stdout.count("trained before, skipped") == 3
    assert first.stdout.endswith(second.stdout[second.stdout.index("# Table A") :])


@pytest.mark.slow
def test_a_real_class_is_refused_in_one_line(tmp_path):
    done = launch("car", tmp_path)
    assert done.returncode == 1 and "compare cameras with --config=configs/toy_car.py" in done.stderr
    assert "Traceback" not in done.stderr
