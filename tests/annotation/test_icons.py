"""Claims about the reference drawings: they look as the classes do from the bins they stand for."""

import math

import numpy as np
import pytest

from ganverse_jax import classes
from ganverse_jax.annotation import icons


def points_of(drawing, tone=None):
    return np.concatenate([np.array(points) for name, points in drawing if tone in (None, name)])


@pytest.mark.parametrize("kind", classes.names())
def test_seen_from_its_left_the_object_faces_left(kind):
    left, right = (points_of(icons.draw(kind, icons.bin_azimuth(b)), "mark")[:, 0].mean() for b in (3, 9))
    assert left < icons.SIZE / 2 < right


@pytest.mark.parametrize("kind", classes.names())
def test_from_above_the_front_is_down_the_page(kind):
    drawing = icons.draw(kind, 0.0, math.pi / 2)
    mark = (
        points_of(drawing, "mark") if any(tone == "mark" for tone, _ in drawing) else points_of(drawing)[-1:]
    )
    assert mark[:, 1].mean() > icons.SIZE / 2


@pytest.mark.parametrize("kind", classes.names())
@pytest.mark.parametrize("azimuth_bin", range(12))
def test_drawings_fill_their_box_and_stay_inside(kind, azimuth_bin):
    points = points_of(icons.draw(kind, icons.bin_azimuth(azimuth_bin)))
    assert points.min() >= 0 and points.max() <= icons.SIZE
    assert np.ptp(points, axis=0).max() > 0.4 * icons.SIZE


@pytest.mark.parametrize("kind", ["car", "horse", "bird", "generic"])
def test_opposite_sides_are_mirror_images(kind):
    outlines = [points_of(icons.draw(kind, icons.bin_azimuth(b))) for b in (2, 10)]
    # 0.15: coordinates are rounded to a tenth
    np.testing.assert_allclose(outlines[0][:, 0].min(), icons.SIZE - outlines[1][:, 0].max(), atol=0.15)
    np.testing.assert_allclose(outlines[0][:, 1].max(), outlines[1][:, 1].max(), atol=0.15)


def test_an_unknown_class_is_refused_by_name():
    with pytest.raises(ValueError, match="'boat' is unknown; choose one of car, horse, bird, generic"):
        icons.draw("boat", 0.0)


def test_pictures_have_the_side_asked_for():
    image = icons.picture(icons.draw("car", 0.0), 48)
    assert image.size == (48, 48) and np.asarray(image).min() < 128
