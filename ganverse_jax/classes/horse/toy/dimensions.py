"""Breeds of the toy horses: ranges of their dimensions, as factors of the average horse's."""

import numpy as np

from ganverse_jax.classes.toy.sampling import within

BREEDS = ("pony", "arab", "thoroughbred", "quarter", "cob", "draught")
BREED_SHARE = np.array([0.17, 0.17, 0.20, 0.17, 0.14, 0.15])

# Ranges (low, high) per breed, in the order of BREEDS. size: of everything; leg: the legs' length; bone:
# their thickness; feather: long hair above the hooves; hair: of mane and tail.
DIMENSIONS = {
    "size": ((0.82, 0.90), (0.92, 0.97), (0.99, 1.04), (0.93, 0.98), (0.92, 0.98), (1.00, 1.05)),
    "length": ((0.98, 1.03), (0.90, 0.95), (0.93, 0.98), (0.95, 1.00), (0.94, 0.99), (0.95, 1.00)),
    "leg": ((0.86, 0.94), (1.00, 1.07), (1.04, 1.12), (0.95, 1.01), (0.92, 0.99), (0.98, 1.05)),
    "girth": ((1.02, 1.14), (0.90, 0.99), (0.90, 0.98), (1.02, 1.10), (1.06, 1.15), (1.10, 1.22)),
    "depth": ((1.00, 1.07), (0.94, 1.01), (0.95, 1.01), (0.99, 1.06), (1.02, 1.08), (1.02, 1.09)),
    "bone": ((0.98, 1.12), (0.88, 0.98), (0.90, 1.00), (1.00, 1.12), (1.14, 1.30), (1.30, 1.55)),
    "neck": ((0.86, 0.96), (1.00, 1.08), (1.02, 1.10), (0.94, 1.02), (0.92, 1.00), (0.96, 1.04)),
    "crest": ((1.05, 1.25), (0.88, 1.00), (0.85, 0.98), (0.98, 1.10), (1.10, 1.28), (1.15, 1.35)),
    "head": ((0.96, 1.06), (0.86, 0.93), (0.94, 1.00), (0.92, 1.00), (1.00, 1.08), (1.02, 1.10)),
    "hair": ((1.10, 1.45), (0.85, 1.15), (0.60, 0.90), (0.70, 1.00), (1.10, 1.50), (0.90, 1.30)),
    "feather": ((0.00, 0.50), (0.00, 0.00), (0.00, 0.00), (0.00, 0.00), (0.60, 1.20), (0.80, 1.40)),
}  # fmt: skip


def dimensions(breed: np.ndarray, unit: np.ndarray) -> dict[str, np.ndarray]:
    """Dimensions [n] per name for breeds [n] from uniform numbers [n len(DIMENSIONS)] in [0, 1)."""
    return within(DIMENSIONS, breed, unit)


def average(count: int) -> dict[str, np.ndarray]:
    """The dimensions [count] of the average horse: no factor, no feather."""
    return {name: np.full(count, float(name != "feather")) for name in DIMENSIONS}
