"""The command that turns photos into meshes, from the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from tests.models.inverse_graphics.untrained import write_network, write_photos

ROOT = Path(__file__).parents[2]


@pytest.mark.slow  # a process of its own
def test_the_command_ends_with_1_when_a_photo_failed(tmp_path):
    photos = write_photos(tmp_path)
    write_network(tmp_path / inverse_graphics.NAME)
    workdir = f"--workdir={tmp_path}"
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}

    def launch(images):
        command = [
            sys.executable,
            "-m",
            "launch.reconstruct",
            workdir,
            f"--images={images}",
            f"--out={tmp_path / 'out'}",
        ]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=300)

    good, bad = launch(photos / "good.png"), launch(photos)
    assert good.returncode == 0 and "1 of 1 photos reconstructed" in good.stdout, good.stderr
    assert (
        bad.returncode == 1 and "1 of 4 photos reconstructed" in bad.stdout and "Traceback" not in bad.stderr
    )
    nowhere = launch(tmp_path / "nowhere")
    assert nowhere.returncode == 1 and "error: no picture or folder at" in nowhere.stderr
