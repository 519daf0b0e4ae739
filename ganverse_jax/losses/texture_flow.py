"""Where a texture flow should point: each texel at the place where the picture shows its point.

A geometric cycle, as in canonical surface mapping (Kulkarni et al. 2019, arXiv:1907.10043): the colours alone
pull a flow by the slope of the picture, which reaches a pixel or two.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import rasterizer

MAX_ROWS = 64  # of the grid of texels that is looked at


class SurfaceTexels(NamedTuple):
    """Texels rows x columns (every `step`-th of a map): corners [r c 3] of the mesh face that each lies on,
    weights [r c 3] of these; 0 where it lies on none."""

    corners: np.ndarray
    weights: np.ndarray
    step: int


def surface_texels(size: int, faces: np.ndarray, uv: np.ndarray, uv_faces: np.ndarray) -> SurfaceTexels:
    """The texels of a map of size x 2*size over a mesh whose u wraps round (`rasterizer.icosphere`)."""
    # Faces across the seam reach above u = 1; their copies one turn below cover what is left of it.
    turned = 2.0 * np.concatenate([uv, uv - np.array([1.0, 0.0], uv.dtype)]) - 1.0
    clip = np.concatenate([turned, np.zeros_like(turned[:, :1]), np.ones_like(turned[:, :1])], axis=1)
    both = np.concatenate([uv_faces, uv_faces + len(uv)])
    found = rasterizer.rasterize(jnp.asarray(clip)[None], jnp.asarray(both), size, 2 * size)
    face, weights = np.asarray(found.face_id[0]), np.asarray(found.barycentrics[0])
    step = max(1, size // MAX_ROWS)
    face, weights = (array[step // 2 :: step, step // 2 :: step] for array in (face, weights))
    corners = faces[np.maximum(face, 0) % len(faces)]
    return SurfaceTexels(corners, np.where(face[..., None] >= 0, weights, 0.0).astype(np.float32), step)


def flow_loss(
    flow: Float[Array, "b th tw 2"],
    vertices: Float[Array, "b v 3"],
    faces: np.ndarray,
    camera: rasterizer.Camera,
    size: tuple[int, int],
    texels: SurfaceTexels,
    *,
    symmetric: bool,
) -> Float[Array, ""]:
    """Mean distance in NDC (sum of both axes) between the flow and the places of the texels' points in the
    pictures, size (h, w), of these cameras [b]; in each over the points that face the camera, by the cosine.

    vertices: where the camera sees them. Shape and camera count as given. symmetric: of a point and its
    mirror image, which share a flow, the one that faces the camera more counts more.
    """
    vertices, camera = jax.lax.stop_gradient((vertices, camera))
    normals = rasterizer.compute_vertex_normals(vertices, faces)
    weights = texels.weights[None, ..., None]
    points, normals = (jnp.sum(weights * x[:, texels.corners], axis=-2) for x in (vertices, normals))
    clip = rasterizer.transform(points.reshape(len(points), -1, 3), camera, *size).reshape(
        *points.shape[:3], 4
    )
    places = clip[..., :2] / jnp.maximum(clip[..., 3:], 1e-6)
    towards = camera.eye()[:, None, None] - points
    facing = jnp.sum(normals * towards, axis=-1) / jnp.maximum(jnp.linalg.norm(towards, axis=-1), 1e-6)
    facing = jnp.maximum(facing, 0.0) * (clip[..., 3] > 0)
    if symmetric:
        # By its share and not by a comparison, which rounding would decide where a view is symmetric.
        share = facing**2 / jnp.maximum(facing**2 + facing[:, :, ::-1] ** 2, 1e-6)
        facing = facing * share
    begin = texels.step // 2
    missed = jnp.abs(flow[:, begin :: texels.step, begin :: texels.step] - places).sum(axis=-1)
    return jnp.mean((facing * missed).sum(axis=(1, 2)) / jnp.maximum(facing.sum(axis=(1, 2)), 1e-6))
