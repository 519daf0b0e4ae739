"""Pixels folded into channels and back: half the plane without losing detail."""

import jax


def space_to_depth(x: jax.Array) -> jax.Array:
    """[b h w c] -> [b h/2 w/2 4c]."""
    b, h, w, c = x.shape
    return x.reshape(b, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 2, 4, 5).reshape(b, h // 2, w // 2, 4 * c)


def depth_to_space(x: jax.Array) -> jax.Array:
    """Inverse of `space_to_depth`: [b h w 4c] -> [b 2h 2w c]."""
    b, h, w, c = x.shape
    return x.reshape(b, h, w, 2, 2, c // 4).transpose(0, 1, 3, 2, 4, 5).reshape(b, 2 * h, 2 * w, c // 4)
