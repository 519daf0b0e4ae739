"""Plumages of the toy birds: a colour per vertex, by where it lies on the average bird with folded wings."""

import numpy as np

from ganverse_jax.classes.bird.toy import body, pose
from ganverse_jax.classes.bird.toy.dimensions import BUILDS, average
from ganverse_jax.classes.bird.toy.topology import ALONG, LOFTS, PART_OF, PARTS
from ganverse_jax.classes.toy.pigments import blend, step, waves
from ganverse_jax.classes.toy.sampling import vary

_FIELDS = ("back", "crown", "face", "breast", "belly", "wing", "tips", "bar", "tail", "beak", "leg")
_DARK, _WHITE = (0.10, 0.10, 0.11), (0.93, 0.92, 0.89)
# Build, then sRGB in [0, 1] in the order of _FIELDS; more or less the birds of those names.
_TABLE = {
    "robin": (
        "songbird", (0.43, 0.36, 0.27), (0.43, 0.36, 0.27), (0.87, 0.43, 0.16), (0.87, 0.43, 0.16), _WHITE,
        (0.40, 0.33, 0.25), (0.31, 0.26, 0.20), (0.46, 0.38, 0.28), (0.36, 0.29, 0.22), (0.16, 0.14, 0.13),
        (0.45, 0.28, 0.20)
    ),
    "great tit": (
        "songbird", (0.45, 0.52, 0.27), _DARK, _WHITE, (0.93, 0.80, 0.22), (0.93, 0.82, 0.35),
        (0.36, 0.45, 0.58), (0.22, 0.26, 0.34), _WHITE, (0.28, 0.34, 0.45), _DARK, (0.40, 0.44, 0.52)
    ),
    "blue tit": (
        "songbird", (0.42, 0.52, 0.32), (0.20, 0.48, 0.82), _WHITE, (0.95, 0.84, 0.30), (0.95, 0.87, 0.42),
        (0.22, 0.46, 0.78), (0.16, 0.30, 0.52), _WHITE, (0.20, 0.42, 0.74), _DARK, (0.36, 0.42, 0.54)
    ),
    "bluebird": (
        "songbird", (0.17, 0.38, 0.80), (0.17, 0.38, 0.80), (0.20, 0.42, 0.82), (0.78, 0.40, 0.22), _WHITE,
        (0.16, 0.36, 0.78), (0.12, 0.20, 0.40), (0.22, 0.45, 0.86), (0.14, 0.32, 0.74), _DARK,
        (0.20, 0.18, 0.18)
    ),
    "cardinal": (
        "finch", (0.70, 0.13, 0.11), (0.84, 0.12, 0.09), _DARK, (0.86, 0.14, 0.10), (0.84, 0.16, 0.12),
        (0.66, 0.12, 0.11), (0.46, 0.10, 0.10), (0.74, 0.16, 0.13), (0.68, 0.11, 0.10), (0.92, 0.42, 0.16),
        (0.45, 0.30, 0.26)
    ),
    "goldfinch": (
        "finch", (0.70, 0.53, 0.33), _DARK, (0.80, 0.12, 0.12), (0.86, 0.76, 0.62), _WHITE,
        (0.12, 0.11, 0.11), (0.12, 0.11, 0.11), (0.96, 0.82, 0.15), (0.12, 0.11, 0.11), (0.90, 0.80, 0.70),
        (0.80, 0.60, 0.50)
    ),
    "sparrow": (
        "finch", (0.52, 0.36, 0.21), (0.44, 0.28, 0.16), (0.78, 0.75, 0.70), (0.60, 0.55, 0.50),
        (0.80, 0.77, 0.72), (0.55, 0.35, 0.19), (0.34, 0.25, 0.17), _WHITE, (0.38, 0.29, 0.21),
        (0.22, 0.20, 0.18), (0.62, 0.44, 0.36)
    ),
    "canary": (
        "finch", (0.86, 0.74, 0.20), (0.96, 0.84, 0.24), (0.97, 0.86, 0.28), (0.97, 0.85, 0.25),
        (0.98, 0.92, 0.60), (0.84, 0.74, 0.28), (0.62, 0.58, 0.32), (0.98, 0.93, 0.66), (0.80, 0.72, 0.28),
        (0.94, 0.66, 0.52), (0.90, 0.62, 0.52)
    ),
    "crow": (
        "crow", _DARK, _DARK, _DARK, _DARK, _DARK, (0.12, 0.12, 0.15), (0.09, 0.09, 0.11),
        (0.13, 0.13, 0.17), (0.10, 0.10, 0.12), (0.09, 0.09, 0.09), (0.12, 0.12, 0.12)
    ),
    "magpie": (
        "crow", _DARK, _DARK, _DARK, _DARK, _WHITE, (0.13, 0.22, 0.38), (0.10, 0.14, 0.24), _WHITE,
        (0.10, 0.22, 0.26), (0.09, 0.09, 0.09), (0.12, 0.12, 0.12)
    ),
    "jay": (
        "crow", (0.66, 0.50, 0.44), (0.72, 0.62, 0.56), (0.74, 0.58, 0.50), (0.72, 0.55, 0.48),
        (0.86, 0.78, 0.72), (0.62, 0.48, 0.42), (0.12, 0.12, 0.13), (0.25, 0.55, 0.90), _DARK,
        (0.14, 0.13, 0.13), (0.55, 0.42, 0.36)
    ),
    "pigeon": (
        "pigeon", (0.60, 0.63, 0.69), (0.36, 0.41, 0.50), (0.38, 0.43, 0.52), (0.42, 0.46, 0.50),
        (0.58, 0.61, 0.67), (0.64, 0.67, 0.73), (0.40, 0.42, 0.48), (0.16, 0.17, 0.20), (0.46, 0.49, 0.56),
        (0.24, 0.22, 0.22), (0.80, 0.30, 0.30)
    ),
    "dove": (
        "pigeon", (0.80, 0.72, 0.64), (0.85, 0.78, 0.72), (0.86, 0.79, 0.73), (0.86, 0.74, 0.70), _WHITE,
        (0.80, 0.71, 0.62), (0.45, 0.40, 0.37), (0.88, 0.82, 0.75), (0.74, 0.67, 0.60), (0.20, 0.18, 0.18),
        (0.76, 0.34, 0.34)
    ),
    "gull": (
        "gull", (0.62, 0.66, 0.71), _WHITE, _WHITE, _WHITE, _WHITE, (0.64, 0.68, 0.73), (0.11, 0.11, 0.12),
        _WHITE, _WHITE, (0.95, 0.75, 0.20), (0.92, 0.66, 0.62)
    ),
    "heron": (
        "wader", (0.52, 0.56, 0.62), (0.16, 0.17, 0.20), _WHITE, (0.74, 0.75, 0.77), (0.86, 0.86, 0.86),
        (0.54, 0.58, 0.64), (0.17, 0.18, 0.21), (0.62, 0.66, 0.72), (0.48, 0.52, 0.58), (0.92, 0.70, 0.25),
        (0.52, 0.45, 0.32)
    ),
    "flamingo": (
        "wader", (0.95, 0.60, 0.58), (0.96, 0.66, 0.64), (0.96, 0.68, 0.66), (0.96, 0.64, 0.62),
        (0.96, 0.74, 0.72), (0.93, 0.45, 0.45), (0.16, 0.12, 0.13), (0.90, 0.32, 0.34), (0.95, 0.62, 0.60),
        (0.86, 0.72, 0.70), (0.92, 0.56, 0.56)
    ),
    "egret": (
        "wader", *[_WHITE] * 9, (0.94, 0.72, 0.20), (0.14, 0.14, 0.14)
    ),
    "mallard": (
        "duck", (0.55, 0.52, 0.48), (0.06, 0.34, 0.23), (0.06, 0.36, 0.25), (0.36, 0.20, 0.14),
        (0.76, 0.74, 0.72), (0.52, 0.47, 0.42), (0.36, 0.32, 0.29), (0.22, 0.34, 0.78), (0.16, 0.15, 0.15),
        (0.90, 0.78, 0.22), (0.95, 0.50, 0.15)
    ),
    "goose": (
        "duck", *[_WHITE] * 9, (0.96, 0.58, 0.16), (0.96, 0.55, 0.15)
    ),
    "buzzard": (
        "hawk", (0.40, 0.28, 0.18), (0.44, 0.31, 0.20), (0.52, 0.39, 0.27), (0.72, 0.56, 0.40),
        (0.86, 0.77, 0.64), (0.38, 0.26, 0.17), (0.22, 0.16, 0.12), (0.50, 0.38, 0.27), (0.48, 0.34, 0.22),
        (0.20, 0.19, 0.18), (0.93, 0.76, 0.22)
    ),
    "eagle": (
        "hawk", (0.26, 0.18, 0.13), _WHITE, _WHITE, (0.27, 0.19, 0.14), (0.25, 0.18, 0.13),
        (0.24, 0.17, 0.12), (0.15, 0.11, 0.09), (0.28, 0.20, 0.15), _WHITE, (0.96, 0.78, 0.20),
        (0.95, 0.76, 0.20)
    ),
}  # fmt: skip
PLUMAGES = tuple(_TABLE)
BUILD_OF = np.array([BUILDS.index(row[0]) for row in _TABLE.values()])
_COLORS = np.array([row[1:] for row in _TABLE.values()], np.float32)
REST = body.assemble(average(1), pose.still(1))[0].astype(np.float32)


def _of(*prefixes: str) -> np.ndarray:
    return np.isin(PART_OF, [k for k, part in enumerate(PARTS) if part.name.startswith(prefixes)])


_TRUNK, _WING, _TAIL = _of("trunk"), _of("wing"), _of("tail")
_X, _Y, _Z = np.abs(REST[:, 0]), REST[:, 1], REST[:, 2]
_HEAD = _TRUNK * step(0.66, 0.74, _Y + 0.25 * (_Z - 0.3))
_CROWN = _TRUNK * step(0.845, 0.875, _Y + 0.10 * (0.30 - _Z))
# How far below the line from the tail's root to the throat: 0 on the back, 1 on the breast and the belly.
_BELOW = step(-0.02, 0.05, 0.30 + 0.62 * (_Z + 0.35) - _Y)
_LOW = step(0.10, -0.06, _Z + 0.45 * (_Y - 0.30))
_ACROSS = np.zeros(len(REST))  # place across a wing, from its lower edge (its leading one when spread) to 1
for _part in PARTS:
    if _part.name.startswith("wing"):
        _rings, _columns = LOFTS[_part.name]
        _half = (np.arange(_columns // 2) + 0.5) / (_columns // 2)
        _ring = np.concatenate([_half, _half[::-1]])
        _ACROSS[_part.vertices] = np.tile(1 - _ring, _rings)
_TIPS = _WING * np.maximum(
    step(0.60, 0.72, ALONG), step(0.72, 0.62, _ACROSS + 0.0 * ALONG) * step(0.45, 0.6, ALONG)
)
_BAR = _WING * step(0.06, 0.03, np.abs(ALONG + 0.12 * _ACROSS - 0.42))


def sample(unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours [n v 3] in [0, 1] of all vertices from uniform numbers [n 16], and the plumages [n]."""
    kind, unit = (unit[:, 0] * len(PLUMAGES)).astype(np.int32), unit.astype(np.float32)
    fields = [vary(_COLORS[kind, k], unit[:, 1:4], 0.05) for k in range(len(_FIELDS))]
    color = dict(zip(_FIELDS, fields, strict=True))
    colors = np.tile(color["back"][:, None], (1, len(REST), 1))
    colors = blend(colors, color["breast"], _TRUNK * _BELOW)
    colors = blend(colors, color["belly"], _TRUNK * _BELOW * _LOW)
    colors = blend(colors, color["face"], _HEAD)
    colors = blend(colors, color["crown"], _CROWN)
    mottled = 1 + 0.08 * waves(unit[:, 4:10], 14.0, REST)
    colors = colors * mottled[..., None]
    colors = blend(colors, color["wing"], _WING * 1.0)
    colors = blend(colors, color["tips"], _TIPS)
    colors = blend(colors, color["bar"], _BAR)
    colors = blend(colors, color["tail"], _TAIL * 1.0)
    feathers = 1 + 0.09 * np.sin(38 * _ACROSS + 5 * ALONG) * _WING * step(0.35, 0.6, ALONG)
    feathers = feathers * (1 - 0.18 * _TAIL * step(0.75, 0.95, ALONG))
    colors = colors * feathers[:, None]
    colors = blend(colors, color["beak"], _of("beak") * 1.0)
    colors = blend(
        colors,
        color["leg"],
        (_of("leg") * step(0.26, 0.2, _Y) + _of("inner", "middle", "outer", "hind")).clip(0, 1),
    )
    colors = blend(colors, color["belly"], _of("leg") * step(0.2, 0.26, _Y))
    colors = blend(colors, np.array([0.05, 0.04, 0.04]), _of("eye") * 1.0)
    return colors.clip(0.02, 0.98).astype(np.float32), kind
