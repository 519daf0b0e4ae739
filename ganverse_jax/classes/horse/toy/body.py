"""Parametric toy horses: one topology for every horse, vertices as a function of dimensions and pose.

Trunk, neck and head are one loft whose rings run from the upper to the lower outline of the profile; legs,
tail, mane, forelock, ears and eyes are lofts of their own that begin inside it. Lengths in units of the
height of the average horse's withers, y = 0 on the ground; `build` scales, and centres by the bounding box.
"""

import numpy as np

from ganverse_jax.classes.horse.toy import limbs
from ganverse_jax.classes.horse.toy.pose import leg_angles
from ganverse_jax.classes.horse.toy.topology import COLUMNS, LOFTS
from ganverse_jax.classes.toy import rings

SCALE = 0.98  # world units
_REACH = 1.03  # at most, from the centre: a sphere of it is in the picture at 0.96 of the nominal distance
_BASE, _POLL, _HEAD = 8, 12, 13  # rings where the neck, the poll, the head begin
# z, y of the upper outline, z, y of the lower one, half width: from the rump to the lips.
_TRUNK = rings.upright([
    (-0.555, 0.83, -0.565, 0.74, 0.04), (-0.535, 0.90, -0.565, 0.62, 0.12),
    (-0.44, 0.968, -0.49, 0.51, 0.190), (-0.25, 0.990, -0.28, 0.515, 0.208),
    (-0.06, 0.950, -0.07, 0.480, 0.212), (0.11, 0.940, 0.10, 0.455, 0.200),
    (0.25, 0.985, 0.26, 0.455, 0.178), (0.35, 1.020, 0.42, 0.500, 0.165), (0.41, 1.075, 0.53, 0.620, 0.135),
    (0.475, 1.155, 0.59, 0.79, 0.100), (0.555, 1.245, 0.655, 0.945, 0.080),
    (0.645, 1.330, 0.715, 1.075, 0.068), (0.735, 1.385, 0.760, 1.140, 0.062),
    (0.815, 1.390, 0.790, 1.110, 0.073), (0.885, 1.335, 0.815, 1.085, 0.076),
    (0.940, 1.255, 0.862, 1.045, 0.064), (0.995, 1.165, 0.922, 1.005, 0.050),
    (1.040, 1.085, 0.970, 0.965, 0.045), (1.058, 1.035, 1.000, 0.942, 0.043),
    (1.050, 1.000, 1.018, 0.945, 0.028),
])  # fmt: skip
_FORELOCK = rings.along([
    (0.0, 1.385, 0.765, 0.020, 0.016), (0.0, 1.402, 0.815, 0.032, 0.020), (0.0, 1.365, 0.880, 0.034, 0.020),
    (0.0, 1.300, 0.925, 0.024, 0.014), (0.0, 1.255, 0.948, 0.006, 0.005),
])  # fmt: skip
_EAR = rings.along([
    (0.043, 1.350, 0.790, 0.026, 0.020), (0.047, 1.395, 0.792, 0.031, 0.023),
    (0.052, 1.450, 0.797, 0.026, 0.018), (0.055, 1.510, 0.806, 0.005, 0.005),
])  # fmt: skip
_EYE = np.array([[(x, 1.262, 0.893), (0, 0.022 * r, 0), (0, 0, 0.022 * r)]
                 for x, r in ((0.050, 0.9), (0.066, 0.9), (0.074, 0.3))])  # fmt: skip
# Share of the neck's and of the head's angle that every ring turns by.
_NECK_SHARE = {7: 0.14, 8: 0.2, 9: 0.2, 10: 0.18, 11: 0.16, 12: 0.12}
_HEAD_SHARE = {11: 0.15, 12: 0.4, 13: 0.45}
_TURN_SHARE = {8: 0.15, 9: 0.2, 10: 0.2, 11: 0.2, 12: 0.15, 13: 0.1}


def _mane(trunk: np.ndarray, d: dict, side: np.ndarray) -> np.ndarray:
    """Rings [n r 3 3] of hair from the withers to the poll that falls to one side [n] (1 or -1)."""
    crest = trunk[:, 7 : _POLL + 1]
    centre, width, up = crest[:, :, 0], crest[:, :, 1, :1], crest[:, :, 2]
    length = (np.array([0.04, 0.35, 0.7, 0.85, 0.9, 0.7]) * d["hair"][:, None])[..., None]
    top = centre + up + 0.04 * length.clip(0, 1) * up / np.linalg.norm(up, axis=-1, keepdims=True)
    low = centre + up * (1 - 0.75 * length).clip(-0.6, 1.0)
    low[..., 0] += side[:, None] * (width[..., 0] + 0.012) * length[..., 0].clip(0, 1)
    thick = np.zeros_like(centre)
    thick[..., 0] = 0.40 * width[..., 0] * length[..., 0].clip(0.1, 1) + 0.006
    return np.stack([(top + low) / 2, thick, (top - low) / 2], 2)


def _front(d: dict, mane_side: np.ndarray, ears: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Control rings [n r 3 3] of trunk, mane, forelock, ears and eyes in the rest pose, and the ring of the
    trunk [r] that each follows."""
    n = len(mane_side)
    head = [_FORELOCK, _EAR, rings.mirrored(_EAR), _EYE, _mirrored_eye()]
    order = np.arange(len(_TRUNK))
    follow = np.concatenate([order, *(np.full(len(part), ring) for part, ring in
                                      zip(head, (13, 13, 13, 14, 14), strict=True))])  # fmt: skip
    result = np.tile(np.concatenate([_TRUNK, *head]), (n, 1, 1, 1))
    body = follow < _BASE
    result[:, body, 1] *= d["girth"][:, None, None]
    low = result[:, body, 2] * (d["depth"][:, None, None] - 1)
    result[:, body, 0], result[:, body, 2] = result[:, body, 0] - low, result[:, body, 2] + low
    neck = (follow >= _BASE) & (follow <= _POLL)
    blend = np.interp(follow[neck], [_BASE, 10, _POLL], [1, 1, 0.2])
    thick = 1 + (d["crest"][:, None] - 1) * blend
    result[:, neck, 1:] *= thick[..., None, None]
    skull, poll = follow >= _HEAD, result[:, _POLL, 0]
    result[:, skull] *= d["head"][:, None, None, None]
    result[:, skull, 0] += (poll * (1 - d["head"][:, None]))[:, None]
    reach = result[:, np.clip(follow, _BASE, _POLL), 0] - result[:, _BASE : _BASE + 1, 0]
    result[:, :, 0] += (d["neck"][:, None, None] - 1) * reach
    for first in (len(_TRUNK) + len(_FORELOCK), len(_TRUNK) + len(_FORELOCK) + len(_EAR)):
        rows = slice(first, first + len(_EAR))
        result[:, rows] = rings.turn(
            result[:, rows], result[:, first, 0], np.tile(ears[:, None], len(_EAR)), "x"
        )
    mane = _mane(result[:, : len(_TRUNK)], d, mane_side)
    return np.concatenate([result, mane], 1), np.concatenate([follow, np.arange(7, _POLL + 1)])


def _mirrored_eye() -> np.ndarray:
    # Along -x the half axes change places.
    return (_EYE * np.array([-1.0, 1.0, 1.0]))[:, [0, 2, 1]]


def _bent(front: np.ndarray, follow: np.ndarray, pose: dict[str, np.ndarray]) -> np.ndarray:
    """The rings with neck and head in their pose: ring by ring, from the head down to the withers."""
    for ring in range(_HEAD, 6, -1):
        moves = (follow >= ring) * 1.0
        pivot = front[:, ring, 0].copy()
        turn = pose["turn"] * _TURN_SHARE.get(ring, 0.0)
        pitch = pose["neck"] * _NECK_SHARE.get(ring, 0.0) + pose["head"] * _HEAD_SHARE.get(ring, 0.0)
        front = rings.turn(front, pivot, turn[:, None] * moves, "y")
        front = rings.turn(front, pivot, pitch[:, None] * moves, "x")
    return front


def assemble(d: dict, pose: dict[str, np.ndarray], mane_side: np.ndarray) -> np.ndarray:
    """Vertices [n v 3] in units of the average horse, y = 0 on the ground of one that stands."""
    front, follow = _front(d, mane_side, pose["ears"])
    front = _bent(front, follow, pose)
    front[:, :, 0, 1] += limbs.ELBOW * (d["leg"][:, None] - 1)
    stretched = np.clip(_TRUNK[follow, 0, 2], -0.5, 0.4)
    front[:, :, 0, 2] += (d["length"][:, None] - 1) * stretched
    counts = [len(_TRUNK), len(_FORELOCK), len(_EAR), len(_EAR), len(_EYE), len(_EYE)]
    trunk, forelock, ear_left, ear_right, eye_left, eye_right, mane = np.split(front, np.cumsum(counts), 1)
    angles = leg_angles(pose)
    controls = {
        "trunk": trunk, "mane": mane, "forelock": forelock, "tail": limbs.tail(d, pose), "ear_left": ear_left,
        "ear_right": ear_right, "eye_left": eye_left, "eye_right": eye_right,
    }  # fmt: skip
    for kind in ("front", "hind"):
        for name, side in (("left", 1.0), ("right", -1.0)):
            part = f"{kind}_{name}"
            controls[part] = limbs.leg(kind, side, d, angles[part])
    return np.concatenate(
        [
            rings.skin(controls[name], rings.spline(controls[name].shape[1], count), COLUMNS[name])
            for name, count in LOFTS.items()
        ],
        1,
    )


def build(d: dict, pose: dict, mane_side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [n v 3] float32 centred by bounding box, and the height [n] of the ground under them."""
    vertices = assemble(d, pose, mane_side) * (SCALE * d["size"])[:, None, None]
    vertices -= ((vertices.min(1) + vertices.max(1)) / 2)[:, None]
    # A few of the largest, with their heads stretched out, would be cut off.
    reach = np.sqrt((vertices**2).sum(-1).max(1))
    vertices *= np.minimum(1.0, _REACH / reach)[:, None, None]
    return vertices.astype(np.float32), vertices[:, :, 1].min(1)
