"""Brute force: every face at every pixel, in whatever float type is given. For tests.

Every function takes a batch: vertices_clip [b v 4], faces [b f 3]. Derivatives are JAX's own.
"""

import jax
import jax.numpy as jnp

from rasterizer.kernels import formulas


def rasterize(vertices_clip, faces, height, width, cull_backfaces, perspective_correct):
    """-> face_id [b h w], barycentrics [b h w 3], depth [b h w]."""

    def one(item):
        clip, faces = item
        visible = _visible(jax.lax.stop_gradient(clip), faces, height, width, cull_backfaces)
        return visible, *formulas.fragments_of(clip, faces, visible, perspective_correct)

    return jax.lax.map(one, (vertices_clip, faces))


def silhouette(vertices_clip, faces, face_id, sigma_inverse, margin):
    """-> soft mask [b h w]."""

    def one(item):
        clip, faces, face_id = item
        xy, kept = formulas.silhouette_corners(clip, faces)
        xy = xy[:, None, None]
        x, y = _grid(*face_id.shape, clip.dtype)
        low, high = jnp.min(xy, axis=-2), jnp.max(xy, axis=-2)
        near = (x >= low[..., 0] - margin) & (x <= high[..., 0] + margin)
        near &= (y >= low[..., 1] - margin) & (y <= high[..., 1] + margin)
        distance2 = formulas.boundary_distance_squared(xy, x, y)
        miss = jnp.where(near & kept[:, None, None], -jnp.expm1(-sigma_inverse * distance2), 1)
        return jnp.where(face_id >= 0, 1, 1 - jnp.prod(miss, axis=0))

    return jax.lax.map(one, (vertices_clip, faces, face_id))


def interpolate(attributes, faces, face_id, barycentrics):
    """attributes [b v c] -> [b h w c]."""
    return jax.vmap(formulas.interpolate)(attributes, faces, face_id, barycentrics)


def sample_texture(texture, uv, wrap_u, wrap_v):
    """texture [b th tw c], uv [b h w 2] -> [b h w c]."""
    return jax.vmap(lambda t, c: formulas.sample_bilinear(t, c, wrap_u, wrap_v))(texture, uv)


def _visible(clip, faces, height, width, cull_backfaces):
    corners, kept = formulas.screen_faces(clip, faces, cull_backfaces)
    inside, inverse_depth = formulas.coverage(corners[:, None, None], *_grid(height, width, clip.dtype))
    score = jnp.where(inside & kept[:, None, None], inverse_depth, -jnp.inf)
    nearest = jnp.argmax(score, axis=0).astype(jnp.int32)
    return jnp.where(jnp.max(score, axis=0) > -jnp.inf, nearest, -1)


def _grid(height, width, dtype):
    x, y = formulas.pixel_centres(height, width, dtype)
    return jnp.broadcast_arrays(x[None, None, :], y[None, :, None])
