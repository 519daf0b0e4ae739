"""The command of the user study, from the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

from ganverse_jax.evaluation.user_study import QUESTIONS, make_key
from ganverse_jax.runtime.checkpoint import write_json

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def launch(*arguments):
    command = [sys.executable, "-m", "launch.user_study", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_collected_answers_are_printed_as_tables(tmp_path):
    key = make_key("abcd", ["ours", "other"], ["a.png", "b.png"], seed=0)
    write_json(tmp_path / "key.json", key)
    for name in ("ann", "ben"):
        answers = {hit: dict.fromkeys(QUESTIONS, "A") for hit in key["hits"]}
        write_json(
            tmp_path / f"answers_{name}.json", {"study": "abcd", "annotator": name, "answers": answers}
        )
    done = launch(f"--collect={tmp_path}/answers_*.json", f"--key={tmp_path}/key.json")
    assert done.returncode == 0, done.stderr
    assert "| A: ours | 50.0% (61.6%) |" in done.stdout and "| all agree | 100.0% (29.6%) |" in done.stdout
    (tmp_path / "answers_cid.json").write_text('{"study": "ab')
    done = launch(f"--collect={tmp_path}/answers_*.json", f"--key={tmp_path}/key.json")
    assert done.returncode == 1 and "answers_cid.json is not valid JSON" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_flags_and_runs_end_in_a_line(tmp_path):
    assert "--key" in launch("--collect=x.json").stderr
    assert "--out" in launch("--runs=a,b").stderr
    done = launch("--runs=a", f"--out={tmp_path}")
    assert done.returncode == 1 and "pass --runs=A,B" in done.stderr
