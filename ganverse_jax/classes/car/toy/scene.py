"""How toy cars and their surroundings look: body types, paints, backdrops."""

import numpy as np

from ganverse_jax.classes.car.toy.topology import MATERIALS
from ganverse_jax.classes.toy.sampling import Backdrops, choose, pick, vary

_BODY_SHARE = np.array([0.20, 0.18, 0.19, 0.14, 0.13, 0.16])

# Real paint colours, sRGB in [0,1].
PAINTS = np.array(
    [
        (0.80, 0.10, 0.11),
        (0.62, 0.06, 0.12),
        (0.93, 0.38, 0.10),
        (0.97, 0.72, 0.12),
        (0.95, 0.86, 0.40),
        (0.42, 0.67, 0.20),
        (0.10, 0.45, 0.28),
        (0.38, 0.72, 0.62),
        (0.13, 0.62, 0.70),
        (0.40, 0.68, 0.90),
        (0.12, 0.36, 0.78),
        (0.13, 0.18, 0.48),
        (0.45, 0.25, 0.60),
        (0.90, 0.48, 0.62),
        (0.93, 0.93, 0.92),
        (0.90, 0.86, 0.76),
        (0.68, 0.70, 0.73),
        (0.40, 0.42, 0.46),
        (0.17, 0.18, 0.21),
        (0.50, 0.33, 0.20),
    ]
)
_PAINT_SHARE = np.array([8, 4, 5, 6, 3, 4, 4, 4, 5, 6, 7, 5, 3, 4, 9, 4, 7, 5, 5, 2])
_FIXED = {
    "tyre": (0.10, 0.10, 0.11),
    "dark": (0.06, 0.06, 0.07),
    "grille": (0.09, 0.09, 0.11),
    "headlight": (1.0, 0.96, 0.74),
    "taillight": (0.95, 0.06, 0.07),
    "plate": (0.93, 0.93, 0.88),
    "trim": (0.14, 0.14, 0.16),
}
# Studio, road, meadow, plaza, desert, dusk; the studio's paper is tinted.
_PALETTE = np.array(
    [
        [(0.80, 0.84, 0.90), (0.93, 0.94, 0.95), (0.93, 0.94, 0.95), (0.84, 0.85, 0.87), (0.80, 0.81, 0.84)],
        [(0.36, 0.60, 0.90), (0.80, 0.90, 0.97), (0.45, 0.60, 0.50), (0.50, 0.66, 0.34), (0.42, 0.58, 0.30)],
        [(0.42, 0.66, 0.93), (0.85, 0.93, 0.97), (0.36, 0.55, 0.38), (0.48, 0.68, 0.30), (0.60, 0.74, 0.36)],
        [(0.55, 0.70, 0.86), (0.90, 0.92, 0.93), (0.62, 0.66, 0.72), (0.74, 0.71, 0.67), (0.62, 0.59, 0.56)],
        [(0.45, 0.68, 0.90), (0.95, 0.90, 0.80), (0.76, 0.55, 0.40), (0.87, 0.73, 0.50), (0.80, 0.63, 0.41)],
        [(0.32, 0.30, 0.56), (0.98, 0.66, 0.45), (0.38, 0.28, 0.44), (0.50, 0.42, 0.44), (0.42, 0.36, 0.40)],
    ]
)
_FEATURES = np.array(
    [
        [0.0, 1.0, 0.10, 0.0, 0.0, 0.0],
        [0.06, 0.0, 0.5, 0.0, 1.0, 0.1],
        [0.08, 0.0, 1.0, 0.0, 0.0, 0.1],
        [0.03, 0.1, 0.2, 1.0, 0.0, 0.0],
        [0.07, 0.0, 0.9, 0.0, 0.0, 0.3],
        [0.07, 0.0, 0.4, 0.0, 0.6, 1.0],
    ]
)
_STUDIO_TINTS = np.array(
    [
        (1.0, 1.0, 1.0),
        (0.82, 0.92, 1.02),
        (1.02, 0.88, 0.78),
        (0.86, 1.0, 0.90),
        (0.96, 0.86, 0.98),
        (0.62, 0.66, 0.74),
    ]
)
BACKDROPS = Backdrops(
    _PALETTE,
    _FEATURES,
    np.concatenate([_STUDIO_TINTS[None], np.ones((len(_PALETTE) - 1, *_STUDIO_TINTS.shape))]),
)


def sample_bodies(unit: np.ndarray) -> np.ndarray:
    """Body types [n], indices into `dimensions.BODIES`."""
    return choose(unit[:, 0], _BODY_SHARE)


def sample_colors(body: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Colours [n m 3] in [0,1] of the materials of `topology.MATERIALS` for cars of the given types."""
    n = len(body)
    sedan, hatchback, suv, pickup, van, sports = (body == k for k in range(6))
    paint = vary(PAINTS[choose(unit[:, 0], _PAINT_SHARE)], unit[:, 1:4], 0.05)
    second = _second_color(paint, unit[:, 4])
    two_tone = (unit[:, 5] < 0.22) & ~pickup
    striped = (unit[:, 6] < 0.22) & ((sports | hatchback) | sedan & (unit[:, 6] < 0.08))
    cladding = (suv | pickup) & (unit[:, 7] < 0.6)
    glass = np.array([0.13, 0.20, 0.34]) + 0.05 * (unit[:, 8:9] - 0.5)
    dark, chrome = np.array(_FIXED["trim"]), np.array([0.72, 0.74, 0.77])
    # On a red car the tail lights must still stand out: a lighter, coral lens.
    red = (paint[:, 0] > 0.5) & (paint[:, 1] < 0.25) & (paint[:, 2] < 0.25)
    panel = van & (unit[:, 9] < 0.5)
    colors = {name: np.broadcast_to(color, (n, 3)) for name, color in _FIXED.items()}
    colors |= {
        "paint": paint,
        "deck": pick(pickup, np.array([0.13, 0.13, 0.14]), paint),
        "stripe": pick(striped, second, paint),
        "rocker": pick(cladding, dark, paint * 0.75),
        "roof": pick(two_tone, second, paint),
        "pillar": pick(two_tone & (unit[:, 10] < 0.5), second, paint),
        "glass": glass,
        "taillight": pick(red, np.array([1.0, 0.42, 0.34]), np.array(_FIXED["taillight"])),
        "side_glass": pick(panel, paint, glass),
        "rear_glass": pick(suv | van & ~panel, glass, pick(two_tone & (unit[:, 10] < 0.5), second, paint)),
        "hub": pick(
            unit[:, 11] < 0.7,
            np.array([0.80, 0.81, 0.83]),
            pick(unit[:, 11] < 0.85, second, np.array([0.45, 0.46, 0.5])),
        ),
        "bumper": pick(
            unit[:, 12] < 0.35, chrome, pick((unit[:, 12] < 0.7) | cladding, dark + 0.08, paint * 0.9)
        ),
    }
    return (
        np.stack([np.broadcast_to(colors[name], (n, 3)) for name in MATERIALS], 1)
        .clip(0, 1)
        .astype(np.float32)
    )


def _second_color(paint: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """White, cream, black or grey, whichever was drawn, unless it would not stand out from the paint."""
    second = PAINTS[np.array([14, 14, 15, 18, 18, 17])[(unit * 6).astype(int)]]
    clash = np.abs(second - paint).sum(-1) < 0.6
    return np.where(clash[:, None], np.where(paint.mean(-1) > 0.5, 0.16, 0.92)[:, None], second)
