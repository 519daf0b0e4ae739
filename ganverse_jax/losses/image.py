"""Image terms of Eq. 1 (arXiv:2010.09125): masked colour, intersection over union, masked features.

Images and masks are in [0, 1], NHWC; every function returns an unweighted mean.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def masked_l1(
    image: Float[Array, "b h w c"],
    mask: Float[Array, "b h w 1"],
    rendered: Float[Array, "b h w c"],
    rendered_mask: Float[Array, "b h w 1"],
) -> Float[Array, ""]:
    """L_col of Eq. 1: the mean over pixels and channels of |M I - M' I'|.

    Renders have no background, so both pictures are blacked out by their own mask first. A pixel that one
    mask holds and the other does not costs the brightness of what it shows.
    """
    return jnp.abs(mask * image - rendered_mask * rendered).mean()


def soft_iou(mask: Float[Array, "b h w 1"], rendered_mask: Float[Array, "b h w 1"]) -> Float[Array, "b"]:
    """Intersection over union of two soft masks, per image: sum(M M') / sum(M + M' - M M').

    Two empty masks agree: 1, with zero gradient.
    """
    product = mask * rendered_mask
    intersection = product.sum(axis=(1, 2, 3))
    union = (mask + rendered_mask - product).sum(axis=(1, 2, 3))
    is_empty = union <= 0
    return jnp.where(is_empty, 1.0, intersection / jnp.where(is_empty, 1.0, union))


def iou_loss(mask: Float[Array, "b h w 1"], rendered_mask: Float[Array, "b h w 1"]) -> Float[Array, ""]:
    """L_IOU of Eq. 1: the mean over images of 1 - sum(M M') / sum(M + M' - M M')."""
    return 1.0 - soft_iou(mask, rendered_mask).mean()


def pool_mask(mask: Float[Array, "b h w c"], height: int, width: int) -> Float[Array, "b height width c"]:
    """Average a mask, or any picture, over the cells of a coarser grid.

    Raises ValueError when the mask's size is no multiple of the grid's.
    """
    b, h, w, c = mask.shape
    if h % height or w % width:
        raise ValueError(f"a mask of {h}x{w} cannot be averaged to {height}x{width}; sizes must divide")
    return mask.reshape(b, height, h // height, width, w // width, c).mean(axis=(2, 4))


def masked_feature_l1(features, rendered_features, mask: Float[Array, "b h w 1"]) -> Float[Array, ""]:
    """The sum over layers of the mean over cells and channels of m |F - F'|, m the average-pooled mask.

    features, rendered_features: sequences of [b h_l w_l c_l], equal in shapes. Dividing by the mask's own sum
    (and not by the cell count) keeps the term independent of how much of the picture the object fills.
    Source: the discriminator loss of GAN2Shape (arXiv:2011.00844, section 3.3).
    """
    total = jnp.zeros((), mask.dtype)
    for real, fake in zip(features, rendered_features, strict=True):
        weight = pool_mask(mask, real.shape[1], real.shape[2])
        difference = (weight * jnp.abs(real - fake)).sum(axis=(1, 2)).mean(axis=-1)
        total += (difference / jnp.maximum(weight.sum(axis=(1, 2, 3)), 1e-3)).mean()
    return total
