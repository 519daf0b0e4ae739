"""Claims about StyleGAN-R's figures and measures, on a renderer that is disentangled by construction."""

import numpy as np
import pytest

from ganverse_jax.stages.stylegan_r import figures, measures
from ganverse_jax.stages.stylegan_r.properties import Properties

SIZE, NOT_BLUE = 16, np.array([1, 1, 0])


def _box(cameras, shapes):
    """Masks [n h w]: boxes whose width is the shape's first number, moved by the azimuth."""
    columns = np.arange(SIZE)[None] - (SIZE / 2 + 2 * np.sin(cameras[:, :1]))
    inside = np.abs(columns) < shapes[:, 0, :1]
    return np.repeat(inside[:, None], SIZE, axis=1).astype(np.float32)


def _neural(cameras, shapes, textures, images, masks):
    box = _box(cameras, shapes)[..., None]
    # The blue channel belongs to the object alone, so that it can be segmented by it.
    background = images.astype(np.float32).mean(axis=(1, 2), keepdims=True) / 255 * NOT_BLUE
    paint = textures.astype(np.float32).mean(axis=(1, 2))[:, None, None] * NOT_BLUE + (1 - NOT_BLUE)
    return box * paint + (1 - box) * background


def _dibr(cameras, shapes, textures):
    mask = _box(cameras, shapes)
    return np.zeros((*mask.shape, 3), np.float32), mask


def _segment(images):
    return (images[..., 2] > 127).astype(np.float32)


@pytest.fixture
def properties():
    rng = np.random.default_rng(0)
    n, k = 6, 3
    shapes = np.zeros((n, 2, 3), np.float32)
    shapes[:, 0, 0] = np.arange(2, 2 + n)
    level = np.linspace(0, 255, n).astype(np.uint8)[:, None, None, None]
    return Properties(
        images=np.broadcast_to(level, (n, SIZE, SIZE, 3)).copy(),
        masks=np.zeros((n, SIZE, SIZE), np.uint8),
        view_id=np.arange(n) % k,
        object_id=np.arange(n),
        shapes=shapes,
        textures=np.broadcast_to(rng.random((n, 1, 1, 3)), (n, 4, 8, 3)).astype(np.float16),
        content_styles=np.zeros((n, 4), np.float32),
        view_styles=np.zeros((k, 4), np.float32),
        cameras=np.stack([np.arange(k) * 2.0, np.full(k, 0.1), np.full(k, 4.0)], axis=1).astype(np.float32),
    )


ROWS, PARTNERS = np.array([0, 1, 2]), np.array([3, 4, 5])
ASKED = measures.Question(ROWS, PARTNERS, np.array([2, 0, 1]))


def _seen(neural, properties, asked):
    """Pictures and masks of what is measured."""
    pictures = measures.measured_pictures(neural, properties, asked)
    return pictures, {name: _segment(images) for name, images in pictures.items()}


def _swapped(neural, properties):
    return measures.swap_measures(*_seen(neural, properties, ASKED), properties.images[ROWS])


def _turned(neural, properties, asked, *regress):
    return measures.camera_measures(
        *_seen(neural, properties, asked), _dibr, properties, asked, *(regress or [None])
    )


def test_disentangled_renderer_shows_no_leak(properties):
    found = _swapped(_neural, properties)
    assert found["background_change_shape"] == found["background_change_texture"] == 0.0
    assert found["object_change_background"] == 0.0
    assert found["background_change_background"] > 0.1
    assert found["object_change_texture"] > 0.01


def test_background_that_follows_the_texture_is_seen(properties):
    def leaky(cameras, shapes, textures, *background):
        leak = 0.1 * textures.mean(axis=(1, 2))[:, None, None]
        return _neural(cameras, shapes, textures, *background) + leak

    found = _swapped(leaky, properties)
    assert found["background_change_texture"] > 0.005


def test_obedient_renderer_scores_full_mask_iou_at_any_camera(properties):
    found = _turned(_neural, properties, ASKED)
    assert found == {"mask_iou_own_view": 1.0, "mask_iou_other_view": 1.0}


def test_renderer_deaf_to_the_camera_loses_iou_in_other_views(properties):
    def deaf(cameras, *content):
        return _neural(np.zeros_like(cameras), *content)

    rows, views = np.array([0, 3]), np.array([1, 1])
    found = _turned(deaf, properties, measures.Question(rows, rows, views))
    assert found["mask_iou_own_view"] == 1.0  # both were seen from view 0
    assert found["mask_iou_other_view"] < 0.8


def test_azimuth_error_is_the_distance_to_the_views_own_reading(properties):
    def regress(images):  # reads 0.5 degrees more for each object
        return np.radians(0.5 * np.arange(len(images)))

    reference = measures.view_azimuths(regress, properties)
    asked = measures.Question(np.arange(6), np.arange(6), np.zeros(6, int))
    found = _turned(_neural, properties, asked, regress, reference)
    # Each view shows two objects read 1.5 degrees apart, and one of the two is the view's median.
    assert found["azimuth_error_generator"] == pytest.approx(0.75)


def test_sweeps_turn_lift_and_approach(properties):
    start = properties.cameras[:2]
    names = ("azimuth", "elevation", "scale")
    turn, lift, approach = (figures.sweep_cameras(start, properties.cameras, name, 8) for name in names)
    np.testing.assert_allclose(np.diff(turn[0, :, 0]), np.pi / 4, rtol=1e-6)  # float32
    assert np.all(np.diff(lift[0, :, 1]) > 0) and np.ptp(lift[0, :, 1]) >= np.radians(9.9)
    assert np.all(np.diff(approach[0, :, 2]) < 0)
    np.testing.assert_array_equal(lift[:, 0, 0], start[:, 0])
    with pytest.raises(ValueError, match="sweep 'roll'"):
        figures.sweep_cameras(start, properties.cameras, "roll", 8)


def test_swap_figures_leave_the_boxed_example_unchanged(properties):
    found = figures.swaps(_neural, properties, ROWS)
    for index, name in enumerate(("shape_swap", "texture_swap", "background_swap")):
        assert found[name].dtype == np.uint8
        np.testing.assert_array_equal(found[name][index], found["sampled"][index])
        assert np.any(found[name] != found["sampled"])


def test_figures_have_the_shapes_the_report_reads(properties):
    dual = figures.dual_renderer(_neural, _dibr, properties, ROWS)
    sweeps = figures.camera_sweeps(_neural, properties, ROWS, 5)
    assert {name: value.shape for name, value in dual.items()} == dict.fromkeys(
        ("inputs", "dibr", "neural"), (3, SIZE, SIZE, 3)
    )
    assert {value.shape for value in sweeps.values()} == {(3, 5, SIZE, SIZE, 3)}
