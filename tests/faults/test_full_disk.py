"""Claims about a disk that fills up at any write: an error, nothing finished lost, and the same command ends
like an undisturbed run. GANVERSE_FAULT_SEED says which writes."""

import errno
import os
import random
import re
import shutil
import subprocess

import numpy as np
import pytest

from ganverse_jax.data.multiview import shards
from ganverse_jax.runtime import checkpoint
from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.runtime.loop import Metrics
from tests.faults.full_disk import Disk
from tests.faults.tiny_run import assert_same, copied, followed, run_to_the_end, started
from tests.pipeline import three_stages

SEED = int(os.environ.get("GANVERSE_FAULT_SEED", "0"))
MOMENTS = int(os.environ.get("GANVERSE_FULL_DISKS", "8"))  # of the real command
SIZES = (4, 9, 20, 40, 70)  # MiB of a real file system, which fills up in one stage or another


WRITERS = {
    "a.txt": lambda path: checkpoint.write_text(path, "new"),
    "a.png": lambda path: checkpoint.write_png(path, np.zeros((8, 8, 3), np.uint8)),
    "a.jpg": lambda path: checkpoint.write_jpeg(path, np.zeros((8, 8, 3), np.uint8)),
    "a.npz": lambda path: checkpoint.write_npz(path, a=np.arange(9)),
    "a.safetensors": lambda path: checkpoint.save_weights(path, {"a": np.arange(9)}, {}),
    "metrics.jsonl": lambda path: Metrics(path.parent).write("gan", 3, loss=1.0),
    "a.array_record": lambda path: shards.write_shard(path, RECORDS, shards.features((8, 8), 3)),
}
RECORD = {"object_id": 1, "view_id": 0, "content_seed": 5, "w_star": np.zeros(3, np.float32)}
PICTURES = {"image": np.zeros((8, 8, 3), np.uint8), "mask": np.zeros((8, 8), np.uint8)}
RECORDS = [RECORD | {name: shards.encode_png(array) for name, array in PICTURES.items()}]


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_finds_no_space_is_named_and_the_former_one_stays(tmp_path, name):
    path = tmp_path / name
    path.write_text("former\n")
    disk = Disk(str(tmp_path))
    disk.fill()
    try:
        with pytest.raises(OSError) as caught:
            WRITERS[name](path)
    finally:
        disk.free()
    assert caught.value.errno == errno.EFBIG and str(path) in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [name] and path.read_text() == "former\n"
    WRITERS[name](path)
    assert path.stat().st_size > 7 or path.read_text() == "new"


def _whole(workdir) -> tuple:
    rows = [row for row in Metrics(workdir).read() if row["stage"] == "learned"]
    return read_json(workdir / "learned" / "summary.json"), rows


@pytest.fixture(scope="module")
def undisturbed_small(tmp_path_factory):
    """Of a run of seconds: what it leaves, and how often it writes."""
    workdir = tmp_path_factory.mktemp("small")
    disk = Disk(str(workdir))
    three_stages.pipeline(workdir).run()
    disk.free()
    return _whole(workdir), disk.writes


def _full_at(workdir, write: int, expected) -> bool:
    """Whether the disk, full at that write, ended a run of seconds, which then goes on to the same end."""
    disk = Disk(str(workdir), write)
    try:
        three_stages.pipeline(workdir).run()
        failed = False
    except OSError as error:
        failed = True
        assert error.errno == errno.EFBIG
    finally:
        disk.free()
    finished = [path.parent.name for path in workdir.glob("*/DONE.json")]
    for name in finished:
        assert read_json(workdir / name / "DONE.json")["digest"]
    if "made" in finished:  # that stage refuses to be run twice
        assert (workdir / "made" / "numbers.json").is_file()
    elif (workdir / "made").exists():
        (workdir / "made" / "numbers.json").unlink(missing_ok=True)
    three_stages.pipeline(workdir).run()
    assert _whole(workdir) == expected
    return failed


def test_a_disk_that_is_full_at_a_write_ends_a_run_which_then_goes_on(tmp_path, undisturbed_small):
    expected, writes = undisturbed_small
    chosen = sorted(random.Random(SEED).sample(range(1, 3 * writes // 4), 6))
    assert [_full_at(tmp_path / str(write), write, expected) for write in chosen] == [True] * 6


@pytest.mark.slow
def test_a_disk_may_be_full_at_any_write(tmp_path, undisturbed_small):
    expected, writes = undisturbed_small
    failed = [_full_at(tmp_path / str(write), write, expected) for write in range(1, writes + 1)]
    assert sum(failed) > 0.8 * writes  # the last writes are renames, which take no space


def _told(output: str) -> str:
    """The one line at the end of a command that failed."""
    line, hint = output.splitlines()[-2:]
    assert hint.startswith("(set GANVERSE_TRACEBACK=1") and line.startswith("error: "), output[-3000:]
    return line


@pytest.mark.slow
def test_the_command_goes_on_after_a_full_disk_at_random_writes(undisturbed, tmp_path):
    workdir = copied(undisturbed.workdir, tmp_path / "counted")
    counting = started(workdir, through=("tests.faults.full_disk", "0", str(workdir)))
    writes = int(re.search(r"^(\d+) writes$", followed(counting), re.MULTILINE)[1])
    moments, failed, runs = random.Random(SEED), 0, 0
    while failed < MOMENTS:
        runs += 1
        workdir, ended = copied(undisturbed.workdir, tmp_path / f"run{runs}"), False
        while not ended:
            write = str(moments.randint(1, writes))
            process = started(workdir, through=("tests.faults.full_disk", write, str(workdir)))
            output = followed(process)
            ended = process.returncode == 0
            if not ended:
                failed += 1
                assert process.returncode == 1
                print(f"full disk at write {write} of {writes}: {_told(output)}", flush=True)
                assert "File too large" in _told(output) and "the same command goes on" in _told(output)
        assert_same(workdir, undisturbed.workdir)
        shutil.rmtree(workdir)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own in memory: resize(MiB)."""
    place = tmp_path / "disk"
    place.mkdir()

    def resize(size: int) -> None:
        mounted = os.path.ismount(place)
        options = ("remount," if mounted else "") + f"size={size}m"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True)
        if done.returncode:
            pytest.skip(f"no file system may be mounted here ({done.stderr.decode().strip()})")

    yield place, resize
    if os.path.ismount(place):
        subprocess.run(["umount", place], check=True)


@pytest.mark.slow
def test_the_command_goes_on_when_a_full_file_system_has_space_again(undisturbed, small_disk):
    place, resize = small_disk
    resize(SIZES[0])
    for size in SIZES:
        resize(size)
        process = started(place / "run")
        output = followed(process)
        if process.returncode:
            print(f"{size} MiB: {_told(output)}", flush=True)
            assert process.returncode == 1 and "the disk is full: free some space" in _told(output)
    resize(512)
    run_to_the_end(place / "run")
    assert_same(place / "run", undisturbed.workdir)
