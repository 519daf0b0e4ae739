"""Builds of the toy birds: ranges of their dimensions, as factors of the average songbird's."""

import numpy as np

from ganverse_jax.classes.toy.sampling import within

BUILDS = ("songbird", "finch", "crow", "pigeon", "gull", "wader", "duck", "hawk")

# Ranges (low, high) per build, in the order of BUILDS. slope: degrees by which the trunk is more upright;
# neck: added to the neck's length; hook: how far the beak's tip hangs; flat: how wide and low the beak is;
# fan: the tail's width; span: of a spread wing.
DIMENSIONS = {
    "girth": (
        (0.90, 1.08), (0.98, 1.14), (0.82, 0.94), (0.98, 1.10), (0.80, 0.92), (0.66, 0.78), (0.98, 1.10),
        (0.92, 1.04)
    ),
    "slope": ((-4, 10), (-6, 6), (-14, 2), (-12, 0), (-24, -14), (-8, 8), (-28, -18), (12, 26)),
    "neck": (
        (-0.02, 0.02), (-0.03, 0.01), (0.00, 0.05), (0.02, 0.07), (0.00, 0.06), (0.36, 0.62), (0.10, 0.20),
        (-0.02, 0.02)
    ),
    "head": (
        (0.96, 1.10), (0.94, 1.06), (0.84, 0.94), (0.66, 0.74), (0.78, 0.86), (0.52, 0.60), (0.82, 0.92),
        (0.86, 0.96)
    ),
    "beak": (
        (0.75, 1.05), (0.70, 0.90), (1.45, 1.80), (0.90, 1.10), (1.35, 1.65), (3.0, 4.2), (1.50, 1.80),
        (0.90, 1.05)
    ),
    "stout": (
        (0.70, 0.90), (1.25, 1.55), (1.00, 1.20), (0.80, 0.90), (0.85, 1.00), (0.95, 1.10), (0.95, 1.05),
        (1.20, 1.40)
    ),
    "hook": (
        (0.00, 0.02), (0.01, 0.03), (0.01, 0.04), (0.01, 0.02), (0.02, 0.04), (0.00, 0.03), (-0.02, 0.00),
        (0.09, 0.12)
    ),
    "flat": ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.8, 1.0), (0.0, 0.0)),
    "leg": (
        (0.85, 1.10), (0.75, 0.95), (1.10, 1.30), (0.65, 0.80), (0.90, 1.10), (2.5, 3.4), (0.55, 0.70),
        (0.80, 1.00)
    ),
    "shank": (
        (0.85, 1.05), (0.85, 1.05), (1.20, 1.50), (1.10, 1.30), (1.10, 1.30), (1.10, 1.40), (1.30, 1.60),
        (1.60, 2.00)
    ),
    "tail": (
        (0.80, 1.20), (0.70, 0.95), (1.00, 1.70), (0.90, 1.10), (0.65, 0.80), (0.45, 0.60), (0.50, 0.65),
        (0.95, 1.20)
    ),
    "fan": (
        (0.80, 1.20), (0.90, 1.20), (0.90, 1.30), (1.10, 1.40), (0.90, 1.10), (0.80, 1.00), (1.00, 1.30),
        (1.20, 1.50)
    ),
    "span": (
        (0.85, 1.00), (0.80, 0.95), (1.05, 1.20), (1.00, 1.15), (1.25, 1.45), (1.15, 1.30), (0.95, 1.10),
        (1.20, 1.40)
    ),
}  # fmt: skip


def dimensions(build: np.ndarray, unit: np.ndarray) -> dict[str, np.ndarray]:
    """Dimensions [n] per name for builds [n] from uniform numbers [n len(DIMENSIONS)] in [0, 1)."""
    return within(DIMENSIONS, build, unit)


def average(count: int) -> dict[str, np.ndarray]:
    """The dimensions [count] of the average songbird: all factors 1, nothing added."""
    added = ("slope", "neck", "hook", "flat")
    return {name: np.full(count, float(name not in added)) for name in DIMENSIONS}
