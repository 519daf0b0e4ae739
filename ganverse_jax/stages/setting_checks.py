"""What no stage can do with its settings, told before any stage begins, by the setting's dotted path."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

AT_LEAST_ONE = ("num_steps", "num_images")
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
