"""A run's workdir: who works in it, and what its records say."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ganverse_jax.runtime import hosts, lock
from ganverse_jax.runtime.checkpoint import read_json

FORMAT = 2  # of config.json and of the digests; settings of another one cannot be compared


@contextlib.contextmanager
def only_run(workdir: Path) -> Iterator[None]:
    """Hold the lock of the workdir, which is made if absent; ValueError when another run holds it.

    The first process of a run of several holds it; the system frees it on a kill. ValueError, too, in
    another one that does not see the file. PermissionError for a folder that may not be written.
    """
    if workdir.exists() and not workdir.is_dir():
        raise NotADirectoryError(f"{workdir} is a file; name a folder, which may be new, as --workdir")
    with _lock_file(workdir) as file:
        if hosts.is_first():
            try:
                lock.hold(file)
            except BlockingIOError as error:
                raise ValueError(
                    f"another run is working in {workdir}; wait for it, or use another --workdir"
                ) from error
        hosts.check_shared(workdir / ".lock")
        yield


def _lock_file(workdir: Path) -> IO[bytes]:
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        return open(workdir / ".lock", "ab")
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise PermissionError(
            f"{workdir} cannot be written ({error.strerror}); give as --workdir a folder that can be written"
        ) from error


def read_marker(path: Path) -> dict[str, Any]:
    """A stage's DONE.json or BEGUN.json; ValueError, with the remedy, where it names no digest."""
    content = read_json(path)
    if not isinstance(content, dict) or "digest" not in content:
        raise ValueError(f"{path} names no digest; delete {path.parent} and run its stage again")
    return content


def recorded_config(workdir: Path) -> dict[str, Any]:
    """The plain sections of the experiment that made a workdir; {} where nothing was made yet.

    Raises ValueError for a workdir of another version, whose settings cannot be compared with these.
    """
    path = workdir / "config.json"
    remedy = "put it back, or use a new --workdir"
    content = read_json(path, remedy=remedy) if path.exists() else {"format": FORMAT}
    found = content.pop("format", 1) if isinstance(content, dict) else None
    if found != FORMAT:
        raise ValueError(
            f"{workdir} was made by another version of this program (config.json of format {found}, here "
            f"{FORMAT}), whose settings cannot be compared with these; use a new --workdir"
        )
    return content
