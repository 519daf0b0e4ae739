"""Image losses against values worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.losses import image as losses


def _picture(*rows):
    return jnp.asarray(rows, jnp.float32)[None, :, :, None]


def test_masked_l1_is_the_mean_over_all_pixels_of_the_difference_of_masked_images():
    image, mask = _picture([0.5, 1.0], [0.2, 0.8]), _picture([1, 1], [0, 0])
    rendered, rendered_mask = _picture([0.25, 1.0], [0.4, 0.8]), _picture([1, 0], [1, 0])
    # |.5-.25| + |1-0| + |0-.4| + 0 = 1.65 over 4 pixels; float32 rounding only.
    value = losses.masked_l1(image, mask, rendered, rendered_mask)
    np.testing.assert_allclose(value, 1.65 / 4, rtol=1e-6)


def test_iou_loss_of_half_overlapping_masks_is_two_thirds():
    mask, rendered = _picture([1, 1, 0, 0]), _picture([0, 1, 1, 0])
    np.testing.assert_allclose(losses.iou_loss(mask, rendered), 1 - 1 / 3, rtol=1e-6)  # 1 of 3 pixels


def test_iou_of_soft_masks_follows_the_formula():
    mask, rendered = _picture([1.0, 0.5]), _picture([0.5, 0.5])
    # products .5 + .25; unions (1 + .5 - .5) + (.5 + .5 - .25).
    np.testing.assert_allclose(losses.soft_iou(mask, rendered), [0.75 / 1.75], rtol=1e-6)


def test_iou_is_averaged_over_images_and_not_over_pixels():
    mask = jnp.concatenate([_picture([1, 1, 1, 1]), _picture([1, 0, 0, 0])])
    rendered = jnp.concatenate([_picture([1, 1, 1, 1]), _picture([0, 1, 0, 0])])
    np.testing.assert_allclose(losses.iou_loss(mask, rendered), 0.5, rtol=1e-6)


def test_two_empty_masks_agree_with_zero_gradient():
    empty = jnp.zeros((1, 2, 2, 1))
    value, gradient = jax.value_and_grad(lambda m: losses.iou_loss(empty, m))(empty)
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)


def test_iou_gradient_asks_for_more_mask_inside_and_less_outside():
    mask, rendered = _picture([1, 0]), _picture([0.5, 0.5])
    gradient = jax.grad(lambda m: losses.iou_loss(mask, m))(rendered)
    assert gradient[0, 0, 0, 0] < 0 < gradient[0, 0, 1, 0]


def test_pool_mask_averages_cells():
    mask = jnp.arange(16.0).reshape(1, 4, 4, 1)
    np.testing.assert_allclose(losses.pool_mask(mask, 2, 2)[0, :, :, 0], [[2.5, 4.5], [10.5, 12.5]])


def test_pool_mask_names_sizes_that_do_not_divide():
    with pytest.raises(ValueError, match="4x4 cannot be averaged to 3x3"):
        losses.pool_mask(jnp.zeros((1, 4, 4, 1)), 3, 3)


def test_masked_features_ignore_what_is_outside_the_mask():
    mask = _picture([1, 0], [1, 0])
    real, fake = jnp.zeros((1, 2, 2, 3)), jnp.zeros((1, 2, 2, 3)).at[:, :, 1].set(7.0).at[:, 0, 0].set(1.0)
    # Inside the mask one cell of two differs by 1; the 7s are outside.
    np.testing.assert_allclose(losses.masked_feature_l1([real], [fake], mask), 0.5, rtol=1e-6)


def test_masked_features_add_up_over_layers():
    mask = jnp.ones((2, 4, 4, 1))
    layers = [jnp.zeros((2, 4, 4, 5)), jnp.zeros((2, 2, 2, 7))]
    shifted = [layer + 1.0 for layer in layers]
    np.testing.assert_allclose(losses.masked_feature_l1(layers, shifted, mask), 2.0, rtol=1e-6)
