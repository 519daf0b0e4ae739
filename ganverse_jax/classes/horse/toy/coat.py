"""Coats of the toy horses: a colour per vertex, by where it lies on the average horse that stands square."""

import numpy as np

from ganverse_jax.classes.horse.toy import body, pose
from ganverse_jax.classes.horse.toy.dimensions import average
from ganverse_jax.classes.horse.toy.topology import LEGS, PART_OF, PARTS
from ganverse_jax.classes.toy.pigments import blend, step, waves
from ganverse_jax.classes.toy.sampling import choose, pick, vary

COATS = ("bay", "chestnut", "black", "grey", "palomino", "pinto", "buckskin", "flaxen")
_SHARE = np.array([22, 15, 11, 15, 11, 14, 6, 6])
# Body, legs below the knee, mane and tail, muzzle; sRGB in [0, 1].
_COLORS = np.array([
    [(0.47, 0.25, 0.12), (0.10, 0.08, 0.07), (0.08, 0.06, 0.06), (0.20, 0.13, 0.10)],
    [(0.60, 0.29, 0.13), (0.56, 0.27, 0.12), (0.55, 0.26, 0.12), (0.46, 0.25, 0.16)],
    [(0.13, 0.115, 0.12), (0.10, 0.09, 0.09), (0.08, 0.07, 0.08), (0.12, 0.10, 0.10)],
    [(0.74, 0.74, 0.75), (0.42, 0.42, 0.45), (0.86, 0.86, 0.86), (0.35, 0.34, 0.36)],
    [(0.84, 0.62, 0.32), (0.86, 0.70, 0.46), (0.96, 0.91, 0.80), (0.55, 0.40, 0.30)],
    [(0.45, 0.24, 0.13), (0.90, 0.88, 0.84), (0.12, 0.09, 0.08), (0.60, 0.47, 0.42)],
    [(0.76, 0.60, 0.38), (0.12, 0.10, 0.09), (0.09, 0.07, 0.07), (0.22, 0.17, 0.14)],
    [(0.40, 0.20, 0.11), (0.40, 0.21, 0.12), (0.88, 0.78, 0.58), (0.34, 0.20, 0.14)],
])  # fmt: skip
_WHITE = np.array([0.93, 0.92, 0.89])
_PINTO_DARK = np.array([(0.45, 0.24, 0.13), (0.12, 0.105, 0.11), (0.60, 0.30, 0.14)])
REST = body.assemble(average(1), pose.still(1), np.ones(1))[0].astype(np.float32)
_IS = {part.name: PART_OF == k for k, part in enumerate(PARTS)}
_LEG = np.any([_IS[name] for name in LEGS], axis=0)
_HAIR = _IS["mane"] | _IS["tail"] | _IS["forelock"]
_HEAD = _IS["trunk"] & (REST[:, 2] > 0.74)


_LOWER = _LEG * step(0.46, 0.26, REST[:, 1])
_HOOF = _LEG * (REST[:, 1] < 0.03)
# Along the face: 0 at the poll, 1 at the lips; and the line down its middle.
_ALONG = np.clip(((REST[:, 2] - 0.76) + (1.40 - REST[:, 1])) / 0.70, 0, 1)
_MUZZLE = _HEAD * step(0.74, 0.90, _ALONG)
_FACE = _HEAD & (REST[:, 2] + REST[:, 1] > 2.085)


def sample(unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours [n v 3] in [0, 1] of all vertices from uniform numbers [n 25], and the coats [n] (of COATS)."""
    coat, unit = choose(unit[:, 0], _SHARE), unit.astype(np.float32)
    base, legs, hair, muzzle = np.moveaxis(_COLORS[coat].astype(np.float32), 1, 0)
    pinto, grey = coat == COATS.index("pinto"), coat == COATS.index("grey")
    dark = _PINTO_DARK[(3 * unit[:, 1]).astype(int)]
    base, hair = pick(pinto, dark, base), pick(pinto, dark * 0.7, hair)
    hair = pick(grey & (unit[:, 2] < 0.4), np.array([0.30, 0.30, 0.33]), hair)
    base, legs, hair = (vary(color, unit[:, 3:6], 0.06) for color in (base, legs, hair))
    # Greys from steel to white.
    base = base * np.where(grey, 0.62 + 0.62 * unit[:, 6], 1.0)[:, None].clip(0, 1.24)
    shade = 1 + 0.10 * waves(unit[:, 7:13], 7.0, REST) - 0.12 * step(0.62, 0.44, REST[:, 1]) * ~_LEG
    spots = np.sin(27 * REST[:, 2] + 6 * unit[:, 7:8]) * np.sin(31 * REST[:, 1] + 4 * REST[:, 2])
    dapples = 0.10 * spots * (grey & (unit[:, 6] < 0.75))[:, None]
    colors = base[:, None] * (shade + dapples)[..., None]
    colors = blend(colors, legs, np.tile(_LOWER, (len(unit), 1)))
    colors = blend(colors, muzzle, np.tile(_MUZZLE, (len(unit), 1)))
    patches = pinto[:, None] * step(-0.06, 0.06, waves(unit[:, 13:19], 4.2, REST) + 0.2) * ~_HEAD
    colors = blend(colors, _WHITE, patches)
    strands = 1 + 0.14 * np.sin(60 * REST[:, 2] + 9 * np.sin(23 * REST[:, 1]))
    hair = np.where(patches[..., None] * _IS["mane"][:, None] > 0.5, _WHITE, hair[:, None])
    colors = np.where(_HAIR[:, None], hair * strands[:, None], colors)
    colors = blend(colors, _WHITE, _markings(unit[:, 19:25], pinto))
    colors = np.where(_HOOF[:, None], np.where(unit[:, 24:25, None] < 0.5, 0.16, 0.36), colors)
    eye = _IS["eye_left"] | _IS["eye_right"]
    colors = np.where(eye[:, None], np.array([0.04, 0.03, 0.03]), colors)
    return colors.clip(0.02, 0.98).astype(np.float32), coat.astype(np.int32)


def _markings(unit: np.ndarray, pinto: np.ndarray) -> np.ndarray:
    """How white [n v] socks and face are, from uniform numbers [n 6]."""
    white = np.zeros((len(unit), len(REST)))
    for k, leg in enumerate(LEGS):
        # A leg in two has none; else from the pastern to below the knee.
        height = np.where(unit[:, k] < 0.5, 0.0, 0.06 + 0.42 * (unit[:, k] - 0.5)) + 0.3 * pinto
        white += _IS[leg] * step(0.02, -0.02, REST[:, 1] - height[:, None]) * (height > 0)[:, None]
    # None, a star, a stripe or a blaze.
    kind = (unit[:, 4] * 4).astype(int)
    start, stop = np.array([[2, 0.22, 0.2, 0.15], [2, 0.40, 0.85, 1.1]])[:, kind]
    width = np.array([0.0, 0.032, 0.022, 0.042])[kind] * (0.85 + 0.4 * unit[:, 5])
    inside = (_ALONG > start[:, None]) & (_ALONG < stop[:, None])
    return white + _FACE * inside * step(1.25, 0.85, np.abs(REST[:, 0]) / width.clip(1e-3)[:, None])
