"""Named points of a toy horse, in whatever pose it is; left is the horse's own left, +x."""

import numpy as np

from ganverse_jax.classes.horse.toy.coat import REST
from ganverse_jax.classes.horse.toy.topology import PARTS

# Spot: the part that has it (of a pair without its side) and where it lies on the average horse that stands.
_SPOTS = {
    "nose": ("trunk", (0.0, 1.03, 1.06)), "eye": ("eye", (0.076, 1.262, 0.893)),
    "ear tip": ("ear", (0.055, 1.51, 0.806)), "withers": ("trunk", (0.0, 1.01, 0.30)),
    "elbow": ("front", (0.17, 0.53, 0.27)), "front knee": ("front", (0.12, 0.29, 0.335)),
    "front hoof": ("front", (0.11, 0.0, 0.37)), "stifle": ("hind", (0.18, 0.56, -0.27)),
    "hock": ("hind", (0.11, 0.36, -0.53)), "hind hoof": ("hind", (0.11, 0.0, -0.365)),
    "tail root": ("trunk", (0.0, 0.91, -0.54)),
}  # fmt: skip


def _nearest(part: str, point: tuple[float, float, float]) -> np.ndarray:
    """The two vertices of the part nearest to a point of the average horse."""
    rows = next(each.vertices for each in PARTS if each.name == part)
    distance = np.linalg.norm(REST[rows] - point, axis=1)
    return rows.start + np.argsort(distance, kind="stable")[:2]


def _rows() -> dict[str, np.ndarray]:
    rows = {}
    for spot, (part, (x, y, z)) in _SPOTS.items():
        if part == "trunk":
            rows[spot] = _nearest(part, (x, y, z))
        else:
            rows[f"left {spot}"] = _nearest(f"{part}_left", (x, y, z))
            rows[f"right {spot}"] = _nearest(f"{part}_right", (-x, y, z))
    return rows


_ROWS = _rows()


def locate(vertices: np.ndarray, names) -> np.ndarray:
    """The points [n 3] called `names` of a horse's vertices [v 3].

    Raises ValueError for a name that no toy horse has.
    """
    for name in names:
        if name not in _ROWS:
            raise ValueError(f"toy horses have no keypoint {name!r}; they have {', '.join(_ROWS)}")
    return np.array([vertices[_ROWS[name]].mean(axis=0) for name in names], np.float64)
