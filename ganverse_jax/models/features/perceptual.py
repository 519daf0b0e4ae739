"""Perceptual terms for L_percept of Eq. 1 (arXiv:2010.09125), behind one callable interface.

A perceptual is any `f(image [b h w 3], rendered [b h w 3], mask [b h w 1]) -> scalar`, differentiable in
`rendered`; colours are in [0, 1], and the caller has put the render into the picture's own background,
since feature networks have seen no black ones. The paper uses VGG features (`lpips_perceptual`); without
outside weights the GAN's own discriminator serves (GAN2Shape, arXiv:2011.00844): outputs of its first four
residual blocks, compared where the average-pooled mask is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ganverse_jax.losses.image import masked_feature_l1
from ganverse_jax.models.features.lpips import LPIPS

Perceptual = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]


def discriminator_perceptual(
    features: Callable[[Float[Array, "b h w 3"]], Sequence[jax.Array]], num_blocks: int = 4
) -> Perceptual:
    """A perceptual over `features`, which takes GAN images in [-1, 1] and returns each residual block's
    output.

    Raises ValueError when the network has fewer than `num_blocks` blocks.
    """

    def perceptual(image, rendered, mask):
        real = list(features(2.0 * image - 1.0))
        if len(real) < num_blocks:
            raise ValueError(
                f"the discriminator has {len(real)} blocks, {num_blocks} asked for; lower perceptual_blocks"
            )
        fake = features(2.0 * rendered - 1.0)
        real = [jax.lax.stop_gradient(layer) for layer in real[:num_blocks]]
        return masked_feature_l1(real, fake[:num_blocks], mask)

    return perceptual


def lpips_perceptual(params: Mapping[str, Any], at_once: int | None = None) -> Perceptual:
    """The mean over images of their LPIPS distance (v0.1, VGG16), with `params` of `LPIPS`.

    The published average over the whole plane: the mask is in the picture already, as outside the object
    both pictures are the same. `params` are constants of the training. at_once: see `in_parts`.
    """
    module = LPIPS()

    def distance(image, rendered):
        return module.apply({"params": params}, 2.0 * image - 1.0, 2.0 * rendered - 1.0).mean()

    mean_distance = distance if at_once is None else in_parts(distance, at_once)
    return lambda image, rendered, mask: mean_distance(image, rendered)


def in_parts(distance: Callable[[jax.Array, jax.Array], jax.Array], at_once: int) -> Callable:
    """`distance(image [b h w c], rendered [b h w c])`, a mean over pictures, by parts of at most `at_once`.

    The same value and gradient in the memory of a part, and no operation more: as the value is a mean, a
    part's gradient is known as soon as its value is, and of a part nothing else is kept. Differentiable once,
    in `rendered`; `image` is a constant.
    """

    def parts(pictures):
        size = max(n for n in range(1, at_once + 1) if len(pictures) % n == 0)
        return pictures.reshape(-1, size, *pictures.shape[1:])

    @jax.custom_vjp
    def mean_distance(image, rendered):
        return jax.lax.map(lambda pair: distance(*pair), (parts(image), parts(rendered))).mean()

    def forward(image, rendered):
        slope = jax.value_and_grad(distance, argnums=1)
        values, slopes = jax.lax.map(lambda pair: slope(*pair), (parts(image), parts(rendered)))
        return values.mean(), slopes.reshape(rendered.shape) / len(values)

    def backward(slopes, cotangent):
        return jnp.zeros_like(slopes), cotangent * slopes

    mean_distance.defvjp(forward, backward)
    return lambda image, rendered: mean_distance(jax.lax.stop_gradient(image), rendered)
