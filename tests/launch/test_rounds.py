"""The loop from the command line, on the shipped networks, with few pictures and few steps."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ganverse_jax.commands.rounds.command import ROWS

ROOT = Path(__file__).parents[2]
FEWER = (
    "multiview_dataset.num_objects=20", "multiview_dataset.views_per_object=3",
    "inverse_graphics.num_steps=2", "inverse_graphics.perceptual_blocks=0",
    "inverse_graphics_posed.num_steps=2",
    "inverse_graphics_posed.num_objects=20", "stylegan_r.num_examples=16", "stylegan_r.num_samples=0",
    "stylegan_r.num_test=2", "stylegan_r.warmup.num_steps=2", "stylegan_r.finetune.num_steps=2",
)  # fmt: skip
FEWER_LABELS = (
    "self_labels.num_images=200", "self_labels.num_meshes=40", "self_labels.render_steps=20",
    "self_labels.pose_steps=20", "self_labels.refine.num_steps=2", "self_labels.min_certainty=0",
    "self_labels.max_mirror_degrees=180",
)  # fmt: skip
LATER_ROUND = (
    "gan", "perception", "viewpoints", "multiview_dataset", "inverse_graphics", "inverse_graphics_posed",
    "stylegan_r", "report",
)  # fmt: skip
FIRST_ROUND = (*LATER_ROUND[:5], "self_labels", *LATER_ROUND[5:])
FEWER_GAN = ("gan.num_steps=2", "gan.num_images=200", "viewpoints.num_views=4", "viewpoints.num_candidates=4")


@pytest.mark.slow
def test_two_rounds_run_to_their_table_and_a_second_call_repeats_no_stage(tmp_path):
    command = [sys.executable, "-m", "launch.rounds", f"--workdir={tmp_path}"]
    command += ["--config=configs/toy_car_labels.py", "--later=configs/toy_car.py"]
    command += [f"--config.{one}" for one in (*FEWER, *FEWER_LABELS)]
    command += [f"--later.{one}" for one in (*FEWER, *FEWER_GAN)]
    for attempt in range(2):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3000)
        assert done.returncode == 0, done.stderr
        begun, skipped = (re.findall(rf"\[(\w+)\] {told}", done.stdout) for told in ("begins", "done before"))
        # Of both rounds; reports are written anew by every call.
        every = [stage for rounds in (FIRST_ROUND, LATER_ROUND) for stage in rounds]
        assert begun == (["report", "report"] if attempt else every)
        assert skipped == ([stage for stage in every if stage != "report"] if attempt else [])
    table = (tmp_path / "rounds.md").read_text(encoding="utf-8")
    assert table in done.stdout and (tmp_path / "round2" / "report.html").is_file()
    # Residual cameras are an option that these configs leave off.
    assert {line.split(" | ")[0][2:] for line in table.splitlines()[2:]} == {
        name for name, path in ROWS if "residual" not in path
    }
    second = json.loads((tmp_path / "rounds.json").read_text(encoding="utf-8"))["rounds"][1]
    assert second["codes"]["commanded"]["azimuth_error"] < 180
