"""One holder at a time, with fcntl and, where that is missing, with Windows' own lock."""

import importlib
import sys
import types

import pytest

from ganverse_jax.runtime import lock


class Windows(types.ModuleType):
    """msvcrt as far as it is called: a byte of a file is held by one file number."""

    LK_NBLCK = 2

    def __init__(self):
        super().__init__("msvcrt")
        self.holder = None

    def locking(self, number, mode, count):
        assert (mode, count) == (self.LK_NBLCK, 1)
        if self.holder not in (None, number):
            raise PermissionError(13, "Permission denied")
        self.holder = number


@pytest.fixture(params=["fcntl", "msvcrt"])
def hold(request, monkeypatch):
    if request.param == "msvcrt":
        monkeypatch.setitem(sys.modules, "fcntl", None)
        monkeypatch.setitem(sys.modules, "msvcrt", Windows())
    yield importlib.reload(lock).hold
    monkeypatch.undo()
    importlib.reload(lock)


def test_a_held_file_is_refused_to_another(hold, tmp_path):
    with open(tmp_path / "lock", "ab") as first, open(tmp_path / "lock", "ab") as second:
        hold(first)
        with pytest.raises(BlockingIOError):
            hold(second)
