"""Wings, tail, legs and toes of a toy bird: control rings in units of the average bird's length."""

import numpy as np

from ganverse_jax.classes.bird.toy.topology import TOES
from ganverse_jax.classes.toy import rings

HIP = 0.24  # the height from which a leg's length is measured
_FOLDED = rings.along([
    (0.150, 0.560, 0.225, 0.020, 0.030), (0.183, 0.545, 0.185, 0.040, 0.085),
    (0.196, 0.520, 0.10, 0.038, 0.130), (0.192, 0.475, -0.03, 0.036, 0.140),
    (0.165, 0.425, -0.16, 0.032, 0.118), (0.118, 0.372, -0.29, 0.026, 0.085),
    (0.085, 0.325, -0.41, 0.020, 0.052), (0.060, 0.295, -0.50, 0.013, 0.030),
    (0.050, 0.280, -0.55, 0.006, 0.008),
])  # fmt: skip
# Folded wings lean on the back with their upper edge.
_FOLDED[:, 2, 0], _FOLDED[:, 1, 1] = -0.42 * _FOLDED[:, 2, 1], 0.42 * _FOLDED[:, 1, 0]
# Of a spread wing: place along the span, z of its middle, half thickness, half chord.
_SPREAD = np.array([
    (0.0, 0.10, 0.036, 0.120), (0.13, 0.11, 0.032, 0.150), (0.28, 0.13, 0.026, 0.155),
    (0.42, 0.15, 0.022, 0.150), (0.56, 0.12, 0.018, 0.142), (0.70, 0.06, 0.014, 0.125),
    (0.83, -0.02, 0.011, 0.100), (0.94, -0.11, 0.008, 0.062), (1.0, -0.17, 0.005, 0.018),
])  # fmt: skip
_TAIL = rings.along([
    (0.0, 0.330, -0.30, 0.075, 0.050), (0.0, 0.310, -0.38, 0.070, 0.034), (0.0, 0.285, -0.47, 0.072, 0.020),
    (0.0, 0.255, -0.58, 0.086, 0.014), (0.0, 0.225, -0.69, 0.100, 0.012), (0.0, 0.203, -0.77, 0.104, 0.010),
    (0.0, 0.196, -0.795, 0.085, 0.006),
])  # fmt: skip
_LEG = rings.along([
    (0.080, 0.340, -0.02, 0.050, 0.060), (0.085, 0.265, -0.035, 0.046, 0.054),
    (0.085, 0.200, -0.045, 0.026, 0.030), (0.085, 0.155, -0.045, 0.015, 0.016),
    (0.085, 0.090, -0.025, 0.0125, 0.0125), (0.085, 0.030, -0.003, 0.0125, 0.0125),
    (0.085, 0.006, 0.005, 0.013, 0.013),
])  # fmt: skip
_DIRECTIONS = dict(zip(TOES, np.radians([-34.0, 0.0, 34.0, 176.0]), strict=True))


def wing(d: dict, pose: dict[str, np.ndarray]) -> np.ndarray:
    """Control rings [n 9 3 3] of the left wing, folded or spread: its upper edge when folded is the hind
    one when spread, as a bird's is."""
    n = len(d["girth"])
    folded = np.tile(_FOLDED, (n, 1, 1, 1))
    folded[:, :, 0, 0] *= d["girth"][:, None]
    place, z, thick, chord = _SPREAD.T
    # The hand bends half as far again as the arm.
    angle = pose["flap"][:, None] * (1.1 - 0.7 * place)
    steps = np.diff(place, prepend=0.0)
    cos, sin = np.cos(angle), np.sin(angle)
    reach, rise = (d["span"][:, None] * 0.86 * np.cumsum(steps * along, 1) for along in (cos, sin))
    spread = np.zeros((n, len(place), 3, 3))
    spread[:, :, 0, 0] = reach + 0.10 * d["girth"][:, None]
    spread[:, :, 0, 1], spread[:, :, 0, 2] = 0.52 + rise, z
    spread[:, :, 1, 0], spread[:, :, 1, 1] = -sin * thick, cos * thick
    spread[:, :, 2, 2] = chord
    return np.where(pose["spread"][:, None, None, None] > 0, spread, folded)


def tail(d: dict, pose: dict[str, np.ndarray]) -> np.ndarray:
    """Control rings [n 7 3 3] of the tail's fan, which opens in flight."""
    result = np.tile(_TAIL, (len(d["tail"]), 1, 1, 1))
    root = result[:, :1, 0].copy()
    result[:, :, 0] = root + (result[:, :, 0] - root) * (0.25 + 0.75 * d["tail"])[:, None, None]
    opened = np.linspace(0, 1, len(_TAIL)) * (d["fan"] * (1 + 0.9 * pose["spread"]) - 1)[:, None]
    result[:, :, 1] *= (1 + opened)[..., None]
    return rings.turn(result, root[:, 0], -pose["tail"][:, None] * np.ones(len(_TAIL)), "x")


def _toes(d: dict) -> dict[str, np.ndarray]:
    toes = {}
    for name, angle in _DIRECTIONS.items():
        length = 0.085 if name == "hind" else 0.125 if name == "middle" else 0.11
        forward = np.array([np.sin(angle), 0.0, np.cos(angle)])
        aside = np.array([np.cos(angle), 0.0, -np.sin(angle)])
        rows = []
        for place, half in ((-0.06, 0.010), (0.3, 0.014), (0.75, 0.012), (1.0, 0.004)):
            centre = np.array([0.085, 0.012, 0.005]) + forward * length * place
            rows.append((centre, aside * half, np.array([0.0, 0.8 * half, 0.0])))
        result = np.tile(np.array(rows), (len(d["leg"]), 1, 1, 1))
        result[:, :, 1:] *= d["shank"][:, None, None, None]
        toes[name] = result
    return toes


def legs(d: dict, pose: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Control rings of both legs and all toes by their parts' names, the feet at y = 0 or drawn up."""
    leg = np.tile(_LEG, (len(d["leg"]), 1, 1, 1))
    thin = np.clip((0.22 - _LEG[:, 0, 1]) / 0.06, 0, 1)
    leg[:, :, 1:] *= (1 + (d["shank"][:, None] - 1) * thin)[..., None, None]
    leg[:, :, 0, 1] *= 1 + (d["leg"][:, None] - 1) * np.clip(HIP / np.maximum(_LEG[:, 0, 1], HIP), 0, 1)
    top = _LEG[:, 0, 1] > HIP
    leg[:, top, 0, 1] = _LEG[top, 0, 1] + HIP * (d["leg"][:, None] - 1)
    left = {"leg": leg} | {f"{toe}_toe": part for toe, part in _toes(d).items()}
    hip = np.stack([np.zeros(len(d["leg"])), HIP * d["leg"], np.full(len(d["leg"]), -0.04)], -1)
    parts = {}
    for name, part in left.items():
        part[:, :, 0, 0] *= d["girth"][:, None]
        # In flight the legs trail under the tail.
        below = np.clip((hip[:, None, 1] + 0.03 - part[:, :, 0, 1]) / 0.06, 0, 1)
        part = rings.turn(part, hip, -1.5 * pose["spread"][:, None] * below, "x")
        parts |= {f"{name}_left": part, f"{name}_right": rings.mirrored(part)}
    return parts
