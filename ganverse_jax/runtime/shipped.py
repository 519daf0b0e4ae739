"""Weights and annotations in the repository: folders under ganverse_jax/assets, by name."""

import re
from pathlib import Path

ASSETS = Path(__file__).parents[1] / "assets"
_ROUND, _PREFIX = re.compile(r"_round\d+$"), "toy_"


def worlds(part: str) -> list[str]:
    """The worlds of which a shipped set has `part`, a file or folder: "toy_car" where there is
    assets/toy_car/PART or assets/toy_car_round2/PART."""
    return sorted({world_of(path) for path in _sets_with(part)})


def shipped_with(part: str, world: str | None = None) -> Path:
    """Of a world's shipped sets the latest round's that has `part`, a file or folder.

    world: its name, with or without "toy_"; None: the one that serves by default (assets/default.txt). Raises
    FileNotFoundError where it has none, naming those that have.
    """
    default = (ASSETS / "default.txt").read_text(encoding="utf-8").strip()
    named = default if world is None else f"{_PREFIX}{world.removeprefix(_PREFIX)}"
    sets = [path for path in _sets_with(part) if world_of(path) == named]
    if not sets:
        choices = ", ".join(map(class_of, worlds(part)))
        raise FileNotFoundError(
            f"shipped = {default if world is None else world!r}: no {part} of it comes with the package; "
            f"choose one of {choices or 'none: install the package again'}"
        )
    return sets[-1]


def weights_folder(name: str) -> Path:
    """The shipped set `name`, or else the folder at that path."""
    return ASSETS / name if (ASSETS / name).is_dir() else Path(name)


def check_sources(shipped: str | None, **others: str | Path | None) -> None:
    """Raise ValueError where a shipped world and another source, by the name of its flag, are to serve."""
    for name, value in others.items():
        if None not in (shipped, value):
            raise ValueError(f"give --{name}={value} or --shipped={shipped}, one of them")


def world_of(folder: Path) -> str:
    """The world that a set is of: its name without the round."""
    return _ROUND.sub("", folder.name)


def class_of(world: str) -> str:
    """The class that a world, as `worlds` names it, is of."""
    return world.removeprefix(_PREFIX)


def _sets_with(part: str) -> list[Path]:
    return sorted(path for path in ASSETS.iterdir() if (path / part).exists())
