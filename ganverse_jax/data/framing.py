"""How large and where objects stand in a set's pictures, and crops of photos that show theirs likewise."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.data.crops import Crop

_MEASURED = 2000


class Framing(NamedTuple):
    """size: (h, w) of the pictures. share: the object's part of a picture's pixels, median. centre: (x, y) of
    its bounding box in 0..1 from the top left, median.

    The area says best how near an object is: over the toy world's views its root varies by 10 %, the box's
    height by 15 and its width by 18 %.
    """

    size: tuple[int, int]
    share: float
    centre: tuple[float, float]

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> "Framing":
        """From the JSON of `_asdict`."""
        return cls(tuple(card["size"]), float(card["share"]), tuple(card["centre"]))


def measure_framing(masks: np.ndarray) -> Framing:
    """Of masks uint8 [n h w]; empty ones do not count. Raises ValueError when all are empty."""
    inside = masks[:: math.ceil(len(masks) / _MEASURED) or 1] > 127
    inside = inside[inside.any(axis=(1, 2))]
    if not len(inside):
        raise ValueError(f"all of {len(masks)} masks are empty; make them again")
    boxes = np.array([bounding_box(mask) for mask in inside], float)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 / inside.shape[:0:-1]
    share = float(np.median(inside.mean(axis=(1, 2))))
    return Framing(tuple(inside.shape[1:]), share, tuple(map(float, np.median(centre, axis=0))))


def bounding_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of bool [h w] that is not empty; right and bottom are one past the last."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def crop_like(mask: np.ndarray, framing: Framing) -> Crop:
    """The crop in which the object of bool [h w] (not empty) stands as `framing` says."""
    left, top, right, bottom = bounding_box(mask)
    height, width = framing.size
    scale = math.sqrt(mask.sum() / (framing.share * height * width))
    centre = (
        (left + right) / 2 - scale * width * (framing.centre[0] - 0.5),
        (top + bottom) / 2 - scale * height * (framing.centre[1] - 0.5),
    )
    return Crop(centre, scale, 0.0, framing.size)
