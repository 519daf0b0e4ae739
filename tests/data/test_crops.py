"""Claims about crops: points and pixels go the same way, and shrinking averages."""

import numpy as np
import pytest

from ganverse_jax.data.crops import Crop, cut


def test_points_come_back():
    crop = Crop((30.0, 20.0), 2.5, 0.3, (16, 24))
    points = np.random.default_rng(0).uniform(0, 40, (10, 2))
    np.testing.assert_allclose(crop.from_picture(crop.to_picture(points)), points, atol=1e-9)
    np.testing.assert_allclose(crop.to_picture(np.array([[12.0, 8.0]])), [[30.0, 20.0]], atol=1e-9)


@pytest.mark.parametrize("turn", [0.0, 0.4, -2.0])
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.2])
def test_a_spot_of_the_picture_lands_where_its_centre_does(scale, turn):
    picture = np.zeros((160, 200), np.uint8)
    picture[70:76, 110:116] = 255
    crop = Crop((110.0, 76.0), scale, turn, (40, 40))
    found = cut(picture, crop).astype(float)
    x, y = np.meshgrid(np.arange(40) + 0.5, np.arange(40) + 0.5)
    centre = np.array([(found * x).sum(), (found * y).sum()]) / found.sum()
    # 0.15: of the few pixels' grey levels, cut at the picture's 8 bits and sampled bilinearly
    np.testing.assert_allclose(centre, crop.from_picture(np.array([[113.0, 73.0]]))[0], atol=0.15)


def test_a_positive_turn_sets_a_tilted_object_upright():
    picture = np.zeros((41, 41), np.uint8)
    for i in range(41):  # a line that rises to the right by 45 degrees
        picture[40 - i, max(i - 1, 0) : i + 2] = 255
    upright = cut(picture, Crop((20.5, 20.5), 1.0, np.pi / 4, (21, 21)))
    assert (upright[10] > 200).all() and (upright[:6] < 50).all() and (upright[-6:] < 50).all()


def test_shrinking_averages_and_nothing_lies_outside():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    small = cut(stripes, Crop((32.0, 32.0), 4.0, 0.0, (20, 20)))
    assert small.shape == (20, 20, 3) and small[:2].max() == small[:, :2].max() == 0
    np.testing.assert_allclose(small[3:-3, 3:-3], 100, atol=1)  # rounded once
