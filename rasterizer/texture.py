"""Texture sampling."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rasterizer import kernels

WRAP_MODES = ("repeat", "clamp")


def sample_texture(
    texture: Float[Array, "b th tw c"],
    uv: Float[Array, "b h w 2"],
    *,
    wrap_u: str = "repeat",
    wrap_v: str = "clamp",
    implementation: str | None = None,
) -> Float[Array, "b h w c"]:
    """Bilinear texture samples; uv has its origin at the texture's bottom-left corner.

    Row 0 of the texture is its top, as in an image file: the centre of texel (row r, column s) is
    u = (s + 0.5) / tw, v = 1 - (r + 0.5) / th. `wrap_u`, `wrap_v`: "repeat" tiles the texture,
    "clamp" repeats its border texels. The defaults suit `icosphere`, whose u closes on itself.
    Differentiable with respect to the texture and uv.
    """
    texture, uv = jnp.asarray(texture), jnp.asarray(uv)
    if texture.ndim != 4 or uv.ndim != 4 or uv.shape[-1] != 2 or texture.shape[0] != uv.shape[0]:
        raise ValueError(
            f"texture {texture.shape} and uv {uv.shape}; expected [b th tw c] and [b h w 2] with one b"
        )
    for wrap in (wrap_u, wrap_v):
        if wrap not in WRAP_MODES:
            raise ValueError(f"wrap mode {wrap!r}; choose one of {', '.join(WRAP_MODES)}")
    dtype = jnp.promote_types(jnp.promote_types(texture.dtype, uv.dtype), jnp.float32)
    kernel = kernels.select(implementation, dtype)
    return kernel.sample_texture(texture.astype(dtype), uv.astype(dtype), wrap_u, wrap_v)
