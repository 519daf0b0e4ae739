"""Crops of pictures by a similarity of the plane: shifted, turned and scaled in one antialiased sampling.

Points of a picture are (x, y) in pixels, x right and y down, the first pixel's centre at (0.5, 0.5).
"""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image


class Crop(NamedTuple):
    """A rectangle of a picture that becomes `size` (h, w) pixels.

    centre: (x, y) in the picture; scale: pixels of the picture per pixel of the crop; turn: radians by which
    the rectangle is turned against the clock, so that the crop's contents are turned back by as much.
    """

    centre: tuple[float, float]
    scale: float
    turn: float
    size: tuple[int, int]

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Where points [n 2] of the crop lie in the picture."""
        offsets = np.asarray(points, float) - np.array(self.size[::-1]) / 2
        return self.scale * offsets @ self._rotation().T + np.array(self.centre)

    def from_picture(self, points: np.ndarray) -> np.ndarray:
        """Where points [n 2] of the picture lie in the crop."""
        offsets = (np.asarray(points, float) - np.array(self.centre)) @ self._rotation() / self.scale
        return offsets + np.array(self.size[::-1]) / 2

    def _rotation(self) -> np.ndarray:
        """Against the clock as one sees it, with y down."""
        sine, cosine = math.sin(self.turn), math.cos(self.turn)
        return np.array([[cosine, sine], [-sine, cosine]])


def inside(picture: np.ndarray, crop: Crop) -> np.ndarray:
    """Which part of each of the crop's pixels [h w] lies in the picture [h w ...], 0 to 1: elsewhere the crop
    says nothing, though it is 0 there."""
    return cut(np.full(picture.shape[:2], 255, np.uint8), crop) / np.float32(255.0)


def cut(picture: np.ndarray, crop: Crop) -> np.ndarray:
    """The crop of a picture uint8 [h w] or [h w 3]; 0 outside it.

    Each pixel is the mean of at least one bilinear sample per pixel of the picture and axis.
    """
    samples = max(1, math.ceil(crop.scale - 1e-6))
    size = (crop.size[1] * samples, crop.size[0] * samples)
    origin, right, below = crop.to_picture(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    x, y = (right - origin) / samples, (below - origin) / samples
    affine = (x[0], y[0], origin[0], x[1], y[1], origin[1])
    image = Image.fromarray(picture).transform(
        size, Image.Transform.AFFINE, affine, resample=Image.Resampling.BILINEAR
    )
    return np.asarray(image.reduce(samples) if samples > 1 else image)
