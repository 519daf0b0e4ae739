"""python -m tests.faults.full_disk WRITE FOLDER MODULE [ARGUMENTS]: a module on a disk that is full in time.

From the WRITE-th time on that it opens a file below FOLDER to write it, makes a folder there or renames,
the system refuses every byte that is written to any file, by any library (RLIMIT_FSIZE, which needs no
privilege). With WRITE 0 it never does, and how many there were is the last line.
"""

import os
import resource
import runpy
import sys

_EVENTS = {"os.mkdir": 0, "os.rename": 1}  # and which of their arguments is the new name


class Disk:
    """Counts what would be written below `folder`, and is full from the write `full_at` on (0: never).

    In this process, until `free`; an audit hook cannot be removed, so that there is one for all.
    """

    _current: "Disk | None" = None
    _hooked = False

    def __init__(self, folder: str, full_at: int = 0):
        self.folder, self.full_at, self.writes = os.path.realpath(folder), full_at, 0
        Disk._current = self
        if not Disk._hooked:
            sys.addaudithook(lambda event, arguments: Disk._current and Disk._current._saw(event, arguments))
            Disk._hooked = True

    def _saw(self, event: str, arguments: tuple) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) if isinstance(flags, int) else False
        elif event in _EVENTS:
            path, writes = arguments[_EVENTS[event]], True
        else:
            return
        if writes and isinstance(path, str | bytes | os.PathLike):
            if os.path.abspath(os.fsdecode(path)).startswith(self.folder + os.sep):
                self.writes += 1
                if self.writes == self.full_at:
                    self.fill()

    def fill(self) -> None:
        """There is no space from now on."""
        _limit(0)

    def free(self) -> None:
        """There is space again."""
        Disk._current = None
        _limit(resource.RLIM_INFINITY)


def _limit(size: int) -> None:
    """Of every file; a write beyond it fails with EFBIG, as Python ignores the signal."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


if __name__ == "__main__":
    full_at, folder, module = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    del sys.argv[1:4]
    disk = Disk(folder, full_at)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        disk.free()
        if not full_at:
            print(f"{disk.writes} writes", flush=True)
