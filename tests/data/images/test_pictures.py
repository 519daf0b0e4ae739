"""Claims about one picture: where its pixels end up, and what is refused, by name and with a remedy."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.data import decoding
from ganverse_jax.data.images import pictures
from ganverse_jax.data.images.pictures import Fit, UnfitPicture, check_fit


def encoded(array, form="PNG", **options) -> bytes:
    buffer = io.BytesIO()
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(buffer, form, **options)
    return buffer.getvalue()


def decode(data, name, fit):
    return pictures.decode(data, name, fit).image


def noise(height, width, channels=3):
    return np.random.default_rng(1).integers(0, 256, (height, width, channels), dtype=np.uint8)


def test_a_picture_of_the_right_size_passes_untouched():
    picture = noise(16, 16)
    np.testing.assert_array_equal(decode(encoded(picture), "p", Fit(16)), picture)


def test_crop_takes_the_centred_square():
    picture = noise(16, 24)
    np.testing.assert_array_equal(decode(encoded(picture), "p", Fit(16)), picture[:, 4:20])
    tall = noise(30, 16)
    np.testing.assert_array_equal(decode(encoded(tall), "p", Fit(16)), tall[7:23])


def test_a_512x384_picture_fills_rows_64_to_447_of_the_square_and_the_rest_is_black():
    picture = np.maximum(noise(384, 512), 1)
    for method in ("letterbox", "wide"):
        square = decode(encoded(picture, compress_level=0), "p", Fit(512, method))
        np.testing.assert_array_equal(square[64:448], picture)
        assert not square[:64].any() and not square[448:].any()


def test_wide_cuts_four_to_three_while_letterbox_keeps_everything():
    picture = np.maximum(noise(24, 64), 1)
    wide, whole = (decode(encoded(picture), "p", Fit(32, method)) for method in ("wide", "letterbox"))
    np.testing.assert_array_equal(wide[4:28], picture[:, 16:48])
    assert whole[10:22].all(axis=-1).mean() > 0.9 and not whole[:10].any() and not whole[22:].any()


def test_resizing_is_pillows_lanczos():
    picture = noise(50, 50)
    wanted = Image.fromarray(picture).resize((16, 16), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(decode(encoded(picture), "p", Fit(16)), np.asarray(wanted))


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_jpeg_and_webp_are_read_whatever_their_name(form):
    flat = np.full((16, 16, 3), (200, 40, 90), np.uint8)
    # Lossy formats shift a flat colour by a few levels.
    np.testing.assert_allclose(decode(encoded(flat, form), "p.png", Fit(16)).astype(int), flat, atol=6)


def test_grey_palette_transparency_and_orientation_become_plain_rgb():
    grey = noise(16, 16, 1)[..., 0]
    np.testing.assert_array_equal(decode(encoded(grey), "p", Fit(16)), np.repeat(grey[..., None], 3, 2))
    clear = np.dstack([noise(16, 16), np.zeros((16, 16), np.uint8)])
    assert not decode(encoded(clear), "p", Fit(16)).any()  # what cannot be seen is black
    coloured = np.zeros((16, 16, 3), np.uint8)
    coloured[:8] = 255
    palette = Image.fromarray(coloured).quantize(2)
    np.testing.assert_array_equal(decode(encoded(palette), "p", Fit(16)), coloured)
    exif = Image.Exif()
    exif[0x0112] = 3  # the camera was upside down
    turned = encoded(coloured, exif=exif)
    np.testing.assert_array_equal(decode(turned, "p", Fit(16)), coloured[::-1, ::-1])


def test_a_small_picture_is_refused_with_sizes_and_remedies_or_enlarged_when_asked():
    data = encoded(noise(12, 40))
    with pytest.raises(UnfitPicture, match=r"birds/7.png has 40 x 12 pixels.*12 x 12.*16 x 16.*enlarge=True"):
        decode(data, "birds/7.png", Fit(16))
    assert decode(data, "birds/7.png", Fit(16, enlarge=True)).shape == (16, 16, 3)
    # A letterbox needs the longer side only.
    assert decode(data, "birds/7.png", Fit(16, "letterbox")).shape == (16, 16, 3)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
def test_a_truncated_picture_is_named(form, share):
    data = encoded(noise(64, 64), form)
    with pytest.raises(UnfitPicture, match="a/b.img is no readable"):
        decode(data[: int(share * len(data))], "a/b.img", Fit(16))


def test_no_damage_escapes_as_anything_but_a_named_error():
    generator = np.random.default_rng(2)
    for form in ("PNG", "JPEG", "WEBP"):
        data = np.frombuffer(encoded(noise(32, 32), form), np.uint8)
        for _ in range(60):
            broken = data.copy()
            broken[generator.integers(0, len(data), 4)] = generator.integers(0, 256, 4)
            try:
                assert decode(broken.tobytes(), "x", Fit(8, enlarge=True)).shape == (8, 8, 3)
            except UnfitPicture as error:
                assert str(error).startswith("x ")


def test_other_formats_and_plain_text_are_refused_whatever_their_extension():
    for data in (b"hello", encoded(noise(16, 16), "BMP"), encoded(noise(16, 16), "TIFF")):
        with pytest.raises(UnfitPicture, match="cat.png is no readable PNG, JPEG or WebP"):
            decode(data, "cat.png", Fit(16))


def test_sixteen_bits_per_channel_are_scaled_rather_than_clipped():
    deep = Image.fromarray(np.full((16, 16), 40_000, np.uint16))
    assert (decode(encoded(deep), "x", Fit(16)) == round(40_000 / 257)).all()


def _png_claiming(width, height) -> bytes:
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [9_000, 12_000, 60_000])
def test_a_decompression_bomb_is_refused_before_its_pixels_are_allocated(side):
    with pytest.raises(UnfitPicture, match=f"more than {decoding.MAX_PIXELS:,}"):
        decode(_png_claiming(side, side), "bomb.png", Fit(16))


def test_an_unknown_fit_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="gan.data.fit = 'stretch' is unknown; use one of crop, letterbox"):
        check_fit(Fit(16, "stretch"))
