"""Claims about colours whose space is named without a profile: they become sRGB, or a note says not."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.data.colour_spaces import ADOBE, OTHER
from ganverse_jax.data.decoding import PROFILE, decode_picture

ADOBE_CHROMATICITIES = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
BEHIND_HEADER = 33  # bytes of a PNG's signature and first chunk


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def gamma(level: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", level))


def chromaticities(*values: int) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *values))


def png(colour, chunks: bytes, **options):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), colour).save(buffer, "PNG", **options)
    data = buffer.getvalue()
    return decode_picture(data[:BEHIND_HEADER] + chunks + data[BEHIND_HEADER:], "x")


def cicp(*numbers: int) -> bytes:
    return chunk(b"cICP", bytes(numbers))


@pytest.mark.parametrize(
    ("stored", "chunks", "srgb"),
    [
        ((55, 55, 55), gamma(100_000), (128, 128, 128)),  # 55 / 255 of the light
        ((200, 30, 60), gamma(45455), (200, 30, 60)),
        ((219, 0, 0), gamma(45455) + chromaticities(*ADOBE_CHROMATICITIES), (255, 0, 0)),
        ((144, 255, 60), gamma(45455) + chromaticities(*ADOBE_CHROMATICITIES), (0, 255, 0)),
        ((200, 30, 60), gamma(45455) + chromaticities(*[0] * 8), (200, 30, 60)),
        ((234, 51, 35), cicp(12, 13, 0, 1), (255, 0, 0)),  # Display P3
        ((207, 74, 34), cicp(9, 13, 0, 1), (255, 0, 0)),  # BT.2020's primaries
        ((200, 30, 60), cicp(1, 13, 0, 1) + gamma(100_000), (200, 30, 60)),  # it goes before gAMA
    ],
)  # fmt: skip
def test_a_png_that_names_its_space_becomes_srgb(stored, chunks, srgb):
    picture = png(stored, chunks)
    # 6: stored levels are rounded, and near 0 light of half a level of the others is that many of sRGB's
    assert np.abs(picture.colour.astype(int) - srgb).max() <= 6 and picture.notes == ()


def test_a_space_of_a_png_that_is_not_converted_is_said_and_its_profile_goes_before():
    for numbers in ((9, 16, 0, 1), (12, 13, 1, 1), (77, 13, 0, 1)):  # HDR, other matrix, unknown primaries
        picture = png((200, 30, 60), cicp(*numbers))
        assert picture.notes == (OTHER,) and (picture.colour == (200, 30, 60)).all()
    assert png((200, 30, 60), cicp(9, 16, 0, 1), icc_profile=b"no profile").notes == (PROFILE,)


@pytest.mark.parametrize(
    ("space", "index", "marked"), [(65535, "R03", True), (1, "R98", False), (65535, "R98", False)]
)
def test_a_jpeg_that_exif_alone_marks_as_adobe_rgb_is_converted_and_said(space, index, marked):
    exif, buffer = Image.Exif(), io.BytesIO()
    exif.get_ifd(0x8769).update({0xA001: space, 0xA005: {1: index}})
    Image.new("RGB", (16, 16), (219, 0, 0)).save(buffer, "JPEG", exif=exif, quality=100)
    picture = decode_picture(buffer.getvalue(), "x")
    assert picture.notes == ((ADOBE,) if marked else ())
    # 3: JPEG's rounding
    assert np.abs(picture.colour.astype(int) - ((255, 0, 0) if marked else (219, 0, 0))).max() <= 3
