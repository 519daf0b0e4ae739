"""Faults of the machine are told as that, not as a damage of the file that was being read."""

import errno

import numpy as np
import pytest

from ganverse_jax.runtime.checkpoint import read_npz, write_npz
from ganverse_jax.runtime.machine import raise_if_machines


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        ImportError("no scipy"),
        PermissionError(errno.EACCES, "denied"),
        OSError(errno.EIO, "I/O"),
    ],
)
def test_memory_permissions_disks_and_packages_are_the_machines(error):
    with pytest.raises(type(error)) as caught:
        raise_if_machines(error)
    assert caught.value is error


@pytest.mark.parametrize(
    "error", [ValueError("header"), OSError("truncated"), EOFError(), RuntimeError("odd")]
)
def test_what_a_broken_file_makes_a_reader_raise_is_not(error):
    raise_if_machines(error)


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    write_npz(tmp_path / "a.npz", x=np.ones(3))

    def denied(*arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "a.npz"))

    monkeypatch.setattr(np, "load", denied)
    with pytest.raises(PermissionError, match="a.npz"):
        read_npz(tmp_path / "a.npz")
