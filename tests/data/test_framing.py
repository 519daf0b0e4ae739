"""Claims about framing: a photo's object is shown as large, and where, as the set shows its own."""

import numpy as np
import pytest

from ganverse_jax.data.crops import cut
from ganverse_jax.data.framing import Framing, bounding_box, crop_like, measure_framing


def ellipse(size, centre, axes):
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    inside = ((x - centre[0]) / axes[0]) ** 2 + ((y - centre[1]) / axes[1]) ** 2 < 1
    return np.uint8(inside) * 255


def test_a_photo_of_any_size_gets_the_sets_framing():
    masks = np.stack([ellipse((48, 64), (30 + i, 28), (18, 11)) for i in (-1, 0, 1)] + [np.zeros((48, 64))])
    framing = measure_framing(masks.astype(np.uint8))
    assert framing.size == (48, 64) and framing.centre == pytest.approx((30 / 64, 28 / 48))
    photo = ellipse((700, 500), (200, 600), (180, 110))
    found = cut(photo, crop_like(photo > 0, framing))
    assert found.shape == (48, 64)
    again = measure_framing(found[None])
    # half a pixel of the crop, and of the outline the twentieth part
    assert again.centre == pytest.approx(framing.centre, abs=0.01) and again.share == pytest.approx(
        framing.share, rel=0.05
    )
    assert Framing.from_card({"size": [4, 5], "share": 0.5, "centre": [0.5, 0.6]}).size == (4, 5)


def test_boxes_end_one_past_the_last_pixel():
    mask = np.zeros((5, 6), bool)
    mask[1:4, 2] = True
    assert bounding_box(mask) == (2, 1, 3, 4)


def test_empty_masks_cannot_be_measured():
    with pytest.raises(ValueError, match="all of 2 masks are empty"):
        measure_framing(np.zeros((2, 8, 8), np.uint8))
