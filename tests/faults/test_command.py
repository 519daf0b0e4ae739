"""Claims about faults that meet the real command in mid-run: it ends in a line that says what to do, or goes
on, and then with the figures of an undisturbed run. Kills and full disks have files of their own."""

import os
import random
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.faults.tiny_run import (
    assert_same,
    copied,
    followed,
    run_to_the_end,
    started,
    stopped_after,
)

pytestmark = pytest.mark.slow
LAST = "inverse_graphics"  # of the stages that these runs make: test_kills.py makes all
ONLY = f"--stages={LAST}"


@pytest.fixture
def trained_half(undisturbed, tmp_path) -> Path:
    """A run that was killed in its first training, some steps after a checkpoint."""
    workdir = copied(undisturbed.workdir, tmp_path / "run", until="inverse_graphics")
    stopped_after(workdir, "[inverse_graphics] 8/12 steps", ONLY)
    return workdir


@pytest.mark.parametrize(
    ("line", "status"), [("[inverse_graphics] 4/12 steps", 143), ("[multiview_dataset] 10/24", -15)]
)
def test_a_run_that_was_told_to_stop_goes_on(undisturbed, tmp_path, line, status):
    workdir = copied(undisturbed.workdir, tmp_path / "run", until=line[1 : line.index("]")])
    chosen = f"--stages=multiview_dataset,{LAST}"
    output = stopped_after(workdir, line, chosen, sent=signal.SIGTERM)
    assert "Traceback" not in output
    later = run_to_the_end(workdir, chosen)
    if status == 143:  # after the very step, whatever save_every is
        assert re.search(r"\[inverse_graphics\] resumed from step ([4-9]|10)\n", later)
    assert_same(workdir, undisturbed.workdir, LAST)


def test_a_second_command_on_the_workdir_ends_in_a_line_and_the_first_goes_on(undisturbed, tmp_path):
    workdir, told = copied(undisturbed.workdir, tmp_path / "run", until=LAST), []

    def on_line(line: str) -> None:
        if line == f"[{LAST}] begins":
            second = started(workdir, ONLY)
            told.append((followed(second), second.returncode))

    first = started(workdir, ONLY)
    output = followed(first, on_line)
    assert first.returncode == 0, output[-3000:]
    ((line, status),) = told
    assert status == 1 and line.startswith(f"error: another run is working in {workdir}; wait for it, or use")
    assert_same(workdir, undisturbed.workdir, LAST)


@pytest.mark.parametrize("harm", ["cut", "changed", "a file gone"])
def test_a_damaged_newest_checkpoint_is_told_and_the_one_before_serves(undisturbed, trained_half, harm):
    steps = trained_half / "checkpoints" / "inverse_graphics"
    newest = max((path for path in steps.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))
    files = [path for path in newest.rglob("*") if path.is_file() and path.stat().st_size > 100]
    largest = max(files, key=lambda path: path.stat().st_size)
    data = largest.read_bytes()
    if harm == "cut":
        for path in files:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif harm == "changed":
        largest.write_bytes(data[:-40] + bytes(byte ^ 255 for byte in data[-40:]))
    else:
        largest.unlink()
    output = run_to_the_end(trained_half, ONLY)
    assert f"checkpoint {newest} is damaged (" in output and f"set aside as {steps}/damaged_" in output
    assert_same(trained_half, undisturbed.workdir, LAST)


@pytest.mark.parametrize("harm", ["deleted", "cut"])
def test_a_shard_that_was_lost_in_mid_run_is_named_and_the_remedy_serves(undisturbed, trained_half, harm):
    shard = next(trained_half.glob("multiview/*/*/*train*array_record-00001*"))
    if harm == "deleted":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:-100])
    process = started(trained_half, ONLY)
    output = followed(process)
    line = output.splitlines()[-2]
    assert process.returncode == 1 and line.startswith(f"error: {shard} ") and "Traceback" not in output
    folders = re.search(r"; delete (.*?) and run launch.train without --stages", line)[1].split(" and ")
    for folder in folders:
        assert Path(folder).parent == trained_half
        shutil.rmtree(folder)
    run_to_the_end(trained_half, f"--stages=multiview_dataset,{LAST}")
    assert_same(trained_half, undisturbed.workdir, LAST)


def test_a_clock_that_jumps_and_files_of_any_date_change_nothing(undisturbed, trained_half):
    moments = random.Random(0)
    for path in trained_half.rglob("*"):
        os.utime(path, times=(moments.uniform(0, 4e9),) * 2)
    process = started(trained_half, ONLY, through=("tests.faults.clock", "0"))
    output = followed(process)
    assert process.returncode == 0 and "[inverse_graphics] resumed from step 6" in output, output[-3000:]
    assert_same(trained_half, undisturbed.workdir, LAST)


@pytest.fixture
def read_only(tmp_path):
    """read_only(folder): that it, and what lies in it, can be read alone."""
    mounted = []

    def protect(folder: Path) -> None:
        if os.geteuid():
            for path in [folder, *folder.rglob("*")]:
                path.chmod(0o555 if path.is_dir() else 0o444)
            return
        for options in ("bind", "remount,bind,ro"):  # permissions do not bind root
            done = subprocess.run(["mount", "-o", options, folder, folder], capture_output=True)
            if done.returncode:
                pytest.skip(f"no folder may be made read-only here ({done.stderr.decode().strip()})")
            mounted[:] = [folder]

    yield protect
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def test_a_workdir_that_may_only_be_read_is_named_with_its_remedy(undisturbed, trained_half, read_only):
    read_only(trained_half)
    process = started(trained_half, ONLY)
    output = followed(process)
    assert process.returncode == 1 and "Traceback" not in output
    assert str(trained_half) in output and "give as --workdir a folder that can be written" in output
