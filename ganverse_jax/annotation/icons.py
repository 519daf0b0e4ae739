"""Reference drawings of a class: seen from above, and from each of the 12 azimuth bins, as SVG or pixels."""

import functools
import math
from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw

from ganverse_jax import classes
from ganverse_jax.classes.solids import BODY
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS

SIZE = 100.0  # side of every drawing's box
ELEVATION = math.radians(14)
_DISTANCE = 5.0
_LEVELS = 5  # shades of the body
_LIGHT = np.array([0.25, 0.9, 0.35])

# Plain colours of the tones, for drawings that no style sheet reaches.
COLOURS = {"b0": "#6b6f78", "b1": "#858992", "b2": "#9fa3ab", "b3": "#b9bcc2", "b4": "#d3d5d9",
           "dark": "#3a3e47", "mark": "#b2491f"}  # fmt: skip

_SIDES = ("front", "front, left side", "left side, front",
          "left side", "left side, back", "back, left side",
          "back", "back, right side", "right side, back",
          "right side", "right side, front", "front, right side")  # fmt: skip

Drawing = tuple[tuple[str, tuple[tuple[float, float], ...]], ...]


@functools.cache
def draw(kind: str, azimuth: float, elevation: float = ELEVATION) -> Drawing:
    """Polygons (tone, points) of the class from a camera at (azimuth, elevation) radians, far to near.

    Points lie in a box of 100 x 100, x right, y down. Elevation pi/2 with azimuth 0 is the view from above
    with the front down the page, as on the report's dial. Raises ValueError for an unknown class.
    """
    back = _axes(azimuth, elevation)[2]
    drawn = []
    for points, tone, nearer in classes.get(kind).drawing():
        normal = np.cross(points[1] - points[0], points[2] - points[0])
        if not normal.any():
            continue
        if (back * _DISTANCE - points[0]) @ normal <= 0:
            continue  # seen from behind
        depth, flat = _DISTANCE - points @ back, project(points, azimuth, elevation)
        drawn.append((depth.mean() - nearer, _tone(tone, normal), tuple(map(tuple, flat.round(1).tolist()))))
    drawn.sort(key=lambda item: -item[0])
    return tuple((tone, flat) for _, tone, flat in drawn)


def project(points: np.ndarray, azimuth: float, elevation: float = ELEVATION) -> np.ndarray:
    """Where points [k 3] of a solid lie on its drawing [k 2]."""
    right, up, back = _axes(azimuth, elevation)
    scale = (SIZE * 0.42 * _DISTANCE / (_DISTANCE - points @ back))[:, None]
    flat = np.stack([points @ right, 0.1 - points @ up], axis=1)
    return SIZE / 2 + flat * scale


def eye(azimuth: float, elevation: float = ELEVATION) -> np.ndarray:
    """Where the camera of a drawing stands [3]."""
    return _DISTANCE * _axes(azimuth, elevation)[2]


def _axes(azimuth: float, elevation: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right, up and backward axes of a camera that looks at the origin (DESIGN.md, section 3)."""
    sin_a, cos_a, sin_e, cos_e = (
        math.sin(azimuth),
        math.cos(azimuth),
        math.sin(elevation),
        math.cos(elevation),
    )
    back = np.array([sin_a * cos_e, sin_e, cos_a * cos_e])
    up = np.array([-sin_a * sin_e, cos_e, -cos_a * sin_e])
    return np.cross(up, back), up, back


def _tone(tone: str, normal: np.ndarray) -> str:
    if tone != BODY:
        return tone
    light = normal @ _LIGHT / np.linalg.norm(normal) / np.linalg.norm(_LIGHT)
    return f"b{min(int((light + 1) / 2 * _LEVELS), _LEVELS - 1)}"


def bin_azimuth(azimuth_bin: int) -> float:
    """Azimuth of a bin's centre in radians."""
    return 2 * math.pi * azimuth_bin / NUM_AZIMUTH_BINS


def name_of(azimuth_bin: int) -> str:
    """What is seen from a bin, e.g. "left side, front"."""
    return _SIDES[azimuth_bin]


def svg_paths(drawing: Drawing) -> str:
    """The drawing as SVG paths of class "b0".."b4", "dark" or "mark"."""
    return "".join(
        f'<path class="{tone}" d="M{" ".join(f"{x:g},{y:g}" for x, y in points)}z"/>'
        for tone, points in drawing
    )


def svg_symbols(kind: str) -> Mapping[str, str]:
    """Inner SVG of the drawings: "above" and "bin0".."bin11"."""
    symbols = {"above": svg_paths(draw(kind, 0.0, math.pi / 2))}
    return symbols | {f"bin{b}": svg_paths(draw(kind, bin_azimuth(b))) for b in range(NUM_AZIMUTH_BINS)}


def picture(drawing: Drawing, side: int, background: str = "#ffffff") -> Image.Image:
    """The drawing as an RGB picture of `side` x `side` pixels."""
    factor = 3 * side / SIZE  # drawn large and shrunk, since PIL's polygons have no soft edges
    image = Image.new("RGB", (3 * side, 3 * side), background)
    pen = ImageDraw.Draw(image)
    for tone, points in drawing:
        pen.polygon([(x * factor, y * factor) for x, y in points], fill=COLOURS[tone])
    return image.resize((side, side), Image.Resampling.LANCZOS)
