"""What the augmentation may and may not change."""

import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.data import augment

IMAGE = np.random.default_rng(0).random((16, 16, 3)).astype(np.float32)
MASK = (np.hypot(*np.mgrid[-7.5:8, -7.5:8]) < 4).astype(np.float32)


def test_a_warp_of_zero_strength_is_the_identity():
    same = jax.jit(augment.warp)(IMAGE, 0.0, jnp.zeros(2), jnp.zeros((16, 16, 2)))
    # 1e-5: bilinear weights are exact up to rounding of the coordinates (about 15 * 2^-23)
    np.testing.assert_allclose(same, IMAGE, atol=1e-5)


def test_a_warp_by_one_pixel_moves_the_picture_by_one_pixel():
    moved = jax.jit(augment.warp)(IMAGE, 0.0, jnp.array([1.0, 0.0]), jnp.zeros((16, 16, 2)))
    np.testing.assert_allclose(moved[:-1], IMAGE[1:], atol=1e-5)  # as above


def test_blur_keeps_a_constant_and_the_sum_of_the_inside():
    spot = np.zeros((9, 9, 1), np.float32)
    spot[4, 4] = 1
    blurred, flat = jax.jit(augment.blur)(spot), jax.jit(augment.blur)(np.full((9, 9, 1), 0.3, np.float32))
    np.testing.assert_allclose(flat, 0.3, rtol=1e-6)  # float32 rounding
    np.testing.assert_allclose(blurred.sum(), 1.0, rtol=1e-6)
    assert blurred[4, 4, 0] == 0.25


def test_augmentation_depends_on_the_examples_own_key_and_moves_mask_and_image_together():
    keys = jax.random.split(jax.random.key(5), 4)
    image = np.repeat(MASK[..., None], 3, axis=-1)
    many = jax.jit(jax.vmap(augment.augment))
    images, masks = many(np.stack([image] * 4), np.stack([MASK] * 4), keys)
    again, _ = many(np.stack([image] * 4), np.stack([MASK] * 4), keys[jnp.array([2, 2, 2, 2])])
    # 1e-5: same program, another row
    np.testing.assert_allclose(images[2], again[0], atol=1e-5)
    assert images.min() >= 0 and images.max() <= 1
    assert np.abs(np.asarray(images[0]) - images[1]).max() > 0.01
    for picture, mask in zip(images, masks, strict=True):
        inside = np.asarray(picture)[np.asarray(mask) > 0.9]
        assert inside.std() < 0.25  # a white object stays one tone, whatever became of its surroundings


def test_repainting_the_background_leaves_the_object():
    draws = jax.jit(augment.draw, static_argnums=(1, 2))(jax.random.key(3), 16, 16)
    painted = np.asarray(augment.repaint_background(IMAGE, MASK, draws | {"repaint": jnp.ones(1)}))
    np.testing.assert_array_equal(painted[MASK == 1], IMAGE[MASK == 1])
    assert np.abs(painted - IMAGE)[MASK == 0].mean() > 0.05
