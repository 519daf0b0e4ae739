"""Sampling of toy worlds: every parameter from uniform numbers drawn per (seed, split, index).

The object, the camera and the background come from independent streams, so any of them can be
exchanged without touching the others.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

SPLITS = ("train", "validation", "test")
_STREAMS = {"object": 0, "camera": 1, "background": 2}
NUM_UNIFORMS = 64
ELEVATION_RANGE = (0.0, np.pi / 6)
DISTANCE_JITTER = 0.04


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


def within(ranges: Mapping, kind: np.ndarray, unit: np.ndarray) -> dict[str, np.ndarray]:
    """Values [n] per name of `ranges`, of which each holds (low, high) of every kind: those of kinds [n]
    (int), from uniform numbers [n len(ranges)] in [0, 1), a column per name in its order."""
    found = {}
    for k, (name, limits) in enumerate(ranges.items()):
        low, high = np.array(limits, float)[kind].T
        found[name] = low + (high - low) * unit[:, k]
    return found


def sample_cameras(unit: np.ndarray, distance: float) -> dict[str, np.ndarray]:
    """Azimuth uniform over the circle, elevation 0-30 degrees, jittered distance; float32 [n] in radians."""
    low, high = ELEVATION_RANGE
    return {
        "azimuth": (2 * np.pi * unit[:, 0]).astype(np.float32),
        "elevation": (low + (high - low) * unit[:, 1]).astype(np.float32),
        "distance": (distance * (1 + DISTANCE_JITTER * (2 * unit[:, 2] - 1))).astype(np.float32),
    }


class Backdrops(NamedTuple):
    """The surroundings of a world, k of them.

    palette [k 5 3]: sky at the top and at the horizon, hills, ground, second ground colour; features [k 6]:
    height of the hills, softness of the horizon, noise, tiles, road, warmth of the sun; tints [k t 3]:
    factors of the palette, one of which is drawn.
    """

    palette: np.ndarray
    features: np.ndarray
    tints: np.ndarray


def sample_backgrounds(unit: np.ndarray, backdrops: Backdrops) -> dict[str, np.ndarray]:
    """Parameters [n ...] float32 of background and light, as `background.paint` reads them."""
    mode = (unit[:, 0] * len(backdrops.palette)).astype(int)
    tint = backdrops.tints[mode, (unit[:, 1] * backdrops.tints.shape[1]).astype(int)]
    palette = backdrops.palette[mode] * tint[:, None]
    palette = palette * (1 + 0.10 * (unit[:, 2:3, None] - 0.5)) + 0.05 * (unit[:, None, 3:6] - 0.5)
    hills, soft, noise, tiles, road, warmth = backdrops.features[mode].T
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


def vary(color: np.ndarray, unit: np.ndarray, amount: float) -> np.ndarray:
    """Colours [n 3] by `amount` darker or lighter and of another tint, by uniform numbers [n 3]."""
    brightness = 1 + 2 * amount * (unit.mean(-1, keepdims=True) * 2 - 1)
    return (color * brightness + amount * (unit - 0.5)).clip(0.04, 0.98)


def pick(condition: np.ndarray, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    """Row by row the colour `yes` [n 3] or [3] where condition [n], else `no`."""
    return np.where(condition[:, None], yes, no)
