"""How toy birds sit and fly, drawn together or held still."""

import numpy as np

# spread: 1 with wings open, and then flying, else 0; flap, pitch, head, turn, tail: angles in radians; perch:
# 1 on a branch, else 0; height: of the feet above the ground, in lengths of the average bird.
POSE = ("spread", "flap", "pitch", "head", "turn", "tail", "perch", "height")


def still(count: int) -> dict[str, np.ndarray]:
    """The pose [count] of a bird that stands on the ground, wings folded, looking ahead."""
    return {name: np.zeros(count) for name in POSE}


def sample(unit: np.ndarray, can_perch: np.ndarray) -> dict[str, np.ndarray]:
    """Poses [n] from uniform numbers [n 9]: perched on a branch, on the ground or the water, pecking, flying.

    can_perch [n]: whether a bird's feet hold on to branches.
    """
    flying = unit[:, 0] < 0.28
    perched = (unit[:, 0] < 0.68) & ~flying & can_perch
    pecking = (unit[:, 1] < 0.22) & ~flying & ~perched
    centred = 2 * unit[:, 2:9] - 1
    pitch = np.radians(10) * centred[:, 0] - np.radians(38) * pecking
    return {
        "spread": flying * 1.0,
        "flap": np.where(flying, np.radians(14 + 34 * centred[:, 1]), 0.0),
        "pitch": np.where(flying, np.radians(-26 + 10 * centred[:, 0]), pitch),
        "head": np.radians(12) * centred[:, 2] - 0.4 * pitch * ~pecking + np.radians(20) * flying,
        "turn": np.radians(65) * centred[:, 3] * np.abs(centred[:, 3]) * np.where(flying, 0.25, 1.0),
        "tail": np.radians(10) * centred[:, 4] + np.radians(8) * perched,
        "perch": perched * 1.0,
        "height": np.where(flying, 2.0 + unit[:, 7], np.where(perched, 1.4 + unit[:, 7], 0.0)),
    }
