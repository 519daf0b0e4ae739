"""The annotator's drawing of a car, and where the points that a person clicks lie on it."""

import numpy as np

from ganverse_jax.classes.solids import BODY, DARK, MARK, Facet, loft, pair

# See `ObjectClass.places`.
KEYPOINTS = {
    "left headlight": (0.26, 0.06, 1.02), "left front bumper corner": (0.36, -0.06, 0.98),
    "left front wheel centre": (0.45, -0.15, 0.6), "left mirror": (0.53, 0.24, 0.24),
    "left lower windscreen corner": (0.31, 0.2, 0.34), "left upper windscreen corner": (0.25, 0.44, 0.14),
    "left rear roof corner": (0.25, 0.45, -0.47), "left rear wheel centre": (0.45, -0.15, -0.6),
    "left tail light": (0.3, 0.1, -0.99), "left rear bumper corner": (0.34, -0.03, -0.98),
}  # fmt: skip


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
