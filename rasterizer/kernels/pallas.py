"""GPU kernels in Pallas, lowered by Mosaic GPU (Hopper and newer); the same bodies run interpreted.

Forward, a block owns one tile of pixels and walks the faces near it: for the visible face and for the
silhouette's product. Barycentrics, depth, interpolation and texture samples are gathers in plain JAX.
Backward, a block owns one face and walks the tiles of its box; what it sums goes to the vertices, and
the samples' gradients to the texels, in a fixed order (`pallas_gradients`): same input, same bits.
"""

from functools import partial

import jax
import jax.numpy as jnp

from rasterizer.kernels import formulas, pallas_bodies, pallas_gradients, pallas_launch, reference

INTERPRET = False
"""Whether the bodies run as plain JAX on any platform; for tests."""


def rasterize(vertices_clip, faces, height, width, cull_backfaces, perspective_correct):
    """-> face_id [b h w], barycentrics [b h w 3], depth [b h w]."""
    return _rasterize(vertices_clip, faces, height, width, cull_backfaces, perspective_correct)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4, 5))
def _rasterize(vertices_clip, faces, height, width, cull_backfaces, perspective_correct):
    face_id = _visible(vertices_clip, faces, height, width, cull_backfaces)
    fragments = jax.vmap(partial(formulas.fragments_of, perspective_correct=perspective_correct))
    return face_id, *fragments(vertices_clip, faces, face_id)


def _rasterize_forward(vertices_clip, faces, *static):
    fragments = _rasterize(vertices_clip, faces, *static)
    return fragments, (vertices_clip, faces, fragments[0])


def _rasterize_backward(height, width, cull_backfaces, perspective_correct, saved, cotangents):
    _, grad_barycentrics, grad_depth = cotangents
    gradient = pallas_gradients.of_fragments(
        *saved, grad_barycentrics, grad_depth, perspective_correct, INTERPRET
    )
    return gradient, None


_rasterize.defvjp(_rasterize_forward, _rasterize_backward)


def _visible(clip, faces, height, width, cull_backfaces):
    corners, kept = jax.vmap(partial(formulas.screen_faces, cull_backfaces=cull_backfaces))(clip, faces)
    orientation = jnp.sign(formulas.double_area(corners))[..., None]
    # An edge holds where its function exceeds this: below zero, yet no denormal, if it is owned.
    thresholds = jnp.where(formulas.owned_edges(corners), -1.2e-38, 0.0)
    records = jnp.concatenate([corners.reshape(*kept.shape, 9), thresholds, orientation], axis=-1)
    low, high = formulas.ndc_box(corners)
    return pallas_launch.for_each_tile(
        pallas_bodies.nearest_face, low, high, kept, records, height, width, jnp.int32, INTERPRET
    )


@partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def silhouette(vertices_clip, faces, face_id, sigma_inverse, margin):
    """-> soft mask [b h w]."""
    return _silhouette_forward(vertices_clip, faces, face_id, sigma_inverse, margin)[0]


def _silhouette_forward(vertices_clip, faces, face_id, sigma_inverse, margin):
    xy, kept = jax.vmap(formulas.silhouette_corners)(vertices_clip, faces)
    low, high = jnp.min(xy, axis=2) - margin, jnp.max(xy, axis=2) + margin
    records = jnp.concatenate([xy.reshape(*kept.shape, 6), low, high], axis=-1)
    body = partial(pallas_bodies.product_of_misses, sigma_inverse=sigma_inverse)
    product = pallas_launch.for_each_tile(
        body, low, high, kept, records, *face_id.shape[1:], jnp.float32, INTERPRET
    )
    keep = jnp.where(face_id >= 0, 0.0, product)
    return 1 - keep, (vertices_clip, faces, keep)


def _silhouette_backward(sigma_inverse, margin, saved, cotangent):
    return pallas_gradients.of_mask(*saved, cotangent, sigma_inverse, margin, INTERPRET), None, None


silhouette.defvjp(_silhouette_forward, _silhouette_backward)


@jax.custom_vjp
def interpolate(attributes, faces, face_id, barycentrics):
    """attributes [b v c] -> [b h w c]."""
    return reference.interpolate(attributes, faces, face_id, barycentrics)


def _interpolate_forward(*operands):
    return interpolate(*operands), operands


def _interpolate_backward(saved, cotangent):
    attributes, barycentrics = pallas_gradients.of_interpolation(*saved, cotangent, INTERPRET)
    return attributes, None, None, barycentrics


interpolate.defvjp(_interpolate_forward, _interpolate_backward)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def sample_texture(texture, uv, wrap_u, wrap_v):
    """texture [b th tw c], uv [b h w 2] -> [b h w c].

    The texture's gradient sorts the texels of all samples to add them up in a fixed order, which costs
    more than the scatter that `implementation="xla"` would make in any order.
    """
    return reference.sample_texture(texture, uv, wrap_u, wrap_v)


def _sample_texture_forward(texture, uv, wrap_u, wrap_v):
    return sample_texture(texture, uv, wrap_u, wrap_v), (texture, uv)


def _sample_texture_backward(wrap_u, wrap_v, saved, cotangent):
    texture, uv = saved
    _, to_uv = jax.vjp(lambda uv: reference.sample_texture(texture, uv, wrap_u, wrap_v), uv)
    gradient = pallas_gradients.of_texture(texture, uv, cotangent, wrap_u, wrap_v)
    return gradient, *to_uv(cotangent)


sample_texture.defvjp(_sample_texture_forward, _sample_texture_backward)
