"""Low-polygon stand-ins for the classes, drawn by this project: they only have to tell front from side.

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


def _wheel(z: float, side: int) -> list[Facet]:
    """A wheel of the car at `z` on the left (side 1) or right (-1): its outer face and its tread."""
    angles = side * np.arange(12) * 2 * np.pi / 12
    rim = np.stack([np.zeros(12), -0.15 - 0.19 * np.sin(angles), z + 0.19 * np.cos(angles)], 1)
    outer, inner = rim + (side * 0.45, 0, 0), rim + (side * 0.32, 0, 0)
    tread = [
        np.stack([inner[i], outer[i], outer[(i + 1) % 12], inner[(i + 1) % 12]])[::-1] for i in range(12)
    ]
    hub = (outer - outer.mean(0)) * 0.5 + outer.mean(0)
    return [Facet(outer, DARK, 0.6), Facet(hub, BODY, 0.61)] + [Facet(points, DARK) for points in tread]


def car() -> list[Facet]:
    """A hatch-less saloon: bonnet, cabin, boot, four wheels, two lamps in front."""
    hull = [(-1.0, 0.05, 0.36, 0.13), (-0.9, 0.04, 0.42, 0.19), (-0.62, 0.04, 0.43, 0.2),
            (-0.3, 0.04, 0.43, 0.2), (0.0, 0.03, 0.43, 0.19), (0.3, 0.02, 0.43, 0.18),
            (0.62, 0.01, 0.43, 0.16), (0.88, 0.0, 0.42, 0.14), (1.0, -0.01, 0.36, 0.09)]  # fmt: skip
    glass = [(0.2, -0.19, 0.385, 0.53), (0.44, -0.17, 0.31, 0.3)]
    roof = [(0.44, -0.17, 0.31, 0.3), (0.48, -0.17, 0.28, 0.27)]
    facets = loft(hull, corner=0.8) + loft(glass, axis="y", corner=0.8, tone=DARK)
    facets += loft(roof, axis="y", corner=0.8)
    for z in (-0.6, 0.6):
        for side in (-1, 1):
            facets += _wheel(z, side)
    mirrors = pair([(0.2, 0.24, 0.07, 0.035), (0.27, 0.24, 0.06, 0.03)], 0.47, corner=0.8)
    lamps = [(0.86, 0.07, 0.09, 0.05), (1.02, 0.05, 0.085, 0.045)]
    return facets + mirrors + pair(lamps, 0.26, corner=0.8, tone=MARK, nearer=0.25)


def horse() -> list[Facet]:
    """Barrel, neck, long head with ears, four legs, tail."""
    barrel = [(-0.68, 0.16, 0.1, 0.13), (-0.58, 0.16, 0.2, 0.22), (-0.3, 0.15, 0.22, 0.23),
              (0.0, 0.13, 0.21, 0.22), (0.3, 0.15, 0.21, 0.23), (0.46, 0.19, 0.14, 0.19)]  # fmt: skip
    neck = [(0.1, 0.34, 0.13, 0.2), (0.3, 0.44, 0.11, 0.17), (0.5, 0.56, 0.095, 0.14),
            (0.7, 0.66, 0.08, 0.12), (0.8, 0.7, 0.05, 0.06)]  # fmt: skip
    head = [(0.56, 0.7, 0.075, 0.1), (0.74, 0.66, 0.08, 0.1), (0.9, 0.57, 0.06, 0.075)]
    muzzle = [(0.9, 0.57, 0.06, 0.075), (1.02, 0.5, 0.05, 0.055)]
    mane = [(0.2, 0.17, 0.03, 0.12), (0.5, 0.36, 0.03, 0.1), (0.82, 0.55, 0.03, 0.07)]
    facets = loft(barrel) + loft(neck, axis="y") + loft(head) + loft(muzzle, tone=MARK)
    facets += loft(mane, axis="y", tone=DARK)
    facets += pair([(0.74, 0.64, 0.025, 0.03), (0.88, 0.63, 0.006, 0.01)], 0.05, axis="y")
    for z, knee in ((0.34, 0.36), (-0.52, -0.56)):
        leg = [
            (-0.62, knee, 0.05, 0.05),
            (-0.3, knee, 0.05, 0.055),
            (0.0, z, 0.075, 0.1),
            (0.12, z, 0.07, 0.1),
        ]
        facets += pair(leg, 0.13, axis="y")
        facets += pair(
            [(-0.7, knee + 0.01, 0.06, 0.07), (-0.62, knee, 0.055, 0.06)], 0.13, axis="y", tone=DARK
        )
    tail = [
        (-0.4, -0.84, 0.035, 0.03),
        (-0.1, -0.82, 0.06, 0.06),
        (0.18, -0.74, 0.05, 0.06),
        (0.3, -0.66, 0.04, 0.05),
    ]
    return facets + loft(tail, axis="y", tone=DARK)


def bird() -> list[Facet]:
    """A perched songbird: breast, round head, beak, folded wings, tail, legs."""
    body = [(-0.6, 0.0, 0.08, 0.06), (-0.4, 0.02, 0.2, 0.16), (-0.1, 0.06, 0.3, 0.27), (0.2, 0.13, 0.3, 0.3),
            (0.42, 0.22, 0.2, 0.22), (0.5, 0.25, 0.1, 0.12)]  # fmt: skip
    head = [
        (0.22, 0.52, 0.12, 0.13),
        (0.34, 0.54, 0.19, 0.19),
        (0.5, 0.54, 0.19, 0.18),
        (0.62, 0.53, 0.1, 0.1),
    ]
    beak = [(0.6, 0.51, 0.06, 0.05), (0.86, 0.49, 0.008, 0.008)]
    wing = [
        (-0.78, 0.02, 0.02, 0.03),
        (-0.4, 0.08, 0.05, 0.1),
        (0.0, 0.13, 0.06, 0.17),
        (0.25, 0.18, 0.03, 0.1),
    ]
    tail = [(-1.05, -0.06, 0.14, 0.02), (-0.8, -0.04, 0.11, 0.03), (-0.5, 0.0, 0.09, 0.04)]
    facets = loft(body) + loft(head) + loft(beak, tone=MARK) + loft(tail, tone=DARK)
    facets += pair(wing, 0.28, tone=DARK)
    eye = [(0.46, 0.58, 0.02, 0.035), (0.53, 0.58, 0.02, 0.035)]
    facets += pair(eye, 0.18, tone=DARK)
    leg = [(-0.42, 0.1, 0.022, 0.022), (-0.12, 0.06, 0.025, 0.025)]
    foot = [(-0.05, -0.43, 0.05, 0.015), (0.22, -0.44, 0.05, 0.01)]
    return facets + pair(leg, 0.11, axis="y", tone=MARK) + pair(foot, 0.11, tone=MARK)


def generic() -> list[Facet]:
    """Anything with a front: a tapered block whose nose is marked."""
    block = [(-0.9, 0.0, 0.46, 0.34), (-0.5, 0.0, 0.46, 0.34), (-0.1, 0.0, 0.46, 0.34),
             (0.3, 0.0, 0.44, 0.32), (0.5, 0.0, 0.4, 0.29)]  # fmt: skip
    nose = [(0.5, 0.0, 0.4, 0.29), (0.95, -0.04, 0.12, 0.1)]
    fin = [(-0.85, 0.4, 0.03, 0.14), (-0.4, 0.36, 0.03, 0.06)]
    return loft(block, corner=0.8) + loft(nose, corner=0.8, tone=MARK) + loft(fin, corner=0.8, tone=DARK)


SOLIDS = {"car": car, "horse": horse, "bird": bird, "generic": generic}
