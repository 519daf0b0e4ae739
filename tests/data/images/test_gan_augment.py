"""Claims about the discriminator's augmentation: exact where it can be, no dark borders, p is a share."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from ganverse_jax.data.images.gan_augment import augment, draw, recolour, transform

NAMES = (
    "flip quarter_turns shift scale rotate_before stretch rotate_after move "
    "brightness contrast luma_flip hue saturation"
).split()
SIZE = 16
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})  # compiles faster
augmented, transformed, recoloured = jit(augment), jit(transform), jit(recolour)
draws_of = jit(jax.vmap(draw, (0, None)))


def only(**drawn):
    """Draws of an example to which just the named transforms were applied."""
    return {name: jnp.broadcast_to(jnp.float32(drawn.get(name, 0.0)), (2,)) for name in NAMES}


def pictures(count=3, size=SIZE):
    return np.random.default_rng(0).uniform(-1, 1, (count, size, size, 3)).astype(np.float32)


def wave(x, y, frequency=(0.11, 0.05)):
    """A plane wave, cycles per pixel, at positions from the centre."""
    return jnp.cos(2 * jnp.pi * (frequency[0] * x + frequency[1] * y) + 0.4)[..., None]


def centred(size):
    return np.meshgrid(np.arange(size) + 0.5 - size / 2, np.arange(size) + 0.5 - size / 2)


def test_probability_zero_gives_the_images_back_to_the_bit():
    images = pictures()
    result = augmented(images, 0.0, keys=jax.random.split(jax.random.key(0), 3))
    np.testing.assert_array_equal(result, images)


def test_blitting_moves_pixels_as_they_are():
    image = pictures(1)[0]
    np.testing.assert_array_equal(transformed(image, only(flip=1)), image[:, ::-1])
    turned = {bytes(np.asarray(transformed(image, only(quarter_turns=n)))) for n in range(4)}
    assert turned == {np.rot90(image, n).tobytes() for n in range(4)}
    mirrored = np.pad(image, ((0, 2), (0, 2), (0, 0)), mode="symmetric")
    np.testing.assert_array_equal(transformed(image, only(shift=0.12)), mirrored[2:, 2:])


@pytest.mark.parametrize(
    ("drawn", "source"),
    [
        ({"move": 0.03}, lambda x, y: (x + 0.03 * 32, y + 0.03 * 32)),
        ({"scale": -0.3}, lambda x, y: (x * 2**-0.3, y * 2**-0.3)),
        ({"stretch": 0.2}, lambda x, y: (x * 2**0.2, y / 2**0.2)),
        ({"rotate_after": np.arctan2(3, 4)}, lambda x, y: (0.8 * x - 0.6 * y, 0.6 * x + 0.8 * y)),
        ({"flip": 1, "move": 0.03}, lambda x, y: (-(x + 0.03 * 32), y + 0.03 * 32)),
    ],
)  # fmt: skip
def test_a_wave_is_resampled_where_the_transform_says(drawn, source):
    x, y = centred(32)
    result = transformed(wave(x, y), only(**drawn))
    inner = slice(8, 24)  # the rest may show mirror images
    # Bilinear interpolation of 0.12 cycles per pixel at doubled density errs by (pi 0.12)^2 / 8 = 0.018.
    np.testing.assert_allclose(result[inner, inner], wave(*source(x, y))[inner, inner], atol=0.03)


def test_detail_too_fine_for_a_shrunken_image_is_filtered_away():
    x, y = centred(32)
    fine = wave(x, y, frequency=(0.4, 0.0))  # becomes 0.8 cycles per pixel, which would alias to 0.2
    shrunk = transformed(fine, only(scale=1.0))
    assert np.abs(shrunk[10:22, 10:22]).max() < 0.1  # its amplitude was 1; mirror images begin beyond


def test_a_plain_image_stays_plain_under_every_geometric_transform():
    images = jnp.full((20, SIZE, SIZE, 3), 0.7)
    draws = draws_of(jax.random.split(jax.random.key(0), 20), 1.0)
    # float32 weights of the filters sum to 1 within a few 1e-7
    np.testing.assert_allclose(jit(jax.vmap(transform))(images, draws), images, rtol=0, atol=2e-6)


def test_colour_transforms_do_what_their_names_say():
    image = pictures(1)[0]
    grey = image.mean(axis=-1, keepdims=True)
    close = dict(rtol=0, atol=2e-6)  # a few float32 operations on values of order 1
    np.testing.assert_allclose(recoloured(image, only(brightness=0.3)), image + 0.3, **close)
    np.testing.assert_allclose(recoloured(image, only(contrast=1.0)), 2 * image, **close)
    np.testing.assert_allclose(recoloured(image, only(luma_flip=1)), image - 2 * grey, **close)
    np.testing.assert_allclose(recoloured(image, only(saturation=-1.0)), grey + (image - grey) / 2, **close)
    a_third = recoloured(image, only(hue=2 * np.pi / 3))
    np.testing.assert_allclose(a_third, np.roll(image, 1, axis=-1), **close)


@pytest.mark.parametrize("probability", [0.25, 1.0])
def test_each_transform_is_applied_with_the_probability(probability):
    count = 4000
    draws = draws_of(jax.random.split(jax.random.key(1), count), probability)
    applied = {name: np.asarray(numbers).any(axis=1) for name, numbers in draws.items()}
    for name in ("scale", "stretch", "move", "brightness", "contrast", "hue", "saturation", "shift"):
        assert abs(applied[name].mean() - probability) < 0.035  # five standard deviations of the share
    rotated = applied["rotate_before"] | applied["rotate_after"]
    assert abs(rotated.mean() - probability) < 0.035
    assert abs(draws["flip"][:, 0].mean() - probability / 2) < 0.035


def test_gradients_of_both_orders_are_those_of_differences():
    image = pictures(1, 8)
    keys = jax.random.split(jax.random.key(3), 1)

    @jax.jit
    def score(images):
        return jnp.sum(jnp.sin(augment(images, 1.0, keys=keys)))

    check_grads(score, (image,), order=2, modes=["rev"], atol=0.02, rtol=0.02)  # float32 differences


def test_an_example_is_transformed_by_its_own_key_alone():
    images, keys = pictures(), jax.random.split(jax.random.key(4), 3)
    together, alone = augmented(images, 0.8, keys=keys), augmented(images[1:2], 0.8, keys=keys[1:2])
    np.testing.assert_allclose(together[1:2], alone, rtol=0, atol=1e-6)  # batch size may change the order
    assert not np.allclose(together, images)


def test_half_precision_images_stay_so():
    images = jnp.asarray(pictures(), jnp.bfloat16)
    keys = jax.random.split(jax.random.key(0), 3)
    result = augmented(images, 1.0, keys=keys)
    assert result.dtype == jnp.bfloat16
    precise = augmented(images.astype(jnp.float32), 1.0, keys=keys)
    np.testing.assert_array_equal(result, precise.astype(jnp.bfloat16))
