"""Faults of the machine, which are not to be blamed on the file that was being read when they came."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator

_ERRNOS = {
    getattr(errno, name)
    for name in "EACCES EPERM EFBIG EIO EMFILE ENFILE ENOMEM ENOSPC EDQUOT EROFS ESTALE".split()
}


def raise_if_machines(error: Exception) -> None:
    """Raise `error` again if it is of memory, permissions, disks, open files or a package that is missing."""
    if isinstance(error, MemoryError | ImportError):
        raise error
    if isinstance(error, OSError) and error.errno in _ERRNOS:
        raise error


@contextlib.contextmanager
def writing(path: str | os.PathLike) -> Iterator[None]:
    """Tell an error of the system's as an OSError of `path`: where it names no file, as that of a full disk,
    and where a library in another language tells it by number or in words."""
    try:
        yield
    except Exception as error:
        number = _number(error)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


def _number(error: Exception) -> int | None:
    """The system's number of an error that names no file."""
    if isinstance(error, OSError):
        return error.errno if error.filename is None else None
    told = re.search(r"os[ _]error(?:_code=')? ?(\d+)", str(error))  # safetensors, tensorstore
    numbers = [int(told[1])] if told else [one for one in _ERRNOS if os.strerror(one) in str(error)]
    return next(iter(numbers), None)
