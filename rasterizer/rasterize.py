"""Which face is visible at each pixel, where on it, and how deep."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from rasterizer import kernels


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
    if height < 1 or width < 1:
        raise ValueError(f"image of {height} x {width} pixels; height and width must be at least 1")
    kernel = kernels.select(implementation, vertices_clip.dtype)
    if faces.shape[1] == 0 or vertices_clip.shape[1] == 0:
        image = jnp.zeros((vertices_clip.shape[0], height, width), vertices_clip.dtype)
        return Fragments(
            jnp.full(image.shape, -1, jnp.int32), jnp.zeros((*image.shape, 3), image.dtype), image
        )
    return Fragments(
        *kernel.rasterize(vertices_clip, faces, height, width, cull_backfaces, perspective_correct)
    )


def check_mesh(vertices, faces, components=4):
    """Batched float vertices and faces [b f 3] after checking shapes, and indices outside jit."""
    vertices = jnp.asarray(vertices)
    vertices = vertices.astype(jnp.promote_types(vertices.dtype, jnp.float32))
    if vertices.ndim != 3 or (components and vertices.shape[-1] != components):
        raise ValueError(f"vertices have shape {vertices.shape}; expected [b v {components or 'c'}]")
    faces = check_faces(faces, vertices.shape[1])
    return vertices, batch_faces(faces, vertices.shape[0])


def check_faces(faces, num_vertices):
    """int32 faces; ValueError for a wrong shape or, where values are known, an index out of range."""
    if faces.ndim not in (2, 3) or faces.shape[-1] != 3:
        raise ValueError(f"faces have shape {faces.shape}; expected [f 3] or [b f 3]")
    if not jnp.issubdtype(faces.dtype, jnp.integer):
        raise ValueError(f"faces have dtype {faces.dtype}; expected integers")
    if not isinstance(faces, jax.core.Tracer) and faces.size:
        values = np.asarray(faces)
        if values.min() < 0 or values.max() >= num_vertices:
            raise ValueError(
                f"face indices span {values.min()}..{values.max()} but there are {num_vertices} vertices; "
                "pad lists with zero-area faces such as (0, 0, 0)"
            )
    return jnp.asarray(faces, jnp.int32)


def batch_faces(faces, batch):
    """[f 3] or [b f 3] -> [b f 3]."""
    if faces.ndim == 2:
        return jnp.broadcast_to(faces, (batch, *faces.shape))
    if faces.shape[0] != batch:
        raise ValueError(f"faces for {faces.shape[0]} items do not go with a batch of {batch}")
    return faces
