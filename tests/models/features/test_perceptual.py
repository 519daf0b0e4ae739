"""Perceptual losses: the discriminator's on stand-in features, LPIPS with random weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.models.features.lpips import LAYERS, LPIPS
from ganverse_jax.models.features.perceptual import discriminator_perceptual, lpips_perceptual


def pyramid(image):
    """Two 'blocks': the GAN-range image and its 2x2 means."""
    b, h, w, c = image.shape
    return [image, image.reshape(b, h // 2, 2, w // 2, 2, c).mean(axis=(2, 4))]


def test_features_see_the_gan_range():
    image, rendered, mask = jnp.zeros((1, 4, 4, 3)), jnp.full((1, 4, 4, 3), 0.25), jnp.ones((1, 4, 4, 1))
    # 0.25 in [0, 1] is 0.5 in [-1, 1], in each of two layers.
    np.testing.assert_allclose(
        jax.jit(discriminator_perceptual(pyramid, 2))(image, rendered, mask), 1.0, rtol=1e-6
    )


def test_only_the_first_blocks_count():
    image, rendered, mask = jnp.zeros((1, 4, 4, 3)), jnp.full((1, 4, 4, 3), 0.25), jnp.ones((1, 4, 4, 1))
    np.testing.assert_allclose(
        jax.jit(discriminator_perceptual(pyramid, 1))(image, rendered, mask), 0.5, rtol=1e-6
    )


def test_the_gradient_stays_inside_the_mask():
    image, rendered = jnp.zeros((1, 4, 4, 3)), jnp.full((1, 4, 4, 3), 0.25)
    mask = jnp.zeros((1, 4, 4, 1)).at[:, :2].set(1.0)
    gradient = jax.jit(jax.grad(lambda r: discriminator_perceptual(pyramid, 2)(image, r, mask)))(rendered)
    assert (gradient[:, :2] > 0).all()
    np.testing.assert_array_equal(gradient[:, 2:], 0)


def test_too_few_blocks_are_named():
    with pytest.raises(ValueError, match="has 2 blocks, 4 asked for"):
        discriminator_perceptual(pyramid)(
            jnp.zeros((1, 4, 4, 3)), jnp.zeros((1, 4, 4, 3)), jnp.ones((1, 4, 4, 1))
        )


@pytest.fixture(scope="module")
def lpips():
    """LPIPS's parameters at random, and pictures in [0, 1] with a black half and a whole black one."""
    rng = np.random.default_rng(0)
    pictures = rng.random((2, 2, 16, 16, 3)).astype(np.float32)
    pictures[1, :, 8:], pictures[1, 1] = 0.0, 0.0
    params = jax.jit(LPIPS().init)(jax.random.key(0), pictures[0], pictures[1])["params"]
    return params, pictures


def test_lpips_sees_its_published_range_and_is_averaged_over_images(lpips):
    params, (image, rendered) = lpips
    mask = jnp.ones((2, 16, 16, 1))
    value = jax.jit(lpips_perceptual(params))(image, rendered, mask)
    each = jax.jit(LPIPS().apply)({"params": params}, 2 * image - 1, 2 * rendered - 1)
    # The same float32 sums, but for the order that XLA may choose.
    np.testing.assert_allclose(value, each.mean(), rtol=1e-5)
    # A picture is at no distance from itself, but for the square of the features' rounding (1e-7).
    assert value > 0.1 and jax.jit(lpips_perceptual(params))(image, image, mask) < 1e-12


def test_lpips_has_a_gradient_where_every_feature_is_off(lpips):
    params, (image, rendered) = lpips
    # With this bias no feature of the last convolution lives anywhere.
    off = params | {"conv28": params["conv28"] | {"bias": jnp.full(512, -1e6)}}
    slope = jax.jit(jax.grad(lpips_perceptual(off), argnums=1))
    gradient = slope(image, rendered, jnp.ones((2, 16, 16, 1)))
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


def test_lpips_does_not_differentiate_the_picture_that_is_a_constant(lpips):
    params, (image, rendered) = lpips
    slope = jax.grad(lpips_perceptual(params), argnums=1)
    program = str(jax.make_jaxpr(slope)(image, rendered, jnp.ones((2, 16, 16, 1))))
    # Every convolution once per picture, and once backwards for the render.
    assert program.count(" conv_general_dilated[") == 3 * len(LAYERS)


def test_lpips_in_parts_is_the_same_with_the_same_gradient(lpips):
    params, (image, rendered) = lpips
    rng = np.random.default_rng(1)
    pictures = [np.concatenate([one, rng.random((1, 16, 16, 3), np.float32)]) for one in (image, rendered)]
    mask = jnp.ones((3, 16, 16, 1))
    found, expected = (
        # Of twice the value, as a weight and other terms stand around it.
        jax.jit(jax.value_and_grad(lambda *x, term=term: 2.0 * term(*x), argnums=1))(*pictures, mask)
        for term in (lpips_perceptual(params, 2), lpips_perceptual(params))  # 2 do not divide 3: one by one
    )
    # The same float32 sums, but for the order that XLA may choose.
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-3, atol=1e-5 * np.abs(expected[1]).max())


def test_lpips_in_parts_runs_no_convolution_more(lpips):
    params, (image, rendered) = lpips
    slope = jax.value_and_grad(lpips_perceptual(params, 1), argnums=1)
    program = str(jax.make_jaxpr(slope)(image, rendered, jnp.ones((2, 16, 16, 1))))
    # In the one body that is run for every part.
    assert program.count(" conv_general_dilated[") == 3 * len(LAYERS)
