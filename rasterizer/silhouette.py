"""The soft mask of DIB-R: what gives visibility a gradient."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rasterizer import kernels
from rasterizer.checks import check_fragments, check_mesh, check_number
from rasterizer.rasterize import Fragments


def silhouette(
    vertices_clip: Float[Array, "b v 4"],
    faces: Int[Array, "f 3"] | Int[Array, "b f 3"],
    fragments: Fragments,
    *,
    sigma_inverse: float = 7000.0,
    margin: float = 0.02,
    implementation: str | None = None,
) -> Float[Array, "b h w"]:
    """Soft mask: 1 on covered pixels, else 1 - prod_j (1 - exp(-sigma_inverse d_j^2)).

    The product runs over all faces, back faces too, whose box grown by `margin` holds the pixel
    centre; d_j is the distance to face j's boundary in NDC, [-1, 1] on each axis also in
    non-square images (Chen et al. 2019, Eqs. 5-6, arXiv:1908.01210; constants as in Kaolin, without
    its cap at the first 30 faces). Faces behind the camera or not finite do not count, edge-on faces do;
    a face whose three corners coincide does not, so pad lists with faces such as (0, 0, 0).
    Covered pixels have no gradient.
    """
    vertices_clip, faces = check_mesh(vertices_clip, faces)
    check_fragments(fragments)
    sigma_inverse, margin = check_number("sigma_inverse", sigma_inverse), check_number("margin", margin)
    if fragments.face_id.shape[0] != vertices_clip.shape[0]:
        raise ValueError(
            f"fragments of {fragments.face_id.shape[0]} images do not go with "
            f"{vertices_clip.shape[0]} meshes; rasterize the same batch first"
        )
    if not (sigma_inverse > 0 and margin >= 0):
        raise ValueError(f"sigma_inverse={sigma_inverse} must be positive and margin={margin} not negative")
    if faces.shape[1] == 0 or vertices_clip.shape[1] == 0:
        return jnp.zeros(fragments.face_id.shape, vertices_clip.dtype)
    kernel = kernels.select(implementation, vertices_clip.dtype)
    return kernel.silhouette(vertices_clip, faces, fragments.face_id, sigma_inverse, margin)
