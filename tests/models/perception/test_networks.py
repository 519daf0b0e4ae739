"""Interface of segmenter and pose regressor: shapes, sizes, files."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.models.perception import pose_regressor as poses
from ganverse_jax.models.perception import segmenter as segmenters
from ganverse_jax.models.perception.learned import resize, resize_planes
from ganverse_jax.models.sub_pixel import depth_to_space, space_to_depth

WIDTHS = (8, 8, 8)


@pytest.fixture(scope="module")
def segmenter():
    params = jax.jit(segmenters.SegmenterNet(WIDTHS).init)(jax.random.key(0), jnp.zeros((1, 16, 16, 3)))[
        "params"
    ]
    return segmenters.LearnedSegmenter(params, widths=WIDTHS, resolution=16, batch_size=4)


@pytest.fixture(scope="module")
def regressor():
    params = jax.jit(poses.PoseNet(WIDTHS, 8).init)(jax.random.key(0), jnp.zeros((1, 16, 16, 3)))["params"]
    return poses.LearnedPoseRegressor(params, widths=WIDTHS, hidden=8, resolution=16, batch_size=4,
                                      elevation_stats=(0.2, 0.1), distance_stats=(4.0, 0.5))  # fmt: skip


def pictures(n, height=16, width=16):
    return np.random.default_rng(0).integers(0, 256, (n, height, width, 3), dtype=np.uint8)


def test_depth_to_space_undoes_space_to_depth():
    x = np.arange(2 * 8 * 6 * 3.0).reshape(2, 8, 6, 3)
    np.testing.assert_array_equal(depth_to_space(space_to_depth(x)), x)


def test_masks_lie_in_the_unit_interval_and_do_not_depend_on_the_batching(segmenter):
    images = pictures(7)
    masks = segmenter(images)
    assert masks.shape == (7, 16, 16) and masks.min() >= 0 and masks.max() <= 1
    # 1e-5: images of another batch must not leak in; convolutions of equal shape repeat to rounding
    np.testing.assert_allclose(masks[5:6], segmenter(images[5:6]), atol=1e-5)


def test_other_image_sizes_get_masks_of_their_own_size(segmenter):
    assert segmenter(pictures(2, 24, 32)).shape == (2, 24, 32)


@pytest.mark.parametrize("size", [(16, 16), (5, 31), (64, 48)])
def test_pictures_are_resized_on_the_host_as_in_a_training(size):
    planes = pictures(2, 24, 32)[..., 0]
    ours = resize_planes(planes, *size)
    theirs = resize(jnp.float32(planes)[..., None], *size)[..., 0]
    np.testing.assert_allclose(ours, theirs, atol=1e-3)  # of 255: float32


def test_no_images_give_no_masks(segmenter):
    assert segmenter(pictures(0)).shape == (0, 16, 16)
    assert segmenter(pictures(0, 24, 32)).shape == (0, 24, 32)


def test_float_images_are_refused_with_their_dtype(segmenter):
    with pytest.raises(ValueError, match="uint8.*float32"):
        segmenter(np.zeros((1, 16, 16, 3), np.float32))


def test_poses_come_in_scene_units(regressor):
    raw = jnp.array([[1.0, 0.0, 1.0, -1.0]])
    regressor._predict = lambda params, images: jnp.repeat(raw, len(images), axis=0)
    pose = regressor(pictures(3))
    # rtol 1e-6: one float32 multiplication and addition
    np.testing.assert_allclose(pose.azimuth, np.pi / 2, rtol=1e-6)
    np.testing.assert_allclose(pose.elevation, 0.3, rtol=1e-6)
    np.testing.assert_allclose(pose.distance, 3.5, rtol=1e-6)


def test_files_hold_the_networks_up_to_half_precision(segmenter, tmp_path):
    path = tmp_path / "segmenter.safetensors"
    segmenter.save(path, {"note": "test"})
    again = segmenters.LearnedSegmenter.load(path)
    # 5e-3: float16 weights carry 11 bits (5e-4) through five layers
    np.testing.assert_allclose(again(pictures(2)), segmenter(pictures(2)), atol=5e-3)
    with pytest.raises(ValueError, match="'segmenter'.*perception stage"):
        poses.LearnedPoseRegressor.load(path)
