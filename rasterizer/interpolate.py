"""Vertex attributes carried to the pixels."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rasterizer import kernels
from rasterizer.checks import batch_faces, check_faces, check_fragments
from rasterizer.rasterize import Fragments


def interpolate(
    attributes: Float[Array, "b v c"] | Float[Array, "v c"],
    faces: Int[Array, "f 3"] | Int[Array, "b f 3"],
    fragments: Fragments,
    *,
    implementation: str | None = None,
) -> Float[Array, "b h w c"]:
    """sum_k beta_k a_k with the attributes a of the visible face's corners; 0 where empty.

    `faces` may index other arrays than the rasterized positions, e.g. `interpolate(uv, uv_faces,
    fragments)`; face f must be the same triangle. Differentiable with respect to the attributes
    and, through the barycentrics, the rasterized vertices.
    """
    check_fragments(fragments)
    attributes = jnp.asarray(attributes)
    attributes = attributes.astype(jnp.promote_types(attributes.dtype, fragments.barycentrics.dtype))
    batch = fragments.face_id.shape[0]
    if attributes.ndim == 2:
        attributes = jnp.broadcast_to(attributes, (batch, *attributes.shape))
    if attributes.ndim != 3 or attributes.shape[0] != batch:
        raise ValueError(f"attributes have shape {attributes.shape}; expected [v c] or [{batch} v c]")
    faces = batch_faces(check_faces(faces, attributes.shape[1]), batch)
    if faces.shape[1] == 0 or 0 in attributes.shape:
        return jnp.zeros((*fragments.face_id.shape, attributes.shape[2]), attributes.dtype)
    kernel = kernels.select(implementation, attributes.dtype)
    return kernel.interpolate(attributes, faces, fragments.face_id, fragments.barycentrics)
