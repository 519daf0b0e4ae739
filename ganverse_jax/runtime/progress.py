"""Progress with an estimate of the time left: a live bar on a terminal, plain lines in a log."""

import sys
import time
from types import TracebackType

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Counts ``total`` items of the work ``name``; use as a context manager and call :meth:`update`.

    Args: first: items that were done before (a resumed run); unit: what is counted, in the plural.
    """

    def __init__(self, name: str, total: int, *, first: int = 0, unit: str = "steps"):
        self.name, self.total, self.first, self.unit = name, total, first, unit
        self._bar = None

    def __enter__(self) -> "Progress":
        self._started = self._printed = time.monotonic()
        if sys.stdout.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            text = TextColumn("[{task.description}]"), TextColumn("{task.fields[note]}")
            self._bar = Bar(text[0], BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), text[1])
            self._bar.start()
            self._task = self._bar.add_task(self.name, total=self.total, completed=self.first, note="")
        return self

    def update(self, done: int, note: str = "", *, show: bool = False) -> None:
        """``done`` items are finished; ``note`` (figures) stands beside; ``show`` prints a line for sure."""
        if self._bar is not None:
            extra = {"note": note} if note else {}
            self._bar.update(self._task, completed=done, **extra)
            return
        now = time.monotonic()
        if show or now - self._printed > _SECONDS_BETWEEN_LINES:
            self._printed = now
            rate = (done - self.first) / max(now - self._started, 1e-9)
            left = _duration((self.total - done) / rate) if rate > 0 else "?"
            line = f"[{self.name}] {done}/{self.total} {self.unit}  {rate:.3g}/s  {left} left  {note}"
            print(line.rstrip(), flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
