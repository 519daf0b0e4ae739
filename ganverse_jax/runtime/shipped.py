"""Weights and annotations in the repository: folders under ganverse_jax/assets, by name."""

from pathlib import Path

ASSETS = Path(__file__).parents[1] / "assets"


def shipped_with(part: str) -> Path:
    """Of the shipped sets that serve by default (assets/default.txt: how their names begin), the latest
    round's that has `part`, a file or folder. Raises FileNotFoundError where none has."""
    world = (ASSETS / "default.txt").read_text(encoding="utf-8").strip()
    found = sorted(path.parent for path in ASSETS.glob(f"{world}*/{part}"))
    if not found:
        raise FileNotFoundError(f"no shipped set {ASSETS / world}* has {part}; install the package again")
    return found[-1]


def weights_folder(name: str) -> Path:
    """The shipped set `name`, or else the folder at that path."""
    return ASSETS / name if (ASSETS / name).is_dir() else Path(name)
