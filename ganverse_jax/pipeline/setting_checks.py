"""What no stage can do with its settings, told before any stage begins, by the setting's dotted path."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ganverse_jax.models.inverse_graphics.texture_heads import TEXTURES

AT_LEAST_ONE = ("num_steps", "num_images")
TRAININGS = ("inverse_graphics", "inverse_graphics_posed")
POSITIVE = ("content_truncation",)  # at 0 all contents are one


def check_settings(config: Mapping[str, Any]) -> None:
    """Check the plain settings of an experiment, whichever sections it has.

    Raises ValueError, naming setting, value and remedy, for a number that is not finite, and one out of
    range whose name is in AT_LEAST_ONE or POSITIVE.
    """
    for path, value in _numbers(config):
        name = path.rsplit(".", 1)[-1]
        if not math.isfinite(value):
            raise ValueError(f"{path} = {value} is no finite number; set one")
        if name in AT_LEAST_ONE and value < 1:
            raise ValueError(f"{path} = {value}; set it to 1 or more")
        if name in POSITIVE and value <= 0:
            raise ValueError(f"{path} = {value}; set it above 0")
    for section in TRAININGS:
        if config.get(section):
            check_training(section, config[section])


def check_training(section: str, settings: Mapping[str, Any]) -> None:
    """ValueError for settings of `inverse_graphics.train`, or some of them, that no training can follow."""
    if not settings.get("multiview_weight", 0) >= 0:
        raise ValueError(f"{section}.multiview_weight = {settings['multiview_weight']}; set it to 0 or more")
    for name in ("sigma_inverse", "margin", "clip_norm"):
        value = settings.get(name)
        if value is not None and not value > 0:
            no_limit = ", or to None for no limit" if name == "clip_norm" else ""
            raise ValueError(f"{section}.{name} = {value}; set it above 0{no_limit}")
    network = settings.get("network") or {}
    if network.get("texture", TEXTURES[0]) not in TEXTURES:
        raise ValueError(f"{section}.network.texture = {network['texture']!r}; choose {', '.join(TEXTURES)}")
    size, channels = network.get("texture_size"), network.get("texture_channels")
    if size is not None and channels is not None and size != 4 * 2 ** len(channels):
        raise ValueError(
            f"{section}.network.texture_size = {size}, but {len(channels)} texture_channels give a map of "
            f"{4 * 2 ** len(channels)} rows; set it to that or change texture_channels"
        )


def _numbers(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """(dotted path, number) of every number in nested settings."""
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    else:
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield path, value
        return
    for name, inner in items:
        yield from _numbers(inner, f"{path}.{name}" if path else str(name))
