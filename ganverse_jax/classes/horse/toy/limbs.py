"""Legs and tail of a toy horse: control rings in units of the height of the average horse's withers."""

import numpy as np

from ganverse_jax.classes.toy import rings

ELBOW = 0.55  # height from which a leg's length is measured

# x, y, z, half width, half depth of each control ring, from inside the body down to the hoof.
_FRONT = rings.along([
    (0.085, 0.78, 0.33, 0.055, 0.09), (0.105, 0.68, 0.33, 0.066, 0.105), (0.115, 0.58, 0.30, 0.062, 0.09),
    (0.115, 0.49, 0.285, 0.052, 0.066), (0.112, 0.40, 0.287, 0.041, 0.049),
    (0.11, 0.335, 0.292, 0.036, 0.039), (0.11, 0.29, 0.295, 0.039, 0.043),
    (0.11, 0.235, 0.288, 0.031, 0.032), (0.11, 0.165, 0.285, 0.028, 0.029),
    (0.11, 0.11, 0.287, 0.034, 0.037), (0.11, 0.068, 0.303, 0.030, 0.031),
    (0.11, 0.042, 0.315, 0.039, 0.042), (0.11, 0.018, 0.322, 0.044, 0.048),
    (0.11, 0.0, 0.326, 0.046, 0.050),
])  # fmt: skip
_HIND = rings.along([
    (0.075, 0.86, -0.39, 0.06, 0.11), (0.105, 0.76, -0.385, 0.085, 0.145),
    (0.115, 0.66, -0.375, 0.088, 0.145), (0.115, 0.565, -0.365, 0.073, 0.118),
    (0.112, 0.48, -0.40, 0.054, 0.079), (0.11, 0.415, -0.445, 0.041, 0.055),
    (0.108, 0.36, -0.482, 0.037, 0.049), (0.107, 0.30, -0.480, 0.033, 0.039),
    (0.107, 0.20, -0.462, 0.030, 0.031), (0.107, 0.115, -0.448, 0.036, 0.038),
    (0.107, 0.070, -0.432, 0.031, 0.032), (0.107, 0.042, -0.420, 0.039, 0.042),
    (0.107, 0.018, -0.413, 0.044, 0.047), (0.107, 0.0, -0.409, 0.046, 0.050),
])  # fmt: skip
_TAIL = rings.along([
    (0.0, 0.885, -0.50, 0.030, 0.030), (0.0, 0.885, -0.56, 0.034, 0.034),
    (0.0, 0.845, -0.625, 0.040, 0.040), (0.0, 0.75, -0.66, 0.052, 0.050), (0.0, 0.63, -0.675, 0.062, 0.060),
    (0.0, 0.50, -0.675, 0.063, 0.062), (0.0, 0.38, -0.665, 0.050, 0.052), (0.0, 0.29, -0.655, 0.030, 0.030),
    (0.0, 0.26, -0.65, 0.008, 0.008),
])  # fmt: skip
# Joints (y, z) and over what height they bend.
_JOINTS = {
    "front": {"swing": (0.68, 0.32, 0.24), "lower": (0.292, 0.293, 0.09), "fetlock": (0.11, 0.288, 0.06)},
    "hind": {
        "swing": (0.76, -0.38, 0.26), "middle": (0.57, -0.33, 0.16), "lower": (0.362, -0.482, 0.09),
        "fetlock": (0.115, -0.446, 0.06),
    },
}  # fmt: skip


def _lengthened(rows: np.ndarray, leg: np.ndarray) -> np.ndarray:
    """Heights [n r] of average heights [r] with legs [n] times as long below the elbow."""
    below = np.minimum(rows, ELBOW)
    return rows + (leg[:, None] - 1) * below


def leg(kind: str, side: float, d: dict, angles: dict[str, np.ndarray]) -> np.ndarray:
    """Control rings [n r 3 3] of a leg; kind "front" or "hind", side 1 for the left, -1 for the right."""
    base = _FRONT if kind == "front" else _HIND
    n, height = len(d["leg"]), base[:, 0, 1]
    result = np.tile(base, (n, 1, 1, 1))
    result[:, :, 0, 0] *= side * d["girth"][:, None]
    result[:, :, 0, 1] = _lengthened(height, d["leg"])
    lower = np.clip((0.62 - height) / 0.2, 0, 1)
    result[:, :, 1:] *= (1 + (d["bone"][:, None] - 1) * lower)[..., None, None]
    result[:, :, 1, 0] *= 1 + (d["girth"][:, None] - 1) * (1 - lower)
    hair = 0.55 * d["feather"][:, None] * np.exp(-(((height - 0.055) / 0.045) ** 2))
    result[:, :, 1:] *= (1 + hair)[..., None, None]
    for name in reversed(_JOINTS[kind]):
        y, z, reach = _JOINTS[kind][name]
        share = np.clip((y - height) / reach + 0.5, 0, 1)
        pivot = np.stack([np.zeros(n), _lengthened(np.array([y]), d["leg"])[:, 0], np.full(n, z)], -1)
        result = rings.turn(result, pivot, angles[name][:, None] * share, "x")
    result[:, :, 0, 2] += (d["length"][:, None] - 1) * base[2, 0, 2]
    return result


def tail(d: dict, pose: dict[str, np.ndarray]) -> np.ndarray:
    """Control rings [n r 3 3] of the tail."""
    n = len(d["leg"])
    result = np.tile(_TAIL, (n, 1, 1, 1))
    drop = np.maximum(_TAIL[2, 0, 1] - _TAIL[:, 0, 1], 0)
    result[:, :, 0, 1] -= (0.35 * (d["hair"][:, None] - 1) * drop).clip(-0.1, 0.1)
    result[:, 2:, 1:] *= (0.7 + 0.3 * d["hair"])[:, None, None, None]
    root, bends = _TAIL[1, 0], np.clip(np.arange(len(_TAIL)) / 4, 0, 1)
    pivot = np.tile(root, (n, 1))
    result = rings.turn(result, pivot, -pose["tail_lift"][:, None] * bends, "x")
    # A swing is a shear: hair hangs.
    result[:, :, 0, 0] += np.tan(pose["tail_swing"])[:, None] * drop
    result[:, :, 0, 1] += ELBOW * (d["leg"][:, None] - 1)
    result[:, :, 0, 2] += (d["length"][:, None] - 1) * -0.5
    return result
