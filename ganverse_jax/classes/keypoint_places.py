"""Where the named points lie on the reference drawings, and from which sides they are seen there."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from ganverse_jax.annotation import icons
from ganverse_jax.annotation.bins.session import NUM_BINS
from ganverse_jax.classes.keypoint_names import NAMES
from ganverse_jax.classes.solids import SOLIDS

# Of the solids in solids.py; of each pair the left point, the right one is its mirror image.
_CAR = {
    "left headlight": (0.26, 0.06, 1.02), "left front bumper corner": (0.36, -0.06, 0.98),
    "left front wheel centre": (0.45, -0.15, 0.6), "left mirror": (0.53, 0.24, 0.24),
    "left lower windscreen corner": (0.31, 0.2, 0.34), "left upper windscreen corner": (0.25, 0.44, 0.14),
    "left rear roof corner": (0.25, 0.45, -0.47), "left rear wheel centre": (0.45, -0.15, -0.6),
    "left tail light": (0.3, 0.1, -0.99), "left rear bumper corner": (0.34, -0.03, -0.98),
}  # fmt: skip
_HORSE = {
    "nose": (0.0, 0.5, 1.03), "left eye": (0.08, 0.69, 0.76), "left ear tip": (0.05, 0.88, 0.63),
    "withers": (0.0, 0.4, 0.24), "left elbow": (0.21, 0.0, 0.28), "left front knee": (0.18, -0.3, 0.38),
    "left front hoof": (0.18, -0.68, 0.4), "left stifle": (0.21, 0.02, -0.42),
    "left hock": (0.18, -0.3, -0.6), "left hind hoof": (0.18, -0.68, -0.53), "tail root": (0.0, 0.3, -0.7),
}  # fmt: skip
_BIRD = {
    "beak tip": (0.0, 0.49, 0.87), "left eye": (0.2, 0.58, 0.5), "crown": (0.0, 0.74, 0.4),
    "nape": (0.0, 0.6, 0.2), "throat": (0.0, 0.4, 0.58), "breast": (0.0, 0.22, 0.52),
    "belly": (0.0, -0.2, 0.05), "left wing shoulder": (0.33, 0.24, 0.22),
    "left wing tip": (0.3, 0.03, -0.79), "left foot": (0.11, -0.44, 0.16), "tail tip": (0.0, -0.05, -1.06),
}  # fmt: skip
_LEFT = {"car": _CAR, "horse": _HORSE, "bird": _BIRD}
_FAR = 0.12  # of the class's length of 2: what lies nearer to a point than this does not hide it


class Place(NamedTuple):
    """A point on a drawing: x and y in its box of 100 x 100, and whether it is seen or behind the object."""

    x: float
    y: float
    seen: bool


def position(kind: str, name: str) -> tuple[float, float, float]:
    """The point on the class's solid. Raises KeyError for a name that has no place."""
    if name.startswith("right "):
        x, y, z = _LEFT[kind][name.replace("right ", "left ", 1)]
        return -x, y, z
    return _LEFT[kind][name]


@functools.cache
def places(kind: str) -> tuple[tuple[Place, ...], ...]:
    """Of each of the 12 bins' drawings the places of all points, in the order of NAMES[kind]."""
    points = np.array([position(kind, name) for name in NAMES[kind]])
    facets = [facet.points for facet in SOLIDS[kind]()]
    rows = []
    for azimuth in map(icons.bin_azimuth, range(NUM_BINS)):
        flat = icons.project(points, azimuth).round(1).tolist()
        hidden = _hidden(points, icons.eye(azimuth), facets)
        rows.append(tuple(Place(x, y, not behind) for (x, y), behind in zip(flat, hidden, strict=True)))
    return tuple(rows)


def _hidden(points: np.ndarray, eye: np.ndarray, facets: list[np.ndarray]) -> np.ndarray:
    """Of points [k 3], whether a facet lies between it and the eye, and not just about it: bool [k]."""
    rays = eye - points
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    hidden = np.zeros(len(points), bool)
    for corners in facets:
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        along = rays @ normal
        safe = np.where(np.abs(along) < 1e-9, 1.0, along)  # seen edge-on it hides nothing
        far = (corners[0] - points) @ normal / safe
        edges = np.roll(corners, -1, axis=0) - corners
        hits = (points + far[:, None] * rays)[:, None] - corners
        sides = np.cross(edges, hits) @ normal
        inside = (sides >= 0).all(axis=1) | (sides <= 0).all(axis=1)
        hidden |= inside & (far > _FAR) & (along == safe)
    return hidden


def best_bins(kind: str) -> tuple[int, ...]:
    """Of each point the bin whose drawing shows it most openly: from its own side, and not edge-on."""
    shown = places(kind)
    chosen = []
    for index, name in enumerate(NAMES[kind]):
        x, _, z = position(kind, name)
        # From well to the side: a view from straight ahead tells little of where a point lies.
        side = np.arctan2(np.copysign(max(2 * abs(x), 0.6 * abs(z) + 0.2), x), z)
        apart = [abs(np.angle(np.exp(1j * (icons.bin_azimuth(b) - side)))) for b in range(NUM_BINS)]
        straight = [0.2 * (b % 3 == 0) for b in range(NUM_BINS)]
        ranks = [(not shown[b][index].seen, apart[b] + straight[b]) for b in range(NUM_BINS)]
        chosen.append(ranks.index(min(ranks)))
    return tuple(chosen)
