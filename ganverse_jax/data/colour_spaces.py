"""Colour spaces that a picture names without an ICC profile, converted to sRGB.

PNG's cICP goes before a profile, and gAMA with cHRM behind profile and sRGB chunk (PNG, third edition, on
colour spaces). JPEGs marked Adobe RGB by EXIF alone (DCF 2.0: no calibrated space, interoperability index
R03) are converted too, and said, since not every program heeds that mark.
"""

import struct
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image

ADOBE = "marked Adobe RGB by EXIF alone, converted from it to sRGB"
OTHER = "with colours of a space that is not converted (PNG's cICP), taken as sRGB"
_WHITE = (0.3127, 0.3290)
# x and y of red, green and blue, by cICP's number (ITU-T H.273); Adobe RGB (1998) has none.
_SRGB = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
_SRGB_PAIRS = (*_SRGB, _WHITE)
_PRIMARIES = {
    1: _SRGB,
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_ADOBE = ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060))
_ADOBE_GAMMA = 256 / 563
_GAMMAS = {4: 1 / 2.2, 5: 1 / 2.8, 8: 1.0}  # cICP's, as gAMA counts
_SRGB_TRANSFER = 13
_UNCALIBRATED = 65535


class ColourSpace(NamedTuple):
    """levels [256]: the light 0..1 of a level, None where it is not known; primaries: x and y of red, green,
    blue and white; note: what to say of a picture, "" for nothing."""

    levels: np.ndarray | None
    primaries: tuple[tuple[float, float], ...] = _SRGB_PAIRS
    note: str = ""

    def to_srgb(self, colour: np.ndarray) -> np.ndarray:
        """Colours uint8 [h w 3] of this space in sRGB; what lies outside it is clipped."""
        if self.primaries == _SRGB_PAIRS:
            return _levels(self.levels)[colour]
        matrix = np.linalg.solve(_to_xyz(_SRGB_PAIRS), _to_xyz(self.primaries)).astype(np.float32)
        rows = [_levels(self.levels.astype(np.float32)[row] @ matrix.T) for row in colour]
        return np.stack(rows)  # by row: in floats a whole picture takes twelve times its bytes


def named_space(image: Image.Image, data: bytes) -> ColourSpace | None:
    """The space of an opened picture, whose encoded bytes are `data`; None for sRGB and for a profile."""
    cicp, profile = _cicp(data), image.info.get("icc_profile")
    if cicp is not None:
        space = _by_number(*cicp)
        return None if profile is not None and space is not None and space.levels is None else space
    if profile is not None or "srgb" in image.info:
        return None
    if image.format == "JPEG":
        return _adobe() if _is_adobe(image) else None
    gamma, stored = image.info.get("gamma"), image.info.get("chromaticity")
    if not gamma:
        return None
    pairs = _SRGB_PAIRS if stored is None else tuple((stored[i], stored[i + 1]) for i in (2, 4, 6, 0))
    usable = all(y > 0 for _, y in pairs) and abs(np.linalg.det(_lifted(pairs[:3]))) > 1e-6
    near = not usable or np.allclose(pairs, _SRGB_PAIRS, atol=0.005)
    if near and abs(2.2 * gamma - 1) < 0.05:  # what sRGB writes, rounded in many ways
        return None
    return ColourSpace(_power(gamma), _SRGB_PAIRS if near else pairs)


def _cicp(data: bytes) -> bytes | None:
    """The four numbers of a PNG's cICP chunk, which Pillow skips: primaries, transfer, matrix, range."""
    place = 8 if data[:8] == b"\x89PNG\r\n\x1a\n" else len(data)
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind in (b"IDAT", b"IEND"):
            break
        if kind == b"cICP" and length == 4:
            return data[place + 8 : place + 12]
        place += 12 + length
    return None


def _by_number(primaries: int, transfer: int, matrix: int, full: int) -> ColourSpace | None:
    if (primaries, transfer, matrix, full) == (1, _SRGB_TRANSFER, 0, 1):
        return None
    known = transfer in _GAMMAS or transfer == _SRGB_TRANSFER
    if matrix != 0 or full != 1 or primaries not in _PRIMARIES or not known:
        return ColourSpace(None, note=OTHER)
    levels = _power(_GAMMAS[transfer]) if transfer in _GAMMAS else _srgb_light()
    return ColourSpace(levels, (*_PRIMARIES[primaries], _WHITE))


def _is_adobe(image: Image.Image) -> bool:
    exif = image.getexif()
    index = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
    index = index.decode("latin-1") if isinstance(index, bytes) else str(index)
    space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
    return image.mode == "RGB" and space == _UNCALIBRATED and index.startswith("R03")


def _adobe() -> ColourSpace:
    return ColourSpace(_power(_ADOBE_GAMMA), (*_ADOBE, _WHITE), ADOBE)


def _power(gamma: float) -> np.ndarray:
    return (np.arange(256) / 255) ** (1 / gamma)


def _srgb_light() -> np.ndarray:
    levels = np.arange(256) / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def _levels(light: np.ndarray) -> np.ndarray:
    """sRGB's levels as uint8 of light, clipped to 0..1."""
    light = np.clip(light, 0, 1)
    levels = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.uint8(np.round(255 * levels))


def _lifted(pairs: tuple[tuple[float, float], ...]) -> np.ndarray:
    """Columns X, Y, Z at Y = 1 of x and y."""
    return np.array([(x / y, 1, (1 - x - y) / y) for x, y in pairs]).T


def _to_xyz(primaries: tuple[tuple[float, float], ...]) -> np.ndarray:
    """Linear red, green and blue [3] to X, Y, Z, with Y = 1 at white."""
    columns = _lifted(primaries[:3])
    return columns * np.linalg.solve(columns, _lifted(primaries[3:])[:, 0])
