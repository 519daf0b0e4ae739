"""benchmarks.on_gpu: whatever a part does, the others run, and what was measured is kept."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import on_gpu

ROOT = Path(__file__).parents[2]
DEVICE = {
    "device": "Some GPU",
    "platform": "gpu",
    "commit": "abc",
    "jax": "1",
    "cores": 1,
    "cpu": "x",
    "date": "d",
}
LEAVE_ROWS = "import json, sys; json.dump({'rows': json.loads(sys.argv[2])}, open(sys.argv[1], 'w'))"


def part(tmp_path, name, rows, then="", share=1.0):
    """A part that leaves rows and then does something else."""
    command = ("-c", f"{LEAVE_ROWS}; {then}", str(tmp_path / f"{name}.json"), json.dumps(rows))
    return on_gpu.Part(name, name, share, command, f"{name}.json")


def stored(tmp_path):
    return json.loads((tmp_path / "on_gpu_Some_GPU.json").read_text())["parts"]


def test_a_part_that_fails_or_hangs_is_told_and_the_next_one_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(on_gpu, "LEAST_SECONDS", 0.0)  # however long the others take here
    parts = [
        part(tmp_path, "broken", [{"ms": 1.0}], "sys.exit('no such kernel')"),
        # With all that it starts: a program's cases are processes of their own.
        part(
            tmp_path, "hanging", [{"ms": 2.0}], "import subprocess as s; s.run(['sleep', '600'])", share=0.01
        ),
        part(tmp_path, "half", [{"ms": 3.0}, {"error": "out of memory"}]),
        part(
            tmp_path,
            "sound",
            [{"ms": 4.0, "kernels": [{"name": "dot", "share": 0.9}], "work": "w", "dtype": "f"}],
        ),
    ]
    on_gpu.run(parts, tmp_path, 600, DEVICE)
    records = stored(tmp_path)
    assert {name: record["state"] for name, record in records.items()} == {
        "broken": "failed", "hanging": "out of time", "half": "failed", "sound": "done"
    }  # fmt: skip
    assert records["broken"]["reason"] == "ended with 1: no such kernel"
    assert records["half"]["reason"] == "1 of 2 rows; the first: out of memory"
    assert [record["rows"][0]["ms"] for record in records.values()] == [1.0, 2.0, 3.0, 4.0]
    page = (tmp_path / "on_gpu_Some_GPU.md").read_text()
    assert "no such kernel" in page and "| 2 " in page and "| dot | 0.9 |" in page


def test_the_same_command_runs_what_is_not_done_and_loses_no_rows(tmp_path):
    on_gpu.run([part(tmp_path, "one", [{"ms": 1.0}])], tmp_path, 60, DEVICE)
    on_gpu.run([part(tmp_path, "two", [{"ms": 2.0}], "sys.exit(3)")], tmp_path, 60, DEVICE)
    again = [part(tmp_path, "one", [{"ms": 9.0}]), part(tmp_path, "two", [], "sys.exit(4)")]
    on_gpu.run(again, tmp_path, 60, DEVICE)
    records = stored(tmp_path)
    assert records["one"]["rows"] == [{"ms": 1.0}]  # not run again
    assert records["two"]["rows"] == [{"ms": 2.0}]  # run again, with less to show for it
    on_gpu.run([part(tmp_path, "two", [{"ms": 3.0}])], tmp_path, 60, DEVICE)
    assert stored(tmp_path)["two"] | {"rows": [{"ms": 3.0}], "state": "done"} == stored(tmp_path)["two"]


def test_another_commit_begins_anew(tmp_path):
    for commit in ("abc", "def"):
        device = DEVICE | {"commit": commit}
        on_gpu.run([part(tmp_path, commit, [{"ms": 1.0}])], tmp_path, 60, device)
    assert list(stored(tmp_path)) == ["def"]


def test_without_time_a_part_does_not_begin(tmp_path):
    record = on_gpu.run([part(tmp_path, "late", [{"ms": 1.0}])], tmp_path, 0, DEVICE)["late"]
    assert (record["state"], record["reason"]) == ("not begun", "no time was left")


def test_tests_are_rows_and_tests_that_were_all_skipped_are_no_success(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_a(): pytest.skip('no GPU')\ndef test_b(): assert 1 + 1 == 3\n"
    )
    xml = tmp_path / "tests.xml"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={xml}", "-q", "."]
    ended = subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL, check=False).returncode
    rows = on_gpu.rows_of(xml)
    assert "no GPU" in rows[0]["skipped"] and "assert (1 + 1) == 3" in rows[1]["error"]
    assert on_gpu.judged(ended, rows, 1.0, "")[1].startswith("1 of 2 rows; the first: assert")
    assert on_gpu.judged(0, rows[:1], 1.0, "") == ("failed", "nothing was measured: no GPU")


def small(out, *flags):
    command = [sys.executable, "-m", "benchmarks.on_gpu", "--small", f"--out={out}", "--minutes=60", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_an_unknown_part_is_named(tmp_path):
    done = small(tmp_path, "--only=rasterizer,gan")
    assert done.returncode == 1 and "no part is called gan; there are tests, rasterizer, " in done.stderr


def records_of(out):
    return json.loads((out / "small/on_gpu_cpu.json").read_text())["parts"]


def test_the_command_compares_a_kernel_with_the_reference(tmp_path):
    done = small(tmp_path, "--only=rasterizer")
    assert "no GPU here" in done.stdout and done.returncode == 0, done.stdout + done.stderr
    agreeing, timed = records_of(tmp_path)["rasterizer"]["rows"]
    # Colours are within a few float32 roundings of brute force, gradients within sums of them.
    assert agreeing["differing"] == 0.0 and agreeing["rgb_error"] < 1e-3
    assert agreeing["vertices_gradient_error"] < 1e-2 and agreeing["texture_gradient_error"] < 1e-2
    assert timed["forward_ms"] > 0


@pytest.mark.slow
def test_every_part_runs_at_a_tiny_size(tmp_path):
    done = small(tmp_path)
    records = records_of(tmp_path)
    states = {name: (record["state"], record["reason"]) for name, record in records.items()}
    assert set(states.values()) == {("done", "")}, f"{states} {done.stderr}"
    by_work = {row["work"]: row for row in records["paper_step"]["rows"]}
    assert by_work["step"]["seconds"] > 0 and by_work["profile"]["kernels"]
    assert all(row["peak_gb"] > 0 for row in records["memory"]["rows"])
    assert [row["images_per_second"] > 0 for row in records["toy_gan"]["rows"]] == [True]


@pytest.mark.parametrize("wrong", ["nan", "inf", "0", "-3", "soon"])
def test_minutes_that_are_no_number_above_0_are_refused(tmp_path, monkeypatch, capsys, wrong):
    monkeypatch.setattr(on_gpu, "run", lambda *_: pytest.fail("it began"))
    monkeypatch.setattr(sys, "argv", ["on_gpu", f"--minutes={wrong}", f"--out={tmp_path / 'out'}"])
    with pytest.raises(SystemExit, match="2"):
        on_gpu.main()
    assert "--minutes" in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert on_gpu.minutes("0.5") == 0.5
