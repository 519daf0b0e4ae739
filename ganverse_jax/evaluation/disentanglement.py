"""How well a view code fixes the viewpoint: spread of the regressed azimuth while contents vary.

The paper observes that fixing w*_v fixes the camera (section 3.1) but gives no figure; this one is
circular statistics over a pose regressor's readings, so its held-out error bounds what it can show.
"""

from __future__ import annotations

import numpy as np


def angle_difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Signed difference a - b of angles in radians, in [-pi, pi)."""
    return (np.asarray(a) - np.asarray(b) + np.pi) % (2 * np.pi) - np.pi


def circular_median(angles: np.ndarray) -> float:
    """The sample (radians) with the smallest mean absolute circular distance to all samples [n]."""
    angles = np.asarray(angles, np.float64)
    if angles.size == 0:
        raise ValueError("the circular median of no angles is undefined; give at least one")
    cost = np.abs(angle_difference(angles[:, None], angles[None])).mean(axis=1)
    return float(angles[np.argmin(cost)] % (2 * np.pi))


def circular_spread(angles: np.ndarray) -> float:
    """Mean absolute circular distance (radians) of samples [n] to their circular median; at most pi."""
    return float(np.abs(angle_difference(angles, circular_median(angles))).mean())


def nearest_azimuth_bin(azimuth: float, num_bins: int = 12) -> int:
    """The bin 0..num_bins-1 whose centre, bin * 360 / num_bins degrees, is nearest to `azimuth` (radians)."""
    return int(np.round(azimuth / (2 * np.pi / num_bins))) % num_bins


def view_disentanglement(azimuths: np.ndarray) -> dict:
    """Figures (degrees) for regressed azimuths [views contents] in radians.

    per_view: circular median and spread of each row. within_view: the spreads' mean; within_15: share of
    readings within 15 degrees of their view's median (half a bin). across_views: the same spread over all
    readings pooled, what a view code that fixed nothing would give.
    """
    azimuths = np.asarray(azimuths, np.float64)
    if azimuths.ndim != 2 or 0 in azimuths.shape:
        raise ValueError(f"azimuths must be [views contents], got {azimuths.shape}")
    medians = np.array([circular_median(row) for row in azimuths])
    deviations = np.abs(angle_difference(azimuths, medians[:, None]))
    spreads = np.degrees(deviations.mean(axis=1))
    per_view = [{"median": float(np.degrees(m)), "spread": float(s)}
                for m, s in zip(medians, spreads, strict=True)]  # fmt: skip
    return {
        "within_view": float(spreads.mean()),
        "within_view_median": float(np.degrees(np.median(deviations))),
        "within_15": float((deviations <= np.radians(15)).mean()),
        "across_views": float(np.degrees(circular_spread(azimuths.ravel()))),
        "per_view": per_view,
    }
