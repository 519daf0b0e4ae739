"""Claims about runs of several processes, on this machine: one run's files and figures, one end for all."""

import signal
import time

import numpy as np
import pytest

from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.runtime.loop import Metrics
from ganverse_jax.runtime.step_checkpoints import Checkpoints
from tests.pipeline import three_stages
from tests.pipeline.processes import ended, started, two

COMMAND = "tests.pipeline.three_stages"


def after_steps(workdir, count) -> None:
    """Wait until a training has logged so many steps."""
    for _ in range(3000):
        if len(Metrics(workdir).read()) >= count:
            return
        time.sleep(0.1)
    raise AssertionError(f"{count} steps were not logged in five minutes")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process leaves."""
    workdir = tmp_path_factory.mktemp("alone")
    three_stages.pipeline(workdir).run()
    return workdir


def assert_same(workdir, alone):
    """Only the order of summation over sixteen float32 numbers differs, in thirty steps."""
    found, expected = (Metrics(folder).read() for folder in (workdir, alone))
    assert [row["step"] for row in found] == [row["step"] for row in expected]
    np.testing.assert_allclose(*([row["loss"] for row in rows] for rows in (found, expected)), rtol=1e-5)
    weights = (read_json(folder / "learned" / "summary.json")["weight"] for folder in (workdir, alone))
    np.testing.assert_allclose(*weights, rtol=1e-5)


def test_two_processes_leave_what_one_leaves_and_the_first_tells(tmp_path, alone):
    pytest.importorskip("tensorboardX", reason="pip install tensorboardX")
    (first, told, _), (second, silent, _) = ended(two(COMMAND, f"--workdir={tmp_path}", "--sink=tensorboard"))
    assert (first, second) == (0, 0)
    assert [line.split()[0] for line in told.splitlines() if "done in" in line] == [
        "[made]",
        "[learned]",
        "[read]",
    ]
    line, *others = silent.splitlines()
    assert line == "process 1 of 2: the first tells how it goes"
    assert all(other.startswith("[Gloo]") for other in others)
    assert_same(tmp_path, alone)
    assert "processes 2\n" in (tmp_path / "versions.txt").read_text()
    assert len(list((tmp_path / "tensorboard" / "learned").iterdir())) == 1


def test_a_run_that_was_stopped_and_killed_goes_on_in_any_number_of_processes(tmp_path, alone):
    both = two(COMMAND, f"--workdir={tmp_path}", "--pause=0.2")
    after_steps(tmp_path, 3)
    both[1].send_signal(signal.SIGTERM)
    assert [status for status, *_ in ended(both)] == [143, 143]
    checkpoints = Checkpoints(tmp_path / "checkpoints" / "learned")
    stopped = checkpoints.latest_step()
    checkpoints.close()
    assert stopped % 10 and stopped == Metrics(tmp_path).read()[-1]["step"]  # no step that is saved anyway
    both = two(COMMAND, f"--workdir={tmp_path}", "--pause=0.2")
    after_steps(tmp_path, stopped + 2)
    both[1].kill()
    (status, told, errors), (killed, *_) = ended(both)
    assert killed == -signal.SIGKILL and status
    assert f"resumed from step {stopped}" in told
    assert "another process of this run has ended" in errors or "another task died" in errors
    three_stages.pipeline(tmp_path, num_devices=4).run()
    assert_same(tmp_path, alone)


def test_what_ends_one_process_ends_all_with_its_reason(tmp_path):
    workdirs = [f"--workdir={tmp_path / name}" for name in "ab"]
    (first, _, told), (second, _, reason) = ended(two(COMMAND, own=workdirs))
    assert (first, second) == (1, 1)
    line = "process 1 does not see in " + str(tmp_path / "b") + " what the first one writes there; give"
    assert f"error: {line}" in reason and f"process 1 ended: error: {line}" in told


def test_a_process_that_was_given_other_settings_ends_all(tmp_path):
    own = ("--stages=made", "--stages=learned")
    (first, _, told), (second, *_) = ended(two(COMMAND, f"--workdir={tmp_path}", own=own))
    assert (first, second) == (1, 1) and not (tmp_path / "made").exists()
    assert (
        "process 1 ended: error: process 1 was given other settings than the first; give all the same" in told
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--distributed"], "--distributed: coordinator_address should be defined. Without SLURM, Open"),
        (["--distributed", "--coordinator=here"], "--coordinator=here names no port; give HOST:PORT"),
        (
            ["--process_id=1"],
            "--process_id is given without --distributed; add that, or leave it out",
        ),
    ],
)
def test_flags_that_make_no_process_of_several_are_answered_in_a_line(tmp_path, flags, message):
    ((status, _, errors),) = ended([started(COMMAND, f"--workdir={tmp_path}", *flags)])
    assert status == 1 and "Traceback" not in errors and errors.startswith(f"error: {message}")
