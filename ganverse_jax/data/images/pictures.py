"""One encoded picture to the square uint8 array a GAN trains on: decoding, fitting, Lanczos."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from ganverse_jax.data.decoding import UNREADABLE, PictureError, decode_picture

FITS = ("crop", "letterbox", "wide")
TOO_SMALL = "too small"


class Fit(NamedTuple):
    """How pictures become squares of `resolution` pixels.

    method: "crop" cuts the largest centred square; "letterbox" keeps the whole picture between black bars;
    "wide" cuts the largest centred 4:3 picture and sets it between black bars, rows r/8 .. 7r/8 - 1 of the
    square (NVIDIA's 512 x 384 cars: rows 64 to 447 of 512). enlarge: whether a picture whose used part has
    fewer pixels than it shall fill is scaled up; else it is an error.
    """

    resolution: int
    method: str = "crop"
    enlarge: bool = False


class UnfitPicture(ValueError):
    """A picture that cannot serve: damaged, of another format, too large to decode, or too small; `kind` says
    so in a word or two, for counts."""

    def __init__(self, message: str, kind: str = UNREADABLE):
        super().__init__(message)
        self.kind = kind


class FittedPicture(NamedTuple):
    """image uint8 [r r 3], and the decoder's `notes`."""

    image: np.ndarray
    notes: tuple[str, ...]


def check_fit(fit: Fit) -> None:
    """Raise ValueError for an unknown method or a resolution that is not 8 or above."""
    if fit.method not in FITS:
        raise ValueError(f"gan.data.fit = {fit.method!r} is unknown; use one of {', '.join(FITS)}")
    if fit.resolution < 8:
        raise ValueError(f"resolution {fit.resolution} is out of range; use 8 pixels or more")


def decode(data: bytes, name: str, fit: Fit) -> FittedPicture:
    """PNG, JPEG or WebP bytes as the square that `fit` asks for; `name` stands in errors.

    Transparent pixels are laid over black. Resized with Pillow's Lanczos filter. Raises UnfitPicture for what
    data/decoding.py refuses, and for a picture that is smaller than the fit needs.
    """
    try:
        picture = decode_picture(data, name)
    except PictureError as error:
        raise UnfitPicture(f"{error}, or set gan.data.unfit=skip", error.kind) from error
    image = Image.fromarray(picture.colour)
    if picture.alpha is not None:
        image = Image.composite(image, Image.new("RGB", image.size), Image.fromarray(picture.alpha))
    return FittedPicture(_fitted(image, name, fit), picture.notes)


def _fitted(image: Image.Image, name: str, fit: Fit) -> np.ndarray:
    size = fit.resolution
    if fit.method == "letterbox":
        scale = size / max(image.size)
        box = (0, 0, *image.size)
        target = tuple(max(round(side * scale), 1) for side in image.size)
    else:
        target = (size, size if fit.method == "crop" else size * 3 // 4)
        box = _centred_box(image.size, target)
    used = (box[2] - box[0], box[3] - box[1])
    if not fit.enlarge and (used[0] < target[0] or used[1] < target[1]):
        raise UnfitPicture(
            f"{name} has {image.width} x {image.height} pixels; {fit.method!r} takes {used[0]} x {used[1]} "
            f"of them for {target[0]} x {target[1]}: remove it, or set gan.data.unfit=skip, or "
            "gan.data.enlarge=True to scale it up",
            TOO_SMALL,
        )
    picture = np.asarray(image.resize(target, Image.Resampling.LANCZOS, box=box))
    square = np.zeros((size, size, 3), np.uint8)
    top, left = (size - target[1]) // 2, (size - target[0]) // 2
    square[top : top + target[1], left : left + target[0]] = picture
    return square


def _centred_box(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest centred box (left, top, right, bottom) of the target's aspect, in whole pixels."""
    width, height = size
    if width * target[1] >= height * target[0]:
        width = max(round(height * target[0] / target[1]), 1)
    else:
        height = max(round(width * target[1] / target[0]), 1)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height
