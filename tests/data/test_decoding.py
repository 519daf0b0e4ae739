"""Claims about the one decoder: pixels mean what their format says, and what cannot be told is refused."""

import errno
import io
import os
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from ganverse_jax.data import decoding
from ganverse_jax.data.decoding import (
    FORBIDDEN,
    FRAMES,
    PROFILE,
    TOO_LARGE,
    PictureError,
    decode_picture,
    read_picture,
)

COLOURS = np.array([[[0, 0, 0], [200, 30, 60]], [[10, 120, 250], [255, 255, 255]]], np.uint8)
ALPHA = np.array([[0, 255], [255, 255]], np.uint8)
GREY = np.array([[0, 85], [170, 255]], np.uint8)


def encoded(image, form="PNG", **options) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, form, **options)
    return buffer.getvalue()


def decoded(image, form="PNG", **options):
    return decode_picture(encoded(image, form, **options), "x")


def as_rgb(grey):
    return np.repeat(grey[..., None], 3, axis=-1)


def palette(transparent=None) -> bytes:
    image = Image.fromarray(np.array([[0, 1], [2, 3]], np.uint8))
    image.putpalette(COLOURS.ravel().tolist())
    return encoded(image, **({} if transparent is None else {"transparency": transparent}))


@pytest.mark.parametrize(
    ("data", "colour", "alpha"),
    [
        (palette(), COLOURS, None),
        (palette(0), COLOURS, ALPHA),
        (palette(bytes([0, 255, 255, 255])), COLOURS, ALPHA),
        (encoded(np.dstack([COLOURS, ALPHA])), COLOURS, ALPHA),
        (encoded(COLOURS, transparency=(0, 0, 0)), COLOURS, ALPHA),
        (encoded(np.dstack([GREY, ALPHA])), as_rgb(GREY), ALPHA),
        (encoded(GREY), as_rgb(GREY), None),
        (encoded(GREY, transparency=0), as_rgb(GREY), ALPHA),
        (encoded(GREY > 0), as_rgb(np.uint8(255 * (GREY > 0))), None),
        (encoded(GREY > 0, transparency=0), as_rgb(np.uint8(255 * (GREY > 0))), ALPHA),
        (encoded(GREY.astype(np.uint16) * 257), as_rgb(GREY), None),
        (encoded(GREY.astype(np.uint16) * 257, transparency=0), as_rgb(GREY), ALPHA),
        (encoded(np.dstack([COLOURS, ALPHA]), "WEBP", lossless=True, exact=True), COLOURS, ALPHA),
    ],
    ids=[
        "palette", "palette-key", "palette-alphas", "RGBA", "RGB-key", "LA", "grey", "grey-key", "1-bit",
        "1-bit-key", "16-bit-grey", "16-bit-key", "webp",
    ],
)  # fmt: skip
def test_every_mode_gives_its_colours_and_its_alpha(data, colour, alpha):
    picture = decode_picture(data, "x")
    np.testing.assert_array_equal(picture.colour, colour)
    if alpha is None:
        assert picture.alpha is None
    else:
        np.testing.assert_array_equal(picture.alpha, alpha)


def test_an_alpha_that_hides_nothing_is_none():
    assert decoded(np.dstack([COLOURS, np.full((2, 2), 255, np.uint8)])).alpha is None


def test_cmyk_is_the_colour_that_was_printed():
    even = Image.new("RGB", (16, 16), (200, 30, 60))
    found = decoded(even.convert("CMYK"), "JPEG", quality=95).colour
    np.testing.assert_allclose(found, np.asarray(even), atol=6)  # JPEG's rounding


def sixteen_bit_rgb(levels) -> bytes:
    """A PNG of 16 bits per channel, which Pillow does not write: [h w 3] of 0..65535."""
    import struct

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", levels.shape[1], levels.shape[0], 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def test_sixteen_bits_are_scaled_and_what_uses_the_lowest_alone_is_refused():
    levels = COLOURS.astype(np.uint16) * 257
    np.testing.assert_array_equal(decode_picture(sixteen_bit_rgb(levels), "x").colour, COLOURS)
    for data in (sixteen_bit_rgb(levels >> 4), encoded(GREY.astype(np.uint16) * 16)):
        with pytest.raises(PictureError, match="x has 16 bits per channel but uses the lowest 12 alone"):
            decode_picture(data, "x")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_exif_turns_a_picture_and_its_alpha_upright(orientation, form):
    upright = Image.new("RGBA", (48, 32), (0, 0, 0, 255))
    upright.paste((255, 255, 255, 0), (32, 0, 48, 16))  # the corner above on the right
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpositions that undo the orientation
    stored = upright.transpose(Image.Transpose(back[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decoded(stored.convert("RGB") if form == "JPEG" else stored, form, exif=exif, **(
        {"lossless": True, "exact": True} if form == "WEBP" else {}))  # fmt: skip
    assert picture.orientation == orientation and picture.colour.shape == (32, 48, 3)
    np.testing.assert_allclose(picture.colour, np.asarray(upright)[..., :3], atol=3)  # JPEG's rounding
    if form != "JPEG":
        np.testing.assert_array_equal(picture.alpha, np.asarray(upright)[..., 3])


def test_an_orientation_that_is_none_leaves_a_picture_as_stored():
    exif = Image.Exif()
    exif[0x0112] = 9
    assert decoded(COLOURS, exif=exif).orientation == 1


def swapped_primaries() -> bytes:
    """sRGB's profile with red and green exchanged: its red pixels look green."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = data.find(b"rXYZ"), data.find(b"gXYZ")
    data[red : red + 4], data[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(data)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_an_embedded_profile_is_converted_to_srgb(form):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red = Image.new("RGB", (16, 16), (250, 10, 10))
    same, other = (decoded(red, form, icc_profile=data) for data in (profile, swapped_primaries()))
    np.testing.assert_allclose(same.colour, np.asarray(red), atol=4)  # JPEG's and the profiles' rounding
    np.testing.assert_allclose(other.colour[..., [1, 0, 2]], np.asarray(red), atol=4)
    assert same.notes == other.notes == ()


def test_a_profile_that_does_not_serve_is_said():
    for data in (b"no profile", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()):
        picture = decoded(COLOURS, icc_profile=data)
        assert picture.notes == (PROFILE,)
        np.testing.assert_array_equal(picture.colour, COLOURS)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_taken_and_said(form):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if form == "WEBP" else {}
    picture = decoded(frames[0], form, save_all=True, append_images=frames[1:], **options)
    assert picture.notes == (FRAMES,) and (picture.colour == (255, 0, 0)).all()


def test_what_is_cut_short_or_too_large_is_named(tmp_path, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    for form in ("PNG", "JPEG", "WEBP"):
        data = encoded(noise, form)
        for cut in (len(data) // 2, 30, 0):
            with pytest.raises(PictureError, match="x is no readable PNG, JPEG or WebP"):
                decode_picture(data[:cut], "x")
    monkeypatch.setattr(decoding, "MAX_PIXELS", 64 * 63)
    with pytest.raises(PictureError, match="x has 64 x 64 pixels, more than 4,032; scale it down") as error:
        decode_picture(encoded(noise), "x")
    assert error.value.kind == TOO_LARGE
    bomb = encoded(COLOURS)
    header = bomb[12:16] + (60000).to_bytes(4, "big") * 2 + bomb[24:29]
    bomb = bomb[:12] + header + zlib.crc32(header).to_bytes(4, "big") + bomb[33:]  # beyond Pillow's own limit
    with pytest.raises(PictureError, match="x has more than 4,032 pixels; scale it down"):
        decode_picture(bomb, "x")
    with pytest.raises(PictureError, match=r"absent\.png is no readable .*No such file"):
        read_picture(tmp_path / "absent.png")


def test_a_pipe_is_named_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(PictureError, match=r"a\.png is no readable .*it is a pipe"):
        read_picture(tmp_path / "a.png")


def test_what_may_not_be_read_is_told_so_and_a_fault_of_the_machine_goes_past(tmp_path, monkeypatch):
    def refuse(number):
        def opened(*arguments, **options):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(decoding, "open", opened, raising=False)

    refuse(errno.EACCES)
    told = r"a\.png may not be read \(Permission denied\); give yourself the right"
    with pytest.raises(PictureError, match=told) as error:
        read_picture(tmp_path / "a.png")
    assert error.value.kind == FORBIDDEN
    refuse(errno.EMFILE)
    with pytest.raises(OSError, match="Too many open files"):
        read_picture(tmp_path / "a.png")


def test_a_picture_of_another_format_is_refused_whatever_its_name(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "a.png", "BMP")
    with pytest.raises(PictureError, match=r"a\.png is no readable .*its contents are none of these formats"):
        read_picture(tmp_path / "a.png")
