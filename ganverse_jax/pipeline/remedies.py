"""What error messages tell a person to do about a stage, whatever --stages the failing command named."""

from collections.abc import Iterable
from pathlib import Path


def absent(setting: str, path: str | Path, how_to_get: str) -> list[str]:
    """A line when nothing lies at the path that a setting names; none where something does."""
    if str(path) and Path(path).exists():
        return []
    return [f"{setting}: nothing at {str(path)!r}; {how_to_get}"]


def check_all_there(lines: Iterable[str]) -> None:
    """Raise FileNotFoundError with all the lines of :func:`absent`, once each, unless there are none."""
    told = list(dict.fromkeys(lines))
    if told:
        lines = "".join(f"\n  {line}" for line in told)
        raise FileNotFoundError(f"not there is what this command will need, so nothing was begun:{lines}")


def make_again(workdir: Path, *stages: str) -> str:
    """To make the first of `stages` again, and then the others, which were made from it, and the report."""
    folders = " and ".join(str(Path(workdir) / stage) for stage in stages)
    return f"delete {folders} and {make(*stages, 'report')}"


def make(*stages: str) -> str:
    """To run stages that the failing command may have left out."""
    return f"run launch.train without --stages, or with --stages={','.join(stages)}"
