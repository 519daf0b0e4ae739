"""Augmentation that bridges crisp toy-world renders and softer GAN samples.

Every function works on one example and is meant for `jax.vmap`. All random numbers of an example are drawn at
once from its own key (`draw`), so that they belong to a global example index whatever the number of devices,
and the rest is deterministic arithmetic that compiles fast.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

# Sides of the coarse grids of random values behind each smooth field, and their channels.
_FIELDS = {"wobble": (5, 2), "paint": (4, 3), "paint_fine": (16, 3), "blotch": (8, 3), "grain": (21, 3)}
_SCALARS = {
    "zoom": 1,
    "shift": 2,
    "repaint": 1,
    "colour": 3,
    "gain": 3,
    "offset": 3,
    "saturation": 1,
    "blur": 2,
    "noise": 3,
}


def draw(key: jax.Array, height: int, width: int) -> dict[str, jax.Array]:
    """Random numbers of one example: uniform [0, 1) for each scalar, smooth normal fields, white noise."""
    uniform_key, normal_key = jax.random.split(key)
    unit = jax.random.uniform(uniform_key, (sum(_SCALARS.values()),))
    sizes = {name: side * side * channels for name, (side, channels) in _FIELDS.items()}
    normal = jax.random.normal(normal_key, (sum(sizes.values()) + height * width * 3,))
    result, start = {}, 0
    for name, count in _SCALARS.items():
        result[name] = unit[start : start + count]
        start += count
    start = 0
    for name, (side, channels) in _FIELDS.items():
        coarse = normal[start : start + sizes[name]].reshape(side, side, channels)
        result[f"{name}_field"] = jax.image.resize(coarse, (height, width, channels), "linear")
        start += sizes[name]
    return result | {"white": normal[start:].reshape(height, width, 3)}


def between(unit: jax.Array, low: float, high: float) -> jax.Array:
    """Uniform numbers in [0, 1) stretched to [low, high)."""
    return low + (high - low) * unit


def warp(image: jax.Array, zoom: jax.Array, shift: jax.Array, displacement: jax.Array) -> jax.Array:
    """Resample [h w c] at positions scaled by exp(zoom) about the centre, shifted [2] and displaced [h w 2].

    Pixels as unit, rows first; outside the picture the border repeats.
    """
    height, width, _ = image.shape
    rows, columns = jnp.meshgrid(
        jnp.arange(height) - (height - 1) / 2, jnp.arange(width) - (width - 1) / 2, indexing="ij"
    )
    rows = rows * jnp.exp(zoom) + shift[0] + displacement[..., 0] + (height - 1) / 2
    columns = columns * jnp.exp(zoom) + shift[1] + displacement[..., 1] + (width - 1) / 2
    rows, columns = jnp.clip(rows, 0, height - 1), jnp.clip(columns, 0, width - 1)
    top = jnp.clip(jnp.floor(rows).astype(jnp.int32), 0, height - 2)
    left = jnp.clip(jnp.floor(columns).astype(jnp.int32), 0, width - 2)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    upper = image[top, left] * (1 - right) + image[top, left + 1] * right
    lower = image[top + 1, left] * (1 - right) + image[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down


def blur(image: jax.Array) -> jax.Array:
    """Binomial [1 2 1] / 4 blur of [h w c] along both axes, borders repeated."""
    padded = jnp.pad(image, ((1, 1), (0, 0), (0, 0)), mode="edge")
    image = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    padded = jnp.pad(image, ((0, 0), (1, 1), (0, 0)), mode="edge")
    return (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4


def repaint_background(image: jax.Array, mask: jax.Array, draws: dict[str, jax.Array]) -> jax.Array:
    """Blend the background of [h w 3] towards a random smooth colour field; the object stays."""
    amount = jnp.clip(between(draws["repaint"], -0.6, 0.9), 0.0, 1.0)
    paint = draws["colour"] + 0.2 * draws["paint_field"] + 0.08 * draws["paint_fine_field"]
    return image + amount * (1 - mask[..., None]) * (jnp.clip(paint, 0.0, 1.0) - image)


def jitter_colours(image: jax.Array, draws: dict[str, jax.Array], strength: float = 0.2) -> jax.Array:
    """Random gain, offset and saturation of [h w 3] in [0, 1]."""
    gain = 1 + strength * between(draws["gain"], -1, 1)
    offset = 0.5 * strength * between(draws["offset"], -1, 1)
    grey = image.mean(axis=-1, keepdims=True)
    return (grey + between(draws["saturation"], 0.5, 1.3) * (image - grey) - 0.5) * gain + 0.5 + offset


def add_noise(image: jax.Array, draws: dict[str, jax.Array], strength: float = 0.06) -> jax.Array:
    """White noise, and blotches at two scales as GAN samples show, each of random amplitude."""
    sizes = strength * draws["noise"]
    image = image + sizes[0] * draws["white"]
    return image + sizes[1] * draws["blotch_field"] + sizes[2] * draws["grain_field"]


def augment(
    image: jax.Array,
    mask: jax.Array,
    key: jax.Array,
    *,
    zoom: float = 0.0,
    shift: float = 3.0,
    wobble: float = 0.6,
) -> tuple[jax.Array, jax.Array]:
    """One augmented training pair: image [h w 3] and mask [h w], both in [0, 1], same on return.

    zoom 0.1 means a factor between exp(-0.1) and exp(0.1): leave it at 0 where the target depends on apparent
    size (the regressor's distance). shift and wobble are in pixels.
    """
    draws = draw(key, *mask.shape)
    both = jnp.concatenate([repaint_background(image, mask, draws), mask[..., None]], axis=-1)
    both = warp(
        both,
        zoom * between(draws["zoom"], -1, 1),
        shift * between(draws["shift"], -1, 1),
        wobble * draws["wobble_field"],
    )
    image, mask = jitter_colours(both[..., :3], draws), both[..., 3]
    amounts = jnp.clip(between(draws["blur"], -0.5, 1.0), 0.0, 1.0)
    image = image + amounts[0] * (blur(image) - image)
    image = image + amounts[1] * (blur(blur(image)) - image)
    return jnp.clip(add_noise(image, draws), 0.0, 1.0), jnp.clip(mask, 0.0, 1.0)
