"""The one decoder of pictures: PNG, JPEG or WebP to sRGB colours and an alpha, whatever their mode.

Palettes, grey, 1, 2, 4 and 16 bits and CMYK become 8 bits of red, green and blue; an embedded ICC profile, or
a space that the format names otherwise (data/colour_spaces.py), is converted to sRGB; the orientation of EXIF
is applied; of several frames the first is taken. A JPEG that is damaged in its middle, not cut, cannot be
told: libjpeg fills the rest of it in and goes on with a warning that Pillow drops (its issue 9106).
"""

import errno
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps

from ganverse_jax.data.colour_spaces import ColourSpace, named_space
from ganverse_jax.runtime.machine import raise_if_machines

EXTENSIONS = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp")
FORMATS = ("PNG", "JPEG", "WEBP")
MAX_BYTES = 64 * 2**20
MAX_PIXELS = 64 * 2**20
# What a reader tells of pictures that it took, and why one could not be taken, for counts.
FRAMES = "with several frames, of which the first is taken"
PROFILE = "with a colour profile that does not serve, taken as sRGB"
UNREADABLE, TOO_LARGE, TOO_DARK = "unreadable", "too large", "too dark"
FORBIDDEN = "not permitted to be read"
_SIXTEEN_BITS = 16
_TURNED = range(2, 9)  # what EXIF's orientation may say beside 1, as stored
_DARKEST = 16  # of 255: below it a picture of 16 bits uses 12 of them at most


class Picture(NamedTuple):
    """colour uint8 [h w 3] in sRGB; alpha uint8 [h w], None where every pixel is opaque; orientation: EXIF's
    number, 1 for as stored; notes: `FRAMES`, `PROFILE` and data/colour_spaces.py's, where they hold."""

    colour: np.ndarray
    alpha: np.ndarray | None
    orientation: int = 1
    notes: tuple[str, ...] = ()


class Opened(NamedTuple):
    """An image as Pillow loads it, the number of frames in its file, its orientation in EXIF, and the colour
    space that it names without a profile, if any."""

    image: Image.Image
    frames: int
    orientation: int
    space: ColourSpace | None


class PictureError(ValueError):
    """A picture that cannot be decoded, by name and with a remedy; `kind` in a word or two, for counts."""

    def __init__(self, message: str, kind: str = UNREADABLE):
        super().__init__(message)
        self.kind = kind


def read_picture(path: Path, *, upright: bool = True) -> Picture:
    """The picture in a file. Raises PictureError as `decode_picture` does, also where nothing can be read."""
    return decode_picture(read_bytes(path), str(path), upright=upright)


def read_bytes(path: Path, formats: tuple[str, ...] = FORMATS) -> bytes:
    """A file's first MAX_BYTES + 1 bytes. Raises PictureError where it cannot be read, OSError for faults of
    the machine."""
    try:
        if path.is_fifo():  # which nobody may ever write to
            raise OSError("it is a pipe")
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            told = f"{path} may not be read ({error.strerror}); give yourself the right to, or leave it out"
            raise PictureError(told, FORBIDDEN) from error
        raise_if_machines(error)
        raise _unreadable(str(path), error.strerror or str(error), formats) from error


def decode_picture(data: bytes, name: str, *, upright: bool = True) -> Picture:
    """Encoded bytes as `Picture`; `name` stands in errors; upright: whether EXIF's orientation is applied.

    16 bits are scaled to 8 by the full range. Raises PictureError for what is no PNG, JPEG or WebP, is cut
    short, has more than MAX_BYTES bytes or MAX_PIXELS pixels, or uses the lowest of 16 bits alone.
    """
    image, frames, orientation, space = open_image(data, name, FORMATS, upright=upright)
    alpha = alpha_of(image)
    colour, note = _srgb(image, space)
    if _depth(data) == _SIXTEEN_BITS and _brightest(image) < _DARKEST:
        raise PictureError(
            f"{name} has 16 bits per channel but uses the lowest 12 alone, so that it is black; scale it "
            "to the full range, or save it as 8 bit",
            TOO_DARK,
        )
    return Picture(colour, alpha, orientation, tuple(filter(None, (FRAMES * (frames > 1), note))))


def open_image(data: bytes, name: str, formats: tuple[str, ...], *, upright: bool = True) -> Opened:
    """The first frame of encoded bytes, in its own mode. Raises as `decode_picture`."""
    if len(data) > MAX_BYTES:
        raise PictureError(f"{name} has more than {MAX_BYTES:,} bytes; save it smaller", TOO_LARGE)
    try:
        # Only these decoders: a file cannot choose another, more obscure parser by its contents.
        with Image.open(io.BytesIO(data), formats=formats) as image:
            size = image.size
            if size[0] * size[1] <= MAX_PIXELS:
                frames = getattr(image, "n_frames", 1)
                image.load()
                _scale_key(image, _depth(data))
                stored = image.getexif().get(ExifTags.Base.Orientation)
                orientation = stored if stored in _TURNED else 1
                space = named_space(image, data)
                turned = ImageOps.exif_transpose(image) if upright else image.copy()
                return Opened(turned, frames, orientation, space)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):  # Pillow's own, higher limit
        size = None
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, struct.error and more
        raise_if_machines(error)
        raise _unreadable(name, _reason(error), formats) from error
    most = f"more than {MAX_PIXELS:,}"
    told = f"{most} pixels" if size is None else f"{size[0]} x {size[1]} pixels, {most}"
    raise PictureError(f"{name} has {told}; scale it down", TOO_LARGE)


def turned_like(image: Image.Image, orientation: int) -> Image.Image:
    """An image of stored pixels, turned upright as EXIF's orientation says."""
    image.getexif()[ExifTags.Base.Orientation] = orientation
    return ImageOps.exif_transpose(image)


def alpha_of(image: Image.Image) -> np.ndarray | None:
    """Alpha uint8 [h w] of a picture of any mode; None where every pixel is opaque."""
    if not image.has_transparency_data:
        return None
    if image.mode[0] == "I":  # 16 bits, which Pillow's conversion would clip
        alpha = np.uint8(255 * (np.asarray(image) != image.info["transparency"]))
    else:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    return None if alpha.min() == 255 else alpha


def eight_bits(levels: np.ndarray) -> np.ndarray:
    """Levels 0..65535 as uint8, rounded."""
    return np.uint8((levels.astype(np.uint32) * 255 + 32767) // 65535)


def _unreadable(name: str, why: str, formats: tuple[str, ...]) -> PictureError:
    named = {"PNG": "PNG", "JPEG": "JPEG", "WEBP": "WebP"}
    told = " or ".join(filter(None, (", ".join(named[f] for f in formats[:-1]), named[formats[-1]])))
    return PictureError(f"{name} is no readable {told} ({why}); save it again or delete it")


def _reason(error: Exception) -> str:
    """Why Pillow could not decode a picture, in a line without the names of its own objects."""
    if isinstance(error, Image.UnidentifiedImageError):
        return "its contents are none of these formats"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _depth(data: bytes) -> int:
    """Bits per channel: PNG's first chunk tells them, the other formats have 8."""
    return data[24] if data[:8] == b"\x89PNG\r\n\x1a\n" else 8


def _scale_key(image: Image.Image, depth: int) -> None:
    """Scale a PNG's transparent colour to 8 bits as Pillow scales the pixels, which it forgets to do."""
    key = image.info.get("transparency")
    if key is not None and image.mode == "L" and depth < 8:
        image.info["transparency"] = key * (255 // (2**depth - 1))
    elif key is not None and image.mode == "RGB" and depth == _SIXTEEN_BITS:
        image.info["transparency"] = tuple(level >> 8 for level in key)


def _srgb(image: Image.Image, space: ColourSpace | None) -> tuple[np.ndarray, str]:
    """Colours uint8 [h w 3] in sRGB, and a note, "" for none: that a profile does not serve, or a space's."""
    profile = image.info.get("icc_profile")
    if image.mode[0] == "I":
        image = Image.fromarray(eight_bits(np.asarray(image)))
    if space is not None:
        colour = np.asarray(_plain(image))
        return (colour if space.levels is None else space.to_srgb(colour)), space.note
    converted = None if profile is None else _by_profile(image, profile)
    if converted is not None:
        return np.asarray(converted), ""
    return np.asarray(_plain(image)), PROFILE * (profile is not None)


def _brightest(image: Image.Image) -> int:
    """The highest level, of 8 bits, before any profile."""
    return int(np.asarray(image).max() >> 8 if image.mode[0] == "I" else np.asarray(_plain(image)).max())


def _plain(image: Image.Image) -> Image.Image:
    return image.convert("RGB") if image.mode == "CMYK" else image.convert("RGBA").convert("RGB")


def _by_profile(image: Image.Image, data: bytes) -> Image.Image | None:
    """The picture through its profile; None where that is damaged or of other channels."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        space, source = profile.profile.xcolor_space.strip(), image
        if image.mode != "CMYK":
            source = _plain(image)
            if space == "GRAY" and not np.ptp(np.asarray(source), axis=-1).any():
                source = source.getchannel(0)
        return ImageCms.profileToProfile(source, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
