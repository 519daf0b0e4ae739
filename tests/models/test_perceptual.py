"""The discriminator as a perceptual loss, on stand-in features."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.models.perceptual import discriminator_perceptual


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
