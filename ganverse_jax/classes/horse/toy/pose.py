"""How toy horses stand and move: angles of neck, head, legs and tail, drawn together or held still."""

import numpy as np

# The names of a pose's numbers; angles in radians.
POSE = ("phase", "stride", "trot", "neck", "head", "turn", "tail_swing", "tail_lift", "ears")
_LEGS = ("hind_left", "front_left", "hind_right", "front_right")


def still(count: int) -> dict[str, np.ndarray]:
    """The pose [count] of a horse that stands square."""
    return {name: np.zeros(count) for name in POSE}


def sample(unit: np.ndarray) -> dict[str, np.ndarray]:
    """Poses [n] from uniform numbers [n 10]: standing, walking and trotting, heads up, level or grazing.

    The stride is 0 for a horse that stands square and 1 for the longest; trot is 1 where legs move in
    diagonal pairs and 0 for a walk, one leg after another.
    """
    standing, grazing, level = unit[:, 0] < 0.25, unit[:, 1] < 0.13, unit[:, 1] < 0.32
    stride = np.where(standing, 0.25 * unit[:, 2], 0.4 + 0.6 * unit[:, 2])
    stride = np.where(grazing, 0.4 * stride, stride)
    up = np.radians(-22 + 32 * unit[:, 3])
    neck = np.where(level, np.radians(-58 + 30 * unit[:, 3]), up)
    neck = np.where(grazing, np.radians(-96 + 14 * unit[:, 3]), neck)
    centred = 2 * unit[:, 4:10] - 1
    return {
        "phase": unit[:, 9],
        "stride": stride,
        "trot": ((unit[:, 0] > 0.6) & ~grazing) * 1.0,
        "neck": neck,
        "head": -0.62 * neck + np.radians(10) * centred[:, 0],
        "turn": np.radians(26) * centred[:, 1] * np.abs(centred[:, 1]) ** 0.5,
        "tail_swing": np.radians(16) * centred[:, 2],
        "tail_lift": np.radians(12) * (1 + centred[:, 3]) * (0.3 + stride),
        "ears": np.radians(20) * centred[:, 4],
    }


def leg_angles(pose: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Per leg the angles [n] of its joints from the top down, forward positive: "swing", "middle" (the hind
    leg's stifle), "lower" (knee or hock), "fetlock"."""
    angles = {}
    for order, leg in enumerate(_LEGS):
        walk, trot = order / 4, 0.0 if leg in ("hind_left", "front_right") else 0.5
        beat = 2 * np.pi * (pose["phase"] + np.where(pose["trot"] > 0, trot, walk))
        swing = pose["stride"] * np.sin(beat)
        lifted = pose["stride"] * np.maximum(np.cos(beat), 0.0) * (0.75 + 0.25 * pose["trot"])
        if leg.startswith("front"):
            bent = {"swing": 0.42 * swing + 0.30 * lifted, "lower": -1.15 * lifted}
        else:
            bent = {"swing": 0.40 * swing + 0.25 * lifted, "middle": -0.60 * lifted, "lower": 0.45 * lifted}
        angles[leg] = bent | {"fetlock": -0.7 * lifted - 0.25 * np.minimum(swing, 0.0)}
    return angles
