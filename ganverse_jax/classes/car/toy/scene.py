"""Sampling of the toy world: every parameter from uniform numbers drawn per (seed, split, index).

The object, the camera and the background come from independent streams, so any of them can be
exchanged without touching the others.
"""

import numpy as np

from ganverse_jax.classes.car.toy.topology import MATERIALS

SPLITS = ("train", "validation", "test")
_STREAMS = {"object": 0, "camera": 1, "background": 2}
NUM_UNIFORMS = 64
ELEVATION_RANGE = (0.0, np.pi / 6)
DISTANCE_JITTER = 0.04
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
# sky top, sky at the horizon, hills, ground, second ground colour; then hill height, horizon softness,
# noise, tiles, road, sun warmth: one row per background mode, in the order of BACKGROUNDS.
BACKGROUNDS = ("studio", "road", "meadow", "plaza", "desert", "dusk")
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


def uniforms(
    seed: int, split: str, indices: np.ndarray, stream: str, count: int = NUM_UNIFORMS
) -> np.ndarray:
    """Uniform numbers [n count] in [0, 1), a pure function of (seed, split, index, stream) for each row."""
    prefix = (seed, SPLITS.index(split), _STREAMS[stream])
    rows = [
        np.random.Generator(np.random.PCG64(np.random.SeedSequence((*prefix, int(i))))).random(count)
        for i in indices
    ]
    return np.stack(rows) if rows else np.zeros((0, count))


def choose(unit: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Index [n] drawn with probabilities `share` [k] from uniform numbers [n]."""
    return np.minimum(np.searchsorted(np.cumsum(share) / np.sum(share), unit, side="right"), len(share) - 1)


def sample_cameras(unit: np.ndarray, distance: float) -> dict[str, np.ndarray]:
    """Azimuth uniform over the circle, elevation 0-30 degrees, jittered distance; float32 [n] in radians."""
    low, high = ELEVATION_RANGE
    return {
        "azimuth": (2 * np.pi * unit[:, 0]).astype(np.float32),
        "elevation": (low + (high - low) * unit[:, 1]).astype(np.float32),
        "distance": (distance * (1 + DISTANCE_JITTER * (2 * unit[:, 2] - 1))).astype(np.float32),
    }


def sample_bodies(unit: np.ndarray) -> np.ndarray:
    """Body types [n], indices into `dimensions.BODIES`."""
    return choose(unit[:, 0], _BODY_SHARE)


def sample_colors(body: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Colours [n m 3] in [0,1] of the materials of `topology.MATERIALS` for cars of the given types."""
    n = len(body)
    sedan, hatchback, suv, pickup, van, sports = (body == k for k in range(6))
    paint = _vary(PAINTS[choose(unit[:, 0], _PAINT_SHARE)], unit[:, 1:4], 0.05)
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
        "deck": _pick(pickup, np.array([0.13, 0.13, 0.14]), paint),
        "stripe": _pick(striped, second, paint),
        "rocker": _pick(cladding, dark, paint * 0.75),
        "roof": _pick(two_tone, second, paint),
        "pillar": _pick(two_tone & (unit[:, 10] < 0.5), second, paint),
        "glass": glass,
        "taillight": _pick(red, np.array([1.0, 0.42, 0.34]), np.array(_FIXED["taillight"])),
        "side_glass": _pick(panel, paint, glass),
        "rear_glass": _pick(suv | van & ~panel, glass, _pick(two_tone & (unit[:, 10] < 0.5), second, paint)),
        "hub": _pick(
            unit[:, 11] < 0.7,
            np.array([0.80, 0.81, 0.83]),
            _pick(unit[:, 11] < 0.85, second, np.array([0.45, 0.46, 0.5])),
        ),
        "bumper": _pick(
            unit[:, 12] < 0.35, chrome, _pick((unit[:, 12] < 0.7) | cladding, dark + 0.08, paint * 0.9)
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


def _pick(condition: np.ndarray, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    return np.where(condition[:, None], yes, no)


def sample_backgrounds(unit: np.ndarray) -> dict[str, np.ndarray]:
    """Parameters [n ...] float32 of background and light, as `background.paint` reads them."""
    mode = (unit[:, 0] * len(BACKGROUNDS)).astype(int)
    palette = _PALETTE[mode]
    tint = _STUDIO_TINTS[(unit[:, 1] * len(_STUDIO_TINTS)).astype(int)]
    palette = np.where((mode == 0)[:, None, None], palette * tint[:, None], palette)
    palette = palette * (1 + 0.10 * (unit[:, 2:3, None] - 0.5)) + 0.05 * (unit[:, None, 3:6] - 0.5)
    hills, soft, noise, tiles, road, warmth = _FEATURES[mode].T
    asphalt = 0.36 + 0.12 * unit[:, 6]
    sun_azimuth, sun_elevation = 2 * np.pi * unit[:, 7], np.radians(38 + 22 * unit[:, 8])
    sun = np.stack(
        [
            np.sin(sun_azimuth) * np.cos(sun_elevation),
            np.sin(sun_elevation),
            np.cos(sun_azimuth) * np.cos(sun_elevation),
        ],
        -1,
    )
    sun_color = np.stack([1 + 0 * warmth, 0.98 - 0.10 * warmth, 0.94 - 0.24 * warmth], -1)
    result = {
        "mode": mode,
        "palette": palette.clip(0, 1),
        "hills": hills * (0.6 + 0.8 * unit[:, 9]),
        "softness": soft,
        "noise": noise * (0.5 + 0.5 * unit[:, 10]),
        "tiles": tiles,
        "tile_size": 0.55 + 0.35 * unit[:, 11],
        "road": road,
        "asphalt": np.stack([asphalt, asphalt, asphalt * 1.04], -1),
        "sun": sun,
        "sun_color": sun_color,
        "phases": 2 * np.pi * unit[:, 20:32],
        "directions": 2 * np.pi * unit[:, 32:36],
        "road_center": 0.68 * np.where(unit[:, 13] < 0.5, -1.0, 1.0),
        "shadow": 0.30 + 0.15 * unit[:, 12],
    }
    return {k: v.astype(np.int32 if k == "mode" else np.float32) for k, v in result.items()}


def _vary(color: np.ndarray, unit: np.ndarray, amount: float) -> np.ndarray:
    brightness = 1 + 2 * amount * (unit.mean(-1, keepdims=True) * 2 - 1)
    return (color * brightness + amount * (unit - 0.5)).clip(0.04, 0.98)
