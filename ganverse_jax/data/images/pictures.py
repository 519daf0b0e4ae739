"""One encoded picture to the square uint8 array a GAN trains on: bounded decoding, fitting, Lanczos."""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp")
FITS = ("crop", "letterbox", "wide")
MAX_BYTES = 64 * 2**20
MAX_PIXELS = 64 * 2**20
_FORMATS = ("PNG", "JPEG", "WEBP")


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
    """A picture that cannot serve: damaged, of another format, too large to decode, or too small."""


def check_fit(fit: Fit) -> None:
    """Raise ValueError for an unknown method or a resolution that is not 8 or above."""
    if fit.method not in FITS:
        raise ValueError(f"gan.data.fit = {fit.method!r} is unknown; use one of {', '.join(FITS)}")
    if fit.resolution < 8:
        raise ValueError(f"resolution {fit.resolution} is out of range; use 8 pixels or more")


def decode(data: bytes, name: str, fit: Fit) -> np.ndarray:
    """uint8 [r r 3] of PNG, JPEG or WebP bytes; `name` stands in errors.

    The orientation of EXIF is applied, grey becomes RGB, transparent pixels are laid over black, and of an
    animation the first frame is taken. Resized with Pillow's Lanczos filter. Raises UnfitPicture for what is
    not such a picture, is cut short, has more than MAX_PIXELS pixels, more than 8 bits per channel, or is
    smaller than the fit needs.
    """
    try:
        # Only these decoders: a file cannot choose another, more obscure parser by its contents.
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _check_size(image, name)
            return _fitted(_as_rgb(image, name), name, fit)
    except UnfitPicture:
        raise
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, struct.error and more
        raise UnfitPicture(
            f"{name} is no readable PNG, JPEG or WebP ({reason(error)}); replace or remove it, or set "
            "gan.data.unfit=skip"
        ) from error


def reason(error: Exception) -> str:
    """Why Pillow could not decode a picture, in a line without the names of its own objects."""
    if isinstance(error, Image.UnidentifiedImageError):
        return "its contents are none of these formats"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"more than {MAX_PIXELS:,} pixels"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _check_size(image: Image.Image, name: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise UnfitPicture(
            f"{name} has {image.width} x {image.height} pixels, more than {MAX_PIXELS:,}; scale it down, or "
            "set gan.data.unfit=skip"
        )


def _as_rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode[0] in "IF":
        raise UnfitPicture(
            f"{name} has more than 8 bits per channel (mode {image.mode}); save it with 8, or set "
            "gan.data.unfit=skip"
        )
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, (0, 0, 0, 255)), layer)
    return image.convert("RGB")


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
            "gan.data.enlarge=True to scale it up"
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
