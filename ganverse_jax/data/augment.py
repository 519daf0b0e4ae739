"""Augmentation that bridges crisp toy-world renders and softer GAN samples.

Every function works on one example, is pure in its key and meant for `jax.vmap`, so that the
draws belong to a global example index and do not depend on the number of devices.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp


def smooth_field(key: jax.Array, height: int, width: int, channels: int, cells: int) -> jax.Array:
    """Random field [h w c], about unit variance, varying over 1/`cells` of the picture."""
    coarse = jax.random.normal(key, (cells, cells, channels))
    return jax.image.resize(coarse, (height, width, channels), "cubic")


def warp(image: jax.Array, key: jax.Array, *, zoom: float, shift: float, wobble: float) -> jax.Array:
    """Resample [h w c] under a random zoom, shift and smooth displacement (both in pixels).

    Outside the picture the border repeats. `zoom` 0.1 means a factor from exp(-0.1) to exp(0.1).
    """
    height, width, _ = image.shape
    zoom_key, shift_key, wobble_key = jax.random.split(key, 3)
    factor = jnp.exp(jax.random.uniform(zoom_key, (), minval=-zoom, maxval=zoom))
    offset = jax.random.uniform(shift_key, (2,), minval=-shift, maxval=shift)
    field = wobble * smooth_field(wobble_key, height, width, 2, 5)
    rows, columns = jnp.meshgrid(jnp.arange(height) - (height - 1) / 2,
                                 jnp.arange(width) - (width - 1) / 2, indexing="ij")
    rows = rows * factor + offset[0] + field[..., 0] + (height - 1) / 2
    columns = columns * factor + offset[1] + field[..., 1] + (width - 1) / 2
    return _bilinear(image, jnp.clip(rows, 0, height - 1), jnp.clip(columns, 0, width - 1))


def _bilinear(image: jax.Array, rows: jax.Array, columns: jax.Array) -> jax.Array:
    height, width, _ = image.shape
    top = jnp.clip(jnp.floor(rows).astype(jnp.int32), 0, height - 2)
    left = jnp.clip(jnp.floor(columns).astype(jnp.int32), 0, width - 2)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    upper = image[top, left] * (1 - right) + image[top, left + 1] * right
    lower = image[top + 1, left] * (1 - right) + image[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down


def blur(image: jax.Array) -> jax.Array:
    """Binomial [1 2 1] / 4 blur of [h w c] along both axes, borders repeated."""
    for axis in (0, 1):
        pads = [(1, 1) if i == axis else (0, 0) for i in range(image.ndim)]
        padded = jnp.pad(image, pads, mode="edge")
        size = image.shape[axis]
        parts = [jax.lax.slice_in_dim(padded, i, i + size, axis=axis) for i in range(3)]
        image = (parts[0] + 2 * parts[1] + parts[2]) / 4
    return image


def repaint_background(image: jax.Array, mask: jax.Array, key: jax.Array) -> jax.Array:
    """Blend the background of [h w 3] towards a random smooth colour field; the object stays."""
    amount_key, colour_key, field_key, fine_key = jax.random.split(key, 4)
    amount = jnp.clip(jax.random.uniform(amount_key, (), minval=-0.6, maxval=0.9), 0.0, 1.0)
    paint = jax.random.uniform(colour_key, (3,)) + 0.2 * smooth_field(field_key, *image.shape, 4)
    paint = jnp.clip(paint + 0.08 * smooth_field(fine_key, *image.shape, 16), 0.0, 1.0)
    return image + amount * (1 - mask[..., None]) * (paint - image)


def jitter_colours(image: jax.Array, key: jax.Array, strength: float = 0.2) -> jax.Array:
    """Random gain, offset and saturation of [h w 3] in [0, 1]."""
    gain_key, offset_key, grey_key = jax.random.split(key, 3)
    gain = 1 + strength * jax.random.uniform(gain_key, (3,), minval=-1.0)
    offset = 0.5 * strength * jax.random.uniform(offset_key, (3,), minval=-1.0)
    saturation = jax.random.uniform(grey_key, (), minval=0.5, maxval=1.3)
    grey = image.mean(axis=-1, keepdims=True)
    return ((grey + saturation * (image - grey)) - 0.5) * gain + 0.5 + offset


def add_noise(image: jax.Array, key: jax.Array, strength: float = 0.06) -> jax.Array:
    """White noise, and blotches at two scales as GAN samples show, each of random amplitude."""
    size_key, white_key, coarse_key, fine_key = jax.random.split(key, 4)
    sizes = strength * jax.random.uniform(size_key, (3,))
    height, width, channels = image.shape
    image = image + sizes[0] * jax.random.normal(white_key, image.shape)
    image = image + sizes[1] * smooth_field(coarse_key, height, width, channels, max(2, height // 8))
    return image + sizes[2] * smooth_field(fine_key, height, width, channels, max(2, height // 3))


def augment(image: jax.Array, mask: jax.Array, key: jax.Array, *, zoom: float = 0.0, shift: float = 3.0,
            wobble: float = 0.6) -> tuple[jax.Array, jax.Array]:
    """One augmented training pair: image [h w 3] and mask [h w], both in [0, 1], same on return.

    Leave `zoom` at 0 where the target depends on apparent size (the pose regressor's distance).
    """
    background_key, warp_key, colour_key, blur_key, noise_key = jax.random.split(key, 5)
    image = repaint_background(image, mask, background_key)
    both = jnp.concatenate([image, mask[..., None]], axis=-1)
    both = warp(both, warp_key, zoom=zoom, shift=shift, wobble=wobble)
    image, mask = both[..., :3], both[..., 3]
    image = jitter_colours(image, colour_key)
    amounts = jnp.clip(jax.random.uniform(blur_key, (2,), minval=-0.5), 0.0, 1.0)
    soft = image + amounts[0] * (blur(image) - image)
    soft = soft + amounts[1] * (blur(blur(soft)) - soft)
    return jnp.clip(add_noise(soft, noise_key), 0.0, 1.0), jnp.clip(mask, 0.0, 1.0)
