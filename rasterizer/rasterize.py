"""Which face is visible at each pixel, where on it, and how deep."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rasterizer import kernels
from rasterizer.checks import check_flag, check_mesh, check_size


class Fragments(NamedTuple):
    """What `rasterize` found per pixel.

    face_id: [b h w] int32, -1 where no face covers the pixel centre.
    barycentrics: [b h w 3] weights of the face's corners, 0 where empty.
    depth: [b h w] clip w of the surface point, 0 where empty.
    """

    face_id: Int[Array, "b h w"]
    barycentrics: Float[Array, "b h w 3"]
    depth: Float[Array, "b h w"]


def rasterize(
    vertices_clip: Float[Array, "b v 4"],
    faces: Int[Array, "f 3"] | Int[Array, "b f 3"],
    height: int,
    width: int,
    *,
    cull_backfaces: bool = False,
    perspective_correct: bool = True,
    implementation: str | None = None,
) -> Fragments:
    """Nearest face at every pixel centre, with its barycentrics and depth.

    With P = [p_0 p_1 p_2], p_k = (x, y, w) of a face's corners in clip space, the point seen through
    the pixel (px, py) solves P u = (px, py, 1); beta = u / sum u and depth = 1 / sum u (Olano and
    Greer 1997). Barycentrics and depth are differentiable with respect to `vertices_clip`;
    visibility is piecewise constant and has no gradient (`silhouette` carries it).

    A pixel is covered when its centre lies inside, or on a top or left edge; a pixel on an edge
    shared by two faces belongs to exactly one. The nearest depth wins, the lowest face id on ties.
    Dropped: faces with a corner at w < 1e-4 (no clipping at the near plane), NaN or infinite
    corners, corners beyond 1e6 half-images, doubled NDC area <= 1e-9 (pad lists of faces with
    zero-area ones such as (0, 0, 0)). `cull_backfaces` also drops faces clockwise on the screen.
    `perspective_correct=False` gives barycentrics affine on the screen (DIB-R's original); the
    depth stays the true one.

    implementation: None (the best available), "cpu", "pallas", "xla" or "reference".
    Raises ValueError for wrong shapes, and outside jit for face indices out of range.
    """
    vertices_clip, faces = check_mesh(vertices_clip, faces)
    height, width = check_size(height, width)
    check_flag("cull_backfaces", cull_backfaces)
    check_flag("perspective_correct", perspective_correct)
    kernel = kernels.select(implementation, vertices_clip.dtype)
    if faces.shape[1] == 0 or vertices_clip.shape[1] == 0:
        depth = jnp.zeros((vertices_clip.shape[0], height, width), vertices_clip.dtype)
        return Fragments(jnp.full(depth.shape, -1, jnp.int32), jnp.stack([depth] * 3, axis=-1), depth)
    options = (height, width, cull_backfaces, perspective_correct)
    return Fragments(*kernel.rasterize(vertices_clip, faces, *options))
