"""Where named points of a toy object appear in a view, and whether they can be seen there."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import rasterizer
from ganverse_jax.classes.toy.shapes import Part

_RESOLUTION = 256  # of the depth test
_TOLERANCE = 0.03  # world units between a point and the surface that is drawn at its place


class Clicks(NamedTuple):
    """points [k n 2] in pixels (x right, y down, first centre at 0.5) and visible [k n] bool."""

    points: np.ndarray
    visible: np.ndarray


class Spots:
    """Named points of animals of one class, in whatever pose they are.

    plural: of the class, for messages; rest [v 3]: an animal of `parts` in its rest pose; places: of every
    spot the part that has it, of a pair without its side, and where it lies on the left of that animal.
    """

    def __init__(self, plural: str, rest: np.ndarray, parts: Sequence[Part], places):
        self._plural, self._rows = plural, {}
        rows = {part.name: part.vertices for part in parts}
        for spot, (part, point) in places.items():
            if part in rows:
                self._rows[spot] = _nearest(rest, rows[part], point)
                continue
            for side, sign in (("left", 1), ("right", -1)):
                at = np.multiply(point, (sign, 1, 1))
                self._rows[f"{side} {spot}"] = _nearest(rest, rows[f"{part}_{side}"], at)

    def locate(self, vertices: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """The points [n 3] called `names` of an animal's vertices [v 3].

        Raises ValueError for a name that none has.
        """
        for name in names:
            if name not in self._rows:
                having = ", ".join(self._rows)
                raise ValueError(f"toy {self._plural} have no keypoint {name!r}; they have {having}")
        return np.array([vertices[self._rows[name]].mean(axis=0) for name in names], np.float64)


def _nearest(rest: np.ndarray, rows: slice, point) -> np.ndarray:
    """The two vertices of rows of `rest` that are nearest to a point."""
    distance = np.linalg.norm(rest[rows] - point, axis=1)
    return rows.start + np.argsort(distance, kind="stable")[:2]


def appearance(
    surface: tuple[np.ndarray, np.ndarray], points: np.ndarray, cameras, *, resolution: int, fov_y: float
) -> Clicks:
    """Where points [n 3] of a surface (vertices [v 3], faces [f 3]) are in k views, and if it hides them.

    cameras: azimuth, elevation (radians), distance [k]. A point is visible when it is inside the square
    picture and the surface drawn within a pixel of it (at 256 x 256) has its depth.
    """
    vertices, faces = surface
    azimuth, elevation, distance = (
        np.asarray(cameras[name], np.float32) for name in ("azimuth", "elevation", "distance")
    )
    camera = rasterizer.Camera(azimuth, elevation, distance, np.full_like(azimuth, fov_y))
    size = (_RESOLUTION, _RESOLUTION)
    drawn = rasterizer.rasterize(
        rasterizer.transform(np.asarray(vertices, np.float32), camera, *size), faces, *size
    )
    clip = np.asarray(rasterizer.transform(np.asarray(points, np.float32), camera, *size), np.float64)
    depth = clip[..., 3]
    unit = (clip[..., :2] / depth[..., None] * (1, -1) + 1) / 2  # [0, 1] over the picture, y down
    inside = np.all((unit >= 0) & (unit < 1), axis=-1)
    surface = np.pad(np.asarray(drawn.depth), ((0, 0), (1, 1), (1, 1)))  # 0 where empty
    column, row = np.moveaxis(np.clip((unit * _RESOLUTION).astype(int), 0, _RESOLUTION - 1), -1, 0)
    views = np.arange(len(azimuth))[:, None]
    near = [surface[views, row + i, column + j] for i in range(3) for j in range(3)]
    seen = np.min(np.abs(np.array(near) - depth), axis=0) < _TOLERANCE
    return Clicks(unit * resolution, inside & seen)
