"""What error messages tell a person to do about a stage, whatever --stages the failing command named."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


def _any_kind(path: Path) -> None:
    """For what only its own stage can look at."""


def absent(
    setting: str, path: str | Path, how_to_get: str, look: Callable[[Path], Any] = _any_kind
) -> list[str]:
    """A line when nothing lies at the path that a setting names, or something of another kind; else none.

    look: a reader that raises ValueError for another kind and takes a fraction of a second, whatever the size
    (`shapes_only` of the readers of weights).
    """
    if not str(path) or not Path(path).exists():
        return [f"{setting}: nothing at {str(path)!r}; {how_to_get}"]
    try:
        look(Path(path))
    except (ValueError, FileNotFoundError) as error:  # the latter: of a folder that lacks a file
        return [f"{setting}: {error}" + f"; {how_to_get}" * (how_to_get not in str(error))]
    return []


def check_all_there(lines: Iterable[str]) -> None:
    """Raise FileNotFoundError with all the lines of :func:`absent`, once each, unless there are none."""
    told = list(dict.fromkeys(lines))
    if told:
        lines = "".join(f"\n  {line}" for line in told)
        raise FileNotFoundError(f"what this command will need is not there, so nothing was begun:{lines}")


def make_again(workdir: Path, *stages: str) -> str:
    """To make the first of `stages` again, and then the others, which were made from it, and the report."""
    folders = " and ".join(str(Path(workdir) / stage) for stage in stages)
    return f"delete {folders} and {make(*stages, 'report')}"


def make(*stages: str) -> str:
    """To run stages that the failing command may have left out."""
    return f"run launch.train without --stages, or with --stages={','.join(stages)}"
