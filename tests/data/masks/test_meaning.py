"""Claims about masks on disk: the object is what the PNG's maker marked, and two readings are refused."""

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.data.masks.meaning import read_coverage, read_labels, read_soft

SIZE = (40, 60)
Y, X = np.mgrid[:40, :60]
RADIUS = np.hypot(Y - 20, X - 30)
OBJECT = RADIUS < 10
RING = (RADIUS >= 10) & (RADIUS < 13)
OTHER = (X < 8) & (Y < 8)
VOC = [0, 0, 0, 128, 0, 0, 0, 128, 0] + [0] * 756 + [224, 224, 192]
SOFT = np.uint8(np.clip(255 * (10.5 - RADIUS), 0, 255))


@pytest.fixture
def save(tmp_path):
    def write(levels, colours=None, **options):
        image = Image.fromarray(levels)
        if colours is not None:
            image.putpalette(colours)
        image.save(tmp_path / "mask.png", **options)
        return tmp_path / "mask.png"

    return write


def marked(value, others=(), kind=np.uint8):
    """Levels [h w]: `value` on the object; others: (region, value) besides."""
    levels = np.where(OBJECT, value, 0)
    for region, other in others:
        levels[region] = other
    return levels.astype(kind)


@pytest.mark.parametrize(
    ("levels", "colours"),
    [
        (marked(255), None),
        (marked(1), None),
        (marked(7), None),
        (marked(65535, kind=np.uint16), None),
        (marked(1, kind=np.uint16), None),
        (OBJECT, None),
        (marked(1), VOC),
        (marked(1, [(RING, 255)]), VOC),
        (marked(1), [0, 0, 0, 255, 255, 255]),
        (1 - marked(1), [255, 255, 255, 0, 0, 0]),
        (marked(1), [0, 0, 0, 1, 1, 1]),
    ],
    ids=[
        "0/255", "0/1", "0/7", "16-bit", "16-bit 0/1", "1-bit", "VOC", "VOC and void", "grey palette",
        "palette with white first", "palette of 0/1",
    ],
)  # fmt: skip
def test_one_object_is_marked_in_whatever_way(save, levels, colours):
    path = save(levels, colours)
    np.testing.assert_array_equal(read_coverage(path, SIZE), np.uint8(255 * OBJECT))
    np.testing.assert_array_equal(read_labels(path, SIZE) > 0, OBJECT)


def test_soft_borders_are_coverage(save):
    np.testing.assert_array_equal(read_coverage(save(SOFT), SIZE), SOFT)
    np.testing.assert_array_equal(read_soft(save(SOFT), SIZE), SOFT)
    np.testing.assert_array_equal(read_coverage(save(SOFT.astype(np.uint16) * 257), SIZE), SOFT)
    with pytest.raises(ValueError, match=r"mask\.png has .* grey levels as soft borders have them"):
        read_labels(save(SOFT), SIZE)


@pytest.mark.parametrize("colours", [None, VOC])
def test_instances_are_told_apart_and_are_not_one_object(save, colours):
    path = save(marked(1, [(OTHER, 2)]), colours)
    labels = read_labels(path, SIZE)
    assert (labels[OBJECT] == 1).all() and (labels[OTHER] == 2).all()
    with pytest.raises(ValueError, match=r"mask\.png marks 2 instances \(.* 1, 2\)"):
        read_coverage(path, SIZE)
    many = np.uint16(40_000) * OBJECT + np.uint16(20_000) * OTHER  # identities of 16 bits
    assert set(np.unique(read_labels(save(many.astype(np.uint16)), SIZE))) == {0, 20_000, 40_000}


@pytest.mark.parametrize(
    ("levels", "colours", "options", "told"),
    [
        (marked(1, [(RING, 255)]), None, {}, "levels 1, 255: is 255 the object, or void"),
        (marked(1, [(RING, 255)]), VOC[:-3] + [255, 0, 0], {}, "0, 1, 255: is 255 an object, or void"),
        (marked(0, [(RING, 255)]), VOC, {}, "marks VOC's void alone"),
        (marked(1, [(OTHER, 2)]), [0, 0, 0, 128, 0, 0, 128, 0, 0], {}, "several .* of one colour"),
        (marked(1), [128, 0, 0, 0, 0, 0], {}, "black is index 1: what is outside"),
        (marked(1), [10, 20, 30, 128, 0, 0], {}, r"index 0 is \(10, 20, 30\): what is outside"),
        (marked(1), VOC, {"transparency": 1}, "transparent pixels on the object"),
        (np.dstack([marked(255)] * 2), None, {}, "grey and alpha, either of which"),
        (np.dstack([marked(255)] * 3), None, {}, r"is a colour picture \(RGB\)"),
        (marked(255)[1:], None, {}, "but its image is 40 x 60"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("read", [read_coverage, read_labels])
def test_what_can_be_read_in_two_ways_is_refused(save, read, levels, colours, options, told):
    with pytest.raises(ValueError, match=rf"mask\.png .*{told}"):
        read(save(levels, colours, **options), SIZE)


@pytest.mark.parametrize(("colours", "told"), [(VOC, "labels in a palette"), (None, "levels 0 and 1 alone")])
def test_labels_are_no_soft_mask(save, colours, told):
    with pytest.raises(ValueError, match=f"{told}, no coverage from 0 to 255"):
        read_soft(save(marked(1), colours), SIZE)


def test_a_mask_that_is_cut_short_or_no_png_is_named(save):
    path = save(SOFT)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"mask\.png is no readable PNG"):
        read_coverage(path, SIZE)
    Image.fromarray(SOFT).save(path, "JPEG")
    with pytest.raises(ValueError, match=r"mask\.png is no readable PNG .its contents are none of these"):
        read_coverage(path, SIZE)


@pytest.mark.parametrize("scale", [1, 256])
def test_a_depth_map_is_no_coverage(save, scale):
    """More levels than labels, which fill the object."""
    depth = np.where(OBJECT, (60 + 4 * Y) * scale, 0)
    with pytest.raises(ValueError, match="neither 0 nor 255 in most of what it marks"):
        read_coverage(save(depth.astype(np.uint8 if scale == 1 else np.uint16)), SIZE)


def test_a_map_of_doubts_is_no_coverage_and_a_soft_border_is(save):
    wide = np.uint8(np.clip(255 * (1.2 - RADIUS / 20), 0, 255))
    with pytest.raises(ValueError, match="its brightest is 255"):
        read_coverage(save(wide), SIZE)
    np.testing.assert_array_equal(read_coverage(save(SOFT), SIZE), SOFT)
