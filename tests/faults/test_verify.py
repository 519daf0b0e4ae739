"""Claims about launch.verify on a real run of tiny counts: every stage's figures, computed again."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from ganverse_jax.runtime.checkpoint import load_weights, save_weights
from tests.faults.tiny_run import ROOT

pytestmark = pytest.mark.slow
FIGURES = {"gan": 4, "perception": 0, "viewpoints": 40, "multiview_dataset": 8, "inverse_graphics": 10,
           "inverse_graphics_posed": 50, "stylegan_r": 40}  # fmt: skip


def verified(workdir, *arguments) -> tuple[int, str]:
    flags = os.environ["XLA_FLAGS"].replace("device_count=4", "device_count=1")
    command = [sys.executable, "-m", "launch.verify", f"--workdir={workdir}", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
                          capture_output=True, text=True)  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def state(workdir) -> list:
    paths = sorted(workdir.rglob("*"))
    return [(path, path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in paths]


def test_a_copy_of_a_run_holds_to_the_last_digit_and_is_not_changed(undisturbed, tmp_path):
    workdir = tmp_path / "copy"
    shutil.copytree(undisturbed.workdir, workdir, ignore=shutil.ignore_patterns("cache", ".lock"))
    before = state(workdir)
    status, text = verified(workdir, "--tolerance=0")
    assert status == 0 and "all as recorded" in text, text
    lines = {line.split()[0]: line.split() for line in text.splitlines() if line.split()}
    for stage, least in FIGURES.items():
        assert int(lines[stage][1]) >= 2 and int(lines[stage][2]) >= least, lines[stage]
    assert state(workdir) == before


def test_a_changed_network_is_told_by_its_file_and_by_its_figures(undisturbed, tmp_path):
    workdir = tmp_path / "copy"
    shutil.copytree(undisturbed.workdir, workdir, ignore=shutil.ignore_patterns("cache"))
    path = workdir / "inverse_graphics" / "network.safetensors"
    weights, metadata = load_weights(path)
    rng = np.random.default_rng(0)
    weights["network"]["encoder"] = _noisy(weights["network"]["encoder"], rng)
    save_weights(path, weights, metadata)
    shutil.rmtree(workdir / "multiview")
    status, text = verified(workdir)
    assert status == 1 and "| inverse_graphics | file network.safetensors |" in text
    assert "| multiview_dataset | figures |" in text and "no multi-view set at" in text


def _noisy(tree, rng):
    if isinstance(tree, dict):
        return {name: _noisy(value, rng) for name, value in tree.items()}
    return tree + rng.normal(size=tree.shape).astype(tree.dtype)
