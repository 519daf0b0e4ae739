"""Texture sampling."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rasterizer import kernels
from rasterizer.checks import whole_number

WRAP_MODES = ("repeat", "clamp", "mirror")


def sample_texture(
    texture: Float[Array, "b th tw c"],
    uv: Float[Array, "b h w 2"],
    *,
    wrap_u: str = "repeat",
    wrap_v: str = "clamp",
    mip_levels: int = 1,
    implementation: str | None = None,
) -> Float[Array, "b h w c"]:
    """Bilinear or, with mip_levels > 1, trilinear texture samples; uv starts at the bottom-left corner.

    Row 0 of the texture is its top, as in an image file: the centre of texel (row r, column s) is
    u = (s + 0.5) / tw, v = 1 - (r + 0.5) / th. `wrap_u`, `wrap_v`: "repeat" tiles the texture,
    "clamp" repeats its border texels, "mirror" tiles it with every second copy reflected. The defaults
    suit `icosphere`, whose u closes on itself.

    mip_levels: how many halvings of the texture to blend, the full size included; each must halve
    evenly. The level at a pixel is log2 of the larger step, in texels, between it and its neighbours
    (Williams 1983), see `mip_level`; it carries no gradient. Costs one bilinear sample per level.

    Differentiable with respect to the texture and uv. Raises ValueError for wrong shapes, an unknown
    wrap mode, and more levels than the texture has.
    """
    texture, uv = _checked(texture, uv, (wrap_u, wrap_v))
    mip_levels = whole_number("mip_levels", mip_levels, 1)
    dtype = jnp.promote_types(jnp.promote_types(texture.dtype, uv.dtype), jnp.float32)
    kernel = kernels.select(implementation, dtype)
    texture, uv = texture.astype(dtype), uv.astype(dtype)
    if mip_levels == 1:
        return kernel.sample_texture(texture, uv, wrap_u, wrap_v)
    level = mip_level(uv, texture.shape[1], texture.shape[2], mip_levels)[..., None]
    samples = 0
    for n, smaller in enumerate(mip_pyramid(texture, mip_levels)):
        share = jnp.maximum(1 - jnp.abs(level - n), 0)
        samples = samples + share * kernel.sample_texture(smaller, uv, wrap_u, wrap_v)
    return samples


def _checked(texture, uv, wraps: tuple[str, str]) -> tuple[jax.Array, jax.Array]:
    """Both as arrays. Raises ValueError as `sample_texture` does."""
    texture, uv = jnp.asarray(texture), jnp.asarray(uv)
    if texture.ndim != 4 or uv.ndim != 4 or uv.shape[-1] != 2 or texture.shape[0] != uv.shape[0]:
        raise ValueError(
            f"texture {texture.shape} and uv {uv.shape}; expected [b th tw c] and [b h w 2] with one b"
        )
    if 0 in texture.shape[1:3]:
        raise ValueError(f"texture {texture.shape} has no texels; both sides must be at least 1")
    if not jnp.issubdtype(texture.dtype, jnp.floating):
        raise ValueError(f"texture has dtype {texture.dtype}; give floats in [0, 1], e.g. texture / 255")
    for wrap in wraps:
        if wrap not in WRAP_MODES:
            raise ValueError(f"wrap mode {wrap!r}; choose one of {', '.join(WRAP_MODES)}")
    return texture, uv


def mip_pyramid(texture: Float[Array, "b th tw c"], levels: int) -> list[Float[Array, "b _ _ c"]]:
    """The texture and its halvings, each texel the mean of the four below it; `levels` arrays in all.

    Raises ValueError where a side does not halve evenly that often.
    """
    height, width = texture.shape[1:3]
    step = 1 << (levels - 1) if levels > 0 else 0
    if levels < 1 or height % step or width % step:
        raise ValueError(
            f"{levels} mip levels of a texture of {height} x {width}: both sides must be multiples of "
            f"2**(levels - 1); lower mip_levels or resize the texture"
        )
    pyramid = [texture]
    for _ in range(levels - 1):
        b, height, width, c = pyramid[-1].shape
        pyramid.append(pyramid[-1].reshape(b, height // 2, 2, width // 2, 2, c).mean(axis=(2, 4)))
    return pyramid


def mip_level(
    uv: Float[Array, "b h w 2"], texture_height: int, texture_width: int, levels: int
) -> Float[Array, "b h w"]:
    """Pyramid level in [0, levels - 1] at each pixel: log2 of its footprint's longer side in texels.

    The footprint is measured by differences to the next row and column; along each the smaller of the
    two neighbours' steps counts, so that silhouettes and texture seams do not blur. No gradient.
    """
    uv, sides = jax.lax.stop_gradient(uv), jnp.array([texture_width, texture_height], uv.dtype)
    squared = jnp.fmax(
        _smaller_step(uv, sides, 1), _smaller_step(uv, sides, 2)
    )  # whatever is no number apart
    return jnp.clip(0.5 * jnp.log2(jnp.fmax(squared, 1.0)), 0.0, levels - 1.0)


def _smaller_step(uv, sides, axis):
    """Squared length in texels of the shorter step to the neighbours along an axis; 0 where there is none."""
    if uv.shape[axis] == 1:
        return jnp.zeros(uv.shape[:-1], uv.dtype)
    squared = jnp.sum((jnp.diff(uv, axis=axis) * sides) ** 2, axis=-1)
    ahead = jnp.concatenate([squared, jnp.take(squared, jnp.array([-1]), axis=axis)], axis=axis)
    behind = jnp.concatenate([jnp.take(squared, jnp.array([0]), axis=axis), squared], axis=axis)
    return jnp.fmin(ahead, behind)
