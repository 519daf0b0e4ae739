"""What a view in candidates.json and viewpoints.json must have; everything else in it is its writer's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Of a view that has them: a figure of the choice, and a known camera (radians).
NUMBERS = ("consistency", "azimuth", "elevation", "distance")


def is_number(value: object) -> bool:
    """Whether JSON's `value` is a number that float32 holds; NaN, infinities, true and false are none."""
    return type(value) in (int, float) and abs(value) < 3.4e38


def check_views(views: Any, path: Path, remedy: str, *, w_dim: int | None = None) -> None:
    """Check views read from `path`: a list of objects, each with an id of its own and a code.

    w_dim: length of the codes (None: as the first). Raises ValueError with file, view, value and `remedy`.
    """
    if not isinstance(views, list) or not views:
        raise ValueError(f"{path} has no list of views, but {_short(views)}; {remedy}")
    seen: set[int] = set()
    for place, view in enumerate(views):
        number = view.get("id") if isinstance(view, Mapping) else None
        if type(number) is not int:
            raise ValueError(f"views[{place}] in {path} has no whole number as id: {_short(view)}; {remedy}")
        wrong = f"id {number} comes twice" if number in seen else _wrong(view, w_dim)
        if wrong:
            raise ValueError(f"view {number} in {path} : {wrong}; {remedy}")
        seen.add(number)
        w_dim = len(view["w"])


def _wrong(view: Mapping[str, Any], w_dim: int | None) -> str | None:
    """What is wrong with a view, or None."""
    w = view.get("w")
    if not isinstance(w, list) or not w:
        return f"its code w is {_short(w)}, not a list of numbers"
    bad = next((i for i, value in enumerate(w) if not is_number(value)), None)
    if bad is not None:
        return f"w[{bad}] is {_short(w[bad])}, not a finite number"
    if w_dim is not None and len(w) != w_dim:
        return f"its code w has {len(w)} numbers, not {w_dim}"
    for name in NUMBERS:
        if name in view and not is_number(view[name]):
            return f"{name} is {_short(view[name])}, not a finite number"
    if view.get("distance", 1) <= 0:
        return f"distance is {view['distance']}, not positive"
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
