"""Of what low-polygon stand-ins for the classes are made: they only have to tell front from side.

The toy world's axes: front +z, up +y, its left +x, about 2 long. A piece is a loft: rings of eight points
along z or y, joined by quads and closed by caps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

BODY, DARK, MARK = "body", "dark", "mark"  # MARK: what only the front has


class Facet(NamedTuple):
    """A flat polygon: points float [k 3], counter-clockwise seen from outside, its colour's name, and by how
    much nearer to the camera it counts when facets are put in order (for parts that lie on a larger one)."""

    points: np.ndarray
    tone: str
    nearer: float = 0.0


# A ring: (position along the axis, centre across, half width in x, half size across).
Ring = tuple[float, float, float, float]


def loft(
    rings: Sequence[Ring],
    *,
    tone: str = BODY,
    axis: str = "z",
    corner: float = 0.5,
    x: float = 0.0,
    nearer: float = 0.0,
) -> list[Facet]:
    """Facets of a loft through `rings`, in rising order along `axis` ("z": across is y; "y": across is z).

    corner: how far a flat side reaches to the ring's corner; 0.41 is an octagon, near 1 a box. x: shift.
    nearer: see `Facet`.
    """
    around = np.array([(1, corner), (corner, 1), (-corner, 1), (-1, corner)])
    around = np.concatenate([around, -around])
    loops = []
    for along, centre, half_width, half_across in rings:
        flat = around * (half_width, half_across) + (x, centre)
        column = np.full((8, 1), along)
        loops.append(np.concatenate([flat, column], 1) if axis == "z" else
                     np.concatenate([flat[:, :1], column, flat[:, 1:]], 1))  # fmt: skip
    facets = [loops[0][::-1], loops[-1]]
    for low, high in zip(loops, loops[1:], strict=False):
        facets += [np.stack([low[i], low[(i + 1) % 8], high[(i + 1) % 8], high[i]]) for i in range(8)]
    if axis == "y":  # swapping two axes mirrors the winding
        facets = [points[::-1] for points in facets]
    return [Facet(points, tone, nearer) for points in facets]


def pair(rings: Sequence[Ring], x: float, **keywords) -> list[Facet]:
    """The loft at +x and at -x."""
    return loft(rings, x=x, **keywords) + loft(rings, x=-x, **keywords)


def generic() -> list[Facet]:
    """Anything with a front: a tapered block whose nose is marked."""
    block = [(-0.9, 0.0, 0.46, 0.34), (-0.5, 0.0, 0.46, 0.34), (-0.1, 0.0, 0.46, 0.34),
             (0.3, 0.0, 0.44, 0.32), (0.5, 0.0, 0.4, 0.29)]  # fmt: skip
    nose = [(0.5, 0.0, 0.4, 0.29), (0.95, -0.04, 0.12, 0.1)]
    fin = [(-0.85, 0.4, 0.03, 0.14), (-0.4, 0.36, 0.03, 0.06)]
    return loft(block, corner=0.8) + loft(nose, corner=0.8, tone=MARK) + loft(fin, corner=0.8, tone=DARK)
