"""Weights and annotations in the repository: folders under ganverse_jax/assets, by name."""

from pathlib import Path

ASSETS = Path(__file__).parents[1] / "assets"


def weights_folder(name: str) -> Path:
    """The shipped set `name`, or else the folder at that path."""
    return ASSETS / name if (ASSETS / name).is_dir() else Path(name)
