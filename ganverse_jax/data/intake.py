"""What reading leaves out, and notes of what it takes: told once, and counted in a stage's summary."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ganverse_jax.runtime.names import legible

DANGLING, UNREADABLE, NO_FILE, HIDDEN = "dangling", "unreadable", "no regular file", "hidden"
LINKED_AGAIN = "a folder that was seen before"
NAMED = 5  # names of a reason that are told


class Intake:
    """Counts by reason of what a reader left out, and by note of what it took, each with its first names.

    A reason is one of the above, a file's ending (".tif") or the caller's; a note reads on from a number.
    """

    def __init__(self):
        self.left_out: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self._names: dict[str, list[str]] = {}

    def leave_out(self, reason: str, *names: object, count: int | None = None) -> None:
        """Count the names, or `count` without names, as left out for the reason."""
        self._add(self.left_out, reason, names, count)

    def note(self, note: str, *names: object, count: int | None = None) -> None:
        """Count the names, or `count` without names, as taken with the note."""
        self._add(self.notes, note, names, count)

    def _add(self, counter: Counter[str], key: str, names: tuple[object, ...], count: int | None) -> None:
        counter[key] += len(names) if count is None else count
        first = self._names.setdefault(key, [])
        first += map(legible, names[: NAMED - len(first)])

    def left_out_by(self, path: Path, name: str) -> bool:
        """Whether `path` is no file to read from, which is counted as `name`, a link with its aim."""
        try:
            os.stat(path)
        except OSError:
            broken = path.is_symlink()
            told = f"{name} -> {os.readlink(path)}" if broken else name
            self.leave_out(DANGLING if broken else UNREADABLE, told)
            return True
        if not path.is_file():
            self.leave_out(NO_FILE, name)
            return True
        return False

    def told(self) -> str:
        """All that was left out, by reason."""
        return ", ".join(f"{n} {key}{self._named(key)}" for key, n in self.left_out.items() if n)

    def lines(self) -> list[str]:
        """What to print: a line of all that was left out, and one per note."""
        left_out = [f"left out: {self.told()}"] * bool(self.left_out.total())
        return left_out + [f"{n} {key}{self._named(key)}" for key, n in self.notes.items() if n]

    def summary(self) -> dict[str, Any]:
        """For a stage's summary.json."""
        return {
            name: {key: n for key, n in counter.items() if n}
            for name, counter in (("left_out", self.left_out), ("notes", self.notes))
        }

    def _named(self, key: str) -> str:
        names, count = self._names[key], self.left_out[key] or self.notes[key]
        if not names or key.startswith("."):
            return ""
        return f" ({', '.join(names)}{', ...' * (count > len(names))})"


def files_under(folder: Path, intake: Intake) -> Iterator[Path]:
    """Every name in a folder and those within, links followed, each folder once; folders that cannot be read
    are left out."""

    def unreadable(error: OSError) -> None:
        intake.leave_out(UNREADABLE, f"{os.path.relpath(error.filename, folder)}/")

    seen = set()
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=unreadable):
        real = os.path.realpath(parent)
        if real in seen:  # a link that leads back would go on for ever
            intake.leave_out(LINKED_AGAIN, f"{os.path.relpath(parent, folder)}/")
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        yield from (Path(parent) / name for name in sorted(names))
