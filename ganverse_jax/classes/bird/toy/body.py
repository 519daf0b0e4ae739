"""Parametric toy birds: one topology for every bird, vertices as a function of dimensions and pose.

Trunk, neck and head are one loft from the rump to the face; beak, eyes, wings, tail, legs and toes are lofts
of their own that begin inside it. Lengths in units of the average songbird's, y = 0 under its feet; `build`
scales every bird to the same reach, and centres it by its bounding box.
"""

import numpy as np

from ganverse_jax.classes.bird.toy import limbs
from ganverse_jax.classes.bird.toy.topology import LOFTS
from ganverse_jax.classes.toy import rings

_REACH = 1.0  # from the centre: a sphere of it is in the picture at 0.96 of the nominal distance
_BASE, _NAPE, _HEAD = 6, 8, 9  # rings where the neck begins, where the head turns, where it begins
# z, y of the upper outline, z, y of the lower one, half width: from the rump to the face.
_TRUNK = rings.upright([
    (-0.425, 0.315, -0.415, 0.275, 0.028), (-0.385, 0.375, -0.355, 0.225, 0.088),
    (-0.275, 0.460, -0.235, 0.180, 0.150), (-0.120, 0.550, -0.080, 0.158, 0.196),
    (0.020, 0.622, 0.090, 0.172, 0.212), (0.110, 0.680, 0.235, 0.255, 0.200),
    (0.160, 0.725, 0.325, 0.370, 0.178), (0.180, 0.768, 0.365, 0.470, 0.156),
    (0.188, 0.815, 0.382, 0.548, 0.144), (0.208, 0.868, 0.400, 0.600, 0.144),
    (0.252, 0.915, 0.425, 0.638, 0.144), (0.315, 0.936, 0.452, 0.660, 0.136),
    (0.380, 0.922, 0.474, 0.680, 0.117), (0.438, 0.880, 0.492, 0.704, 0.088),
    (0.480, 0.828, 0.504, 0.742, 0.046),
])  # fmt: skip
_BEAK = rings.along([
    (0.0, 0.778, 0.430, 0.055, 0.058), (0.0, 0.777, 0.490, 0.044, 0.046), (0.0, 0.772, 0.545, 0.030, 0.031),
    (0.0, 0.765, 0.590, 0.016, 0.018), (0.0, 0.760, 0.625, 0.004, 0.005),
])  # fmt: skip
_EYE = np.array([[(x, 0.820, 0.390), (0, 0.030 * r, 0), (0, 0, 0.030 * r)]
                 for x, r in ((0.075, 0.95), (0.121, 0.95), (0.138, 0.45))])  # fmt: skip
_PITCH_SHARE = {7: 0.3, 8: 0.4, 9: 0.3}


def _front(d: dict) -> tuple[list[np.ndarray], np.ndarray]:
    """Control rings of trunk, beak and eyes in the rest pose, and the ring of the trunk that each follows."""
    eyes = [_EYE, rings.mirrored(_EYE)]
    follow = np.concatenate([np.arange(len(_TRUNK)), *(np.full(len(p), 12) for p in (_BEAK, *eyes))])
    front = np.tile(np.concatenate([_TRUNK, _BEAK, *eyes]), (len(d["girth"]), 1, 1, 1))
    beak = slice(len(_TRUNK), len(_TRUNK) + len(_BEAK))
    place = np.linspace(0, 1, len(_BEAK))
    front[:, beak, 0, 2] = 0.45 + (front[:, beak, 0, 2] - 0.45) * d["beak"][:, None]
    front[:, beak, 0, 1] -= d["hook"][:, None] * place**2
    front[:, beak, 1:] *= d["stout"][:, None, None, None]
    front[:, beak, 1] *= (1 + d["flat"][:, None] * place)[..., None]
    front[:, beak, 2] *= (1 - 0.45 * d["flat"][:, None] * place)[..., None]
    # A duck's is as wide at its tip.
    front[:, beak, 1, 0] = np.maximum(front[:, beak, 1, 0], 0.040 * d["flat"][:, None])
    front[:, beak, 2, 1] = np.maximum(front[:, beak, 2, 1], 0.012 * d["flat"][:, None])
    blend = np.interp(follow, [_BASE - 1, _HEAD], [1.0, 0.0])
    front[:, :, 1] *= (1 + (d["girth"][:, None] - 1) * blend)[..., None]
    slim = 1 - np.minimum(0.5, 1.1 * d["neck"])[:, None] * np.interp(follow, [5, 7, 8, 9], [0, 1, 1, 0.3])
    front[:, :, 1:] *= slim.clip(0, 1)[..., None, None]
    # The head shrinks about its lower edge behind, the neck towards it; a longer neck is drawn upwards.
    small = 1 + (d["head"][:, None] - 1) * np.interp(follow, [_BASE - 1, _NAPE], [0.0, 1.0])
    pivot = np.array([0.0, 0.70, 0.27])
    moved = follow >= _BASE
    front[:, moved, 0] = pivot + (front[:, moved, 0] - pivot) * small[:, moved, None]
    front[:, :, 1:] *= small[..., None, None]
    rise = np.interp(follow, [_BASE - 1, _HEAD], [0.0, 1.0]) * d["neck"][:, None]
    front[:, :, 0, 1] += rise
    front[:, :, 0, 2] += 0.22 * rise
    return front, follow


def _looking(front: np.ndarray, follow: np.ndarray, pose: dict[str, np.ndarray]) -> np.ndarray:
    for ring in (9, 8, 7):
        moves, pivot = (follow >= ring) * 1.0, front[:, ring, 0].copy()
        front = rings.turn(front, pivot, (pose["turn"] * _PITCH_SHARE[ring])[:, None] * moves, "y")
        front = rings.turn(front, pivot, (pose["head"] * _PITCH_SHARE[ring])[:, None] * moves, "x")
    return front


def assemble(d: dict, pose: dict[str, np.ndarray]) -> np.ndarray:
    """Vertices [n v 3] in units of the average bird, y = 0 under its feet."""
    n, slope = len(d["girth"]), np.radians(d["slope"])
    front, follow = _front(d)
    level = dict(pose, head=pose["head"] - 0.8 * slope)
    front = _looking(front, follow, level)
    trunk, beak, left, right = np.split(front, np.cumsum([len(_TRUNK), len(_BEAK), len(_EYE)]), 1)
    wing = limbs.wing(d, pose)
    controls = {"trunk": trunk, "beak": beak, "tail": limbs.tail(d, pose), "wing_left": wing,
                "wing_right": rings.mirrored(wing), "eye_left": left, "eye_right": right}  # fmt: skip
    hip = np.tile([0.0, limbs.HIP + 0.03, -0.03], (n, 1))
    for name, part in controls.items():
        angle = np.tile((slope + pose["pitch"])[:, None], part.shape[1])
        # An open wing keeps its angle to the wind.
        if name.startswith("wing"):
            angle = np.where(pose["spread"][:, None] > 0, 0.2 * angle, angle)
        part = rings.turn(part, hip, angle, "x")
        part[:, :, 0, 1] += limbs.HIP * (d["leg"][:, None] - 1)
        controls[name] = part
    controls |= limbs.legs(d, pose)
    return np.concatenate(
        [
            rings.skin(controls[name], rings.spline(controls[name].shape[1], count), columns)
            for name, (count, columns) in LOFTS.items()
        ],
        1,
    )


def build(d: dict, pose: dict[str, np.ndarray], size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [n v 3] float32 centred by bounding box, and the scales [n] by which they grew.

    size [n]: the reach of every bird as a share of the largest.
    """
    vertices = assemble(d, pose)
    vertices -= ((vertices.min(1) + vertices.max(1)) / 2)[:, None]
    scale = _REACH * size / np.sqrt((vertices**2).sum(-1).max(1))
    return (vertices * scale[:, None, None]).astype(np.float32), scale
