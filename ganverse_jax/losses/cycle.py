"""Losses of StyleGAN-R: code regression with gate entropy (Eq. 5) and cycle consistency (Eq. 6),
arXiv:2010.09125.

All functions are pure and return unweighted means; the paper's norms are taken as mean squared
differences, so that one weight means the same for codes, meshes and textures of any size.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ganverse_jax.losses.image import pool_mask

CELLS = 8  # of a picture's height and width, in `low_frequency_distance`


def squared_distance(a: Float[Array, "b *n"], b: Float[Array, "b *n"]) -> Float[Array, ""]:
    """Mean squared difference: the first term of Eq. 5, of style codes in raw units [b n], mapped and the
    generator's own; and one term of Eq. 6, of a property fed in and the same property read back."""
    return jnp.mean(jnp.square(a - b))


def gate_entropy(gates: Float[Array, "3 n"]) -> Float[Array, ""]:
    """Mean over code dimensions of -sum_k s_k log s_k, in nats: the second term of Eq. 5, arXiv:2010.09125.

    gates: softmax weights of shape, texture and background [3 n], each column summing to one. Zero when
    every dimension is explained by one property alone, log 3 when all three share it. A gate of exactly
    zero counts zero.
    """
    safe = jnp.where(gates > 0, gates, 1.0)
    return -jnp.mean(jnp.sum(gates * jnp.log(safe), axis=0))


def cycle_terms(sampled: dict, first: dict, second: dict) -> dict[str, Float[Array, ""]]:
    """The four terms of Eq. 6, arXiv:2010.09125, for two images made from one background and two objects.

    sampled: "shape" and "texture", each the pair (of the first image, of the second image), and
    "background", the code
        g_b(B) [b n] that both images share.
    first, second: what was read back from each image: "shape" [b v 3], "texture" [b th tw 3], "background"
    [b n]. Returns shape, texture, background (averaged over the two images) and background_pair, ||g_b(B1)
    - g_b(B2)||.
    """
    terms = {}
    for name in ("shape", "texture"):
        pair = sampled[name]
        terms[name] = 0.5 * (squared_distance(pair[0], first[name]) + squared_distance(pair[1], second[name]))
    shared = sampled["background"]
    terms["background"] = 0.5 * (
        squared_distance(shared, first["background"]) + squared_distance(shared, second["background"])
    )
    terms["background_pair"] = squared_distance(first["background"], second["background"])
    return terms


def low_frequency_distance(
    a: Float[Array, "b h w c"],
    b: Float[Array, "b h w c"],
    seen_a: Float[Array, "b h w 1"],
    seen_b: Float[Array, "b h w 1"],
) -> Float[Array, ""]:
    """Mean absolute difference of pictures' cell means, over 8 x 8 cells, of the pixels that both show.

    seen_a, seen_b: weights in [0, 1]; a cell counts as much as it is seen in both, among those of its pair.
    All pairs count alike; one that shows nothing is zero.
    """
    weight = seen_a * seen_b
    cells = pool_mask(weight, CELLS, CELLS)
    off = pool_mask(weight * (a - b), CELLS, CELLS) / jnp.maximum(cells, 1e-6)
    seen = jnp.maximum(jnp.sum(cells, axis=(1, 2, 3)) * a.shape[-1], 1e-6)
    return jnp.mean(jnp.sum(cells * jnp.abs(off), axis=(1, 2, 3)) / seen)
