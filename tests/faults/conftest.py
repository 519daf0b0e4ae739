"""One undisturbed run for all the suite, and what it took."""

import time

import pytest

from tests.faults.tiny_run import followed, started


class Undisturbed:
    """A whole run in `workdir`: seconds until its first stage began, and until it ended."""

    def __init__(self, workdir):
        self.workdir, times, begun = workdir, [], time.monotonic()
        for name in ("compiling", "timed"):  # the first fills the cache of compiled programs
            begun, times, target = time.monotonic(), [], workdir / name
            if name == "timed":
                target.mkdir()
                (workdir / "compiling" / "cache").rename(target / "cache")
            process = started(target)
            output = followed(process, lambda line, times=times: times.append(time.monotonic()))
            assert process.returncode == 0, output[-3000:]
        self.workdir, self.first, self.total = workdir / "timed", times[0] - begun, times[-1] - begun


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    return Undisturbed(tmp_path_factory.mktemp("undisturbed"))
