"""Where the named points lie on the reference drawings, and from which sides they are seen there."""

import functools
from typing import NamedTuple

import numpy as np

from ganverse_jax import classes
from ganverse_jax.annotation import icons
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS

_FAR = 0.12  # of the class's length of 2: what lies nearer to a point than this does not hide it


class Place(NamedTuple):
    """A point on a drawing: x and y in its box of 100 x 100, and whether it is seen or behind the object."""

    x: float
    y: float
    seen: bool


@functools.cache
def places(kind: str) -> tuple[tuple[Place, ...], ...]:
    """Of each of the 12 bins' drawings the places of all points, in their order."""
    drawn = classes.get(kind)
    points = np.array([drawn.position(name) for name in drawn.keypoints])
    facets = [facet.points for facet in drawn.drawing()]
    rows = []
    for azimuth in map(icons.bin_azimuth, range(NUM_AZIMUTH_BINS)):
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
    shown, drawn, chosen = places(kind), classes.get(kind), []
    for index, name in enumerate(drawn.keypoints):
        x, _, z = drawn.position(name)
        # From well to the side: a view from straight ahead tells little of where a point lies.
        side = np.arctan2(np.copysign(max(2 * abs(x), 0.6 * abs(z) + 0.2), x), z)
        apart = [abs(np.angle(np.exp(1j * (icons.bin_azimuth(b) - side)))) for b in range(NUM_AZIMUTH_BINS)]
        straight = [0.2 * (b % 3 == 0) for b in range(NUM_AZIMUTH_BINS)]
        ranks = [(not shown[b][index].seen, apart[b] + straight[b]) for b in range(NUM_AZIMUTH_BINS)]
        chosen.append(ranks.index(min(ranks)))
    return tuple(chosen)
