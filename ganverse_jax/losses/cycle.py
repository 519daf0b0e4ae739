"""Losses of StyleGAN-R: code regression with gate entropy (Eq. 5) and cycle consistency (Eq. 6),
arXiv:2010.09125.

All functions are pure and return unweighted means; the paper's norms are taken as mean squared
differences, so that one weight means the same for codes, meshes and textures of any size.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def code_distance(mapped: Float[Array, "b n"], target: Float[Array, "b n"]) -> Float[Array, ""]:
    """Mean squared difference of style codes: the first term of Eq. 5, arXiv:2010.09125.

    mapped: codes from the mapping network, raw style units [b n]; target: the generator's own codes [b n].
    """
    return jnp.mean(jnp.square(mapped - target))


def gate_entropy(gates: Float[Array, "3 n"]) -> Float[Array, ""]:
    """Mean over code dimensions of -sum_k s_k log s_k, in nats: the second term of Eq. 5, arXiv:2010.09125.

    gates: softmax weights of shape, texture and background [3 n], each column summing to one. Zero when
    every dimension is explained by one property alone, log 3 when all three share it. A gate of exactly
    zero counts zero.
    """
    safe = jnp.where(gates > 0, gates, 1.0)
    return -jnp.mean(jnp.sum(gates * jnp.log(safe), axis=0))


def cycle_distance(sampled: Float[Array, "b *n"], returned: Float[Array, "b *n"]) -> Float[Array, ""]:
    """Mean squared difference between a property fed in and the same property read back, one term of Eq. 6.

    sampled, returned: displacements [b v 3], textures [b th tw 3] or background codes [b n]; equal shapes.
    """
    return jnp.mean(jnp.square(sampled - returned))


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
        terms[name] = 0.5 * (cycle_distance(pair[0], first[name]) + cycle_distance(pair[1], second[name]))
    shared = sampled["background"]
    terms["background"] = 0.5 * (
        cycle_distance(shared, first["background"]) + cycle_distance(shared, second["background"])
    )
    terms["background_pair"] = cycle_distance(first["background"], second["background"])
    return terms
