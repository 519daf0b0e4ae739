"""Colours [n v 3] per vertex, from where a vertex lies on the average animal that stands still."""

import numpy as np


def step(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """Cubic Hermite step of x: 0 at `low`, 1 at `high`, which may be the smaller one."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def waves(unit: np.ndarray, frequency: float, points: np.ndarray) -> np.ndarray:
    """Smooth noise [n v] in about [-1, 1] at points [v 3]: plane waves, turned and shifted by unit [n 6]."""
    total = 0.0
    for k in range(3):
        turn, phase = 2 * np.pi * unit[:, 2 * k : 2 * k + 2].T
        direction = np.stack([np.sin(turn) * 0.8, np.cos(turn) * (0.7 + 0.3 * k), np.sin(turn + 1.9 * k)], -1)
        total = total + np.sin(frequency * (1 + 0.35 * k) * direction @ points.T + phase[:, None])
    return total / 2


def blend(colors: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Colours [n v 3] mixed with `other` [n 3] or [3] by share [n v] or [v]."""
    return colors + (other.reshape(-1, 1, 3) - colors) * share[..., None]
