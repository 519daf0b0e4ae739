"""One holder of a file at a time; the system frees it when the process ends, however it ends."""

from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt


def hold(file: IO[bytes]) -> None:
    """Hold an open file's lock until it is closed; BlockingIOError where another open file holds it."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    file.seek(0)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except PermissionError as error:  # so it says that another holds it
        raise BlockingIOError(*error.args) from error
