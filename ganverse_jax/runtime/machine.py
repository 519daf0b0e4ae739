"""Faults of the machine, which are not to be blamed on the file that was being read when they came."""

import errno

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
