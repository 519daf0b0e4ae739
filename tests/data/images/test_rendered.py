"""Claims about the file of a world's images: whole or not there, whatever ends its making."""

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ganverse_jax.data.images.rendered import materialize
from ganverse_jax.runtime import lock
from tests.faults.full_disk import Disk


class Grey:
    """A world of grey pictures, each as bright as its number."""

    resolution, settings = 16, {"world": "grey"}

    def render(self, rows):
        return {"image": np.broadcast_to(rows[:, None, None, None], (len(rows), 16, 16, 3)).astype(np.uint8)}


def test_images_are_those_of_the_world_from_a_map_of_the_file(tmp_path):
    images = materialize(Grey(), 10, tmp_path / "a.npy", chunk=4)
    assert isinstance(images, np.memmap) and images.shape == (10, 16, 16, 3)
    np.testing.assert_array_equal(images[:, 3, 5, 1], np.arange(10))


def test_a_full_disk_ends_in_an_error_of_the_file_and_leaves_nothing(tmp_path):
    """Into a memory map it would end the process (SIGBUS), without a word."""
    disk = Disk(str(tmp_path))
    disk.fill()
    try:
        with pytest.raises(OSError) as caught:
            materialize(Grey(), 10, tmp_path / "a.npy")
    finally:
        disk.free()
    assert caught.value.errno == errno.EFBIG and str(tmp_path / "a.npy") in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_a_killed_run_left_is_removed_and_another_runs_file_is_not(tmp_path):
    (tmp_path / "a.npy.7.part").write_bytes(b"left")
    with open(tmp_path / "a.npy.8.part", "wb") as another:
        lock.hold(another)
        materialize(Grey(), 10, tmp_path / "a.npy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npy", "a.npy.8.part", "a.npy.json"]


def test_a_cut_file_is_named_with_the_remedy(tmp_path):
    materialize(Grey(), 10, tmp_path / "a.npy")
    path = tmp_path / "a.npy"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"a\.npy is damaged .*; delete it, it is made again"):
        materialize(Grey(), 10, path)


def test_the_suite_full_disk_refuses_a_write_of_any_library(tmp_path):
    """What the other claims rest on: the system itself refuses, in a process of its own."""
    code = "import sys; print(open(sys.argv[1], 'wb', 0).write(b'a'))"
    (tmp_path / "m.py").write_text(code)
    command = [sys.executable, "-m", "tests.faults.full_disk", "1", str(tmp_path), "m", str(tmp_path / "a")]
    root = Path(__file__).parents[3]
    done = subprocess.run(
        command, cwd=root, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 1 and "OSError: [Errno 27]" in done.stderr
