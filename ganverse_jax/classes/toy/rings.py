"""Limbs that bend: lofts through rings that a few control rings give, turned joint by joint.

Rings are arrays [n r 3 3]: centre, half axis across and half axis up of each; across x up points along the
loft, as `shapes.tube` wants it.
"""

import numpy as np


def spline(controls: int, rings: int) -> np.ndarray:
    """Weights [rings controls] of a uniform Catmull-Rom spline through `controls` points, ends included."""
    position = np.linspace(0, controls - 1, rings)
    first = np.minimum(position.astype(int), controls - 2)
    t = (position - first)[:, None]
    weights = np.concatenate(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2], 1
    )
    # Beyond its ends the polygon goes straight on.
    padded = np.zeros((rings, controls + 2))
    np.put_along_axis(padded, first[:, None] + np.arange(4), weights / 2, 1)
    result = padded[:, 1:-1].copy()
    result[:, 0] += 2 * padded[:, 0]
    result[:, 1] -= padded[:, 0]
    result[:, -1] += 2 * padded[:, -1]
    result[:, -2] -= padded[:, -1]
    return result


def turn(rings: np.ndarray, pivot: np.ndarray, angle: np.ndarray, axis: str) -> np.ndarray:
    """Rings turned about `pivot` [n 3] by `angle` [n r] (radians): about "x" positive lifts what is in front,
    about "y" positive takes it to the left (+x)."""
    cos, sin = np.cos(angle)[..., None], np.sin(angle)[..., None]
    moved = rings.copy()
    moved[:, :, 0] -= pivot[:, None]
    to, off = (1, 2) if axis == "x" else (0, 2)
    a, b = moved[..., to].copy(), moved[..., off].copy()
    moved[..., to], moved[..., off] = a * cos + b * sin, b * cos - a * sin
    moved[:, :, 0] += pivot[:, None]
    return moved


def mirrored(part: np.ndarray) -> np.ndarray:
    """Rings [... r 3 3] on the other side; the half axis across keeps its direction, and with it the
    winding."""
    result = part * np.array([-1.0, 1.0, 1.0])
    result[..., 1, :] *= -1
    return result


def skin(rings: np.ndarray, weights: np.ndarray, columns: int, roundness: float = 0.9) -> np.ndarray:
    """Vertices [n r*columns 3] of the tube through the spline's rings; columns: an even number.

    roundness: exponent of the sections' cosine and sine, 1 for ellipses, less for fuller ones.
    """
    fine = np.einsum("rc,nckd->nrkd", weights, rings)
    angle = np.pi * ((np.arange(columns // 2) + 0.5) / (columns // 2) - 0.5)
    across, up = (np.sign(x) * np.abs(x) ** roundness for x in (np.cos(angle), np.sin(angle)))
    across, up = np.concatenate([across, -across[::-1]]), np.concatenate([up, up[::-1]])
    section = fine[:, :, None, 0] + across[:, None] * fine[:, :, None, 1] + up[:, None] * fine[:, :, None, 2]
    return section.reshape(len(rings), -1, 3)


def upright(rows: np.ndarray) -> np.ndarray:
    """Rings [r 3 3] in the mirror plane from rows (z and y of the upper edge, of the lower, half width)."""
    top_z, top_y, low_z, low_y, width = np.asarray(rows, float).T
    zero = 0 * width
    centre = np.stack([zero, (top_y + low_y) / 2, (top_z + low_z) / 2], -1)
    up = np.stack([zero, (top_y - low_y) / 2, (top_z - low_z) / 2], -1)
    return np.stack([centre, np.stack([width, zero, zero], -1), up], 1)


def along(rows: np.ndarray) -> np.ndarray:
    """Rings [r 3 3] square to a path from rows (x, y, z, half width, half depth)."""
    rows = np.asarray(rows, float)
    path = np.gradient(rows[:, 1:3], axis=0)
    path /= np.linalg.norm(path, axis=1, keepdims=True)
    zero = np.zeros(len(rows))
    up = np.stack([zero, path[:, 1], -path[:, 0]], -1) * rows[:, 4:]
    return np.stack([rows[:, :3], np.stack([rows[:, 3], zero, zero], -1), up], 1)
