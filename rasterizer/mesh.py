"""Triangle meshes: the container, the icosphere and normals."""

from functools import lru_cache
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from rasterizer.checks import check_faces


class Mesh(NamedTuple):
    """A triangle mesh with its own index list for texture coordinates.

    vertices: [v 3] positions. faces: [f 3] int32, counter-clockwise seen from outside.
    uv: [t 2] texture coordinates, origin bottom-left. uv_faces: [f 3] int32 into `uv`.
    """

    vertices: Float[Array, "v 3"]
    faces: Int[Array, "f 3"]
    uv: Float[Array, "t 2"]
    uv_faces: Int[Array, "f 3"]


def icosphere(level: int) -> Mesh:
    """Unit sphere by subdividing an icosahedron `level` times; 20 * 4**level faces.

    Level 3 has 642 vertices and 1280 faces. u runs round the +y axis: 0.5 at the front (+z),
    0.75 at +x, and the mirror x -> -x maps u -> 1 - u (modulo 1). v = 0.5 + asin(y) / pi.
    Seam-safe: no face's u jumps by a turn. Faces across the seam (-z) carry u a little above 1,
    which "repeat" sampling reads right, and at a pole each face has its own corner with the mean
    u of its other two.
    """
    if not 0 <= level <= 7:
        raise ValueError(f"icosphere level {level} is outside 0..7; level 3 has 1280 faces")
    vertices, faces = _subdivided_icosahedron(level)
    uv, uv_faces = _seam_safe_uv(vertices, faces)
    return Mesh(
        jnp.asarray(vertices, jnp.float32),
        jnp.asarray(faces, jnp.int32),
        jnp.asarray(uv, jnp.float32),
        jnp.asarray(uv_faces, jnp.int32),
    )


@lru_cache(maxsize=8)
def _subdivided_icosahedron(level: int):
    golden = (1 + 5**0.5) / 2
    vertices = [
        (-1, golden, 0), (1, golden, 0), (-1, -golden, 0), (1, -golden, 0),
        (0, -1, golden), (0, 1, golden), (0, -1, -golden), (0, 1, -golden),
        (golden, 0, -1), (golden, 0, 1), (-golden, 0, -1), (-golden, 0, 1),
    ]  # fmt: skip
    faces = [
        (0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11),
        (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6), (7, 1, 8),
        (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9),
        (4, 9, 5), (2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1),
    ]  # fmt: skip
    vertices = [np.array(v, np.float64) / np.linalg.norm(v) for v in vertices]
    for _ in range(level):
        midpoints: dict[tuple[int, int], int] = {}

        def midpoint(i, j, midpoints=midpoints):
            edge = (min(i, j), max(i, j))
            if edge not in midpoints:
                midpoints[edge] = len(vertices)
                middle = vertices[i] + vertices[j]
                vertices.append(middle / np.linalg.norm(middle))
            return midpoints[edge]

        finer = []
        for a, b, c in faces:
            ab, bc, ca = midpoint(a, b), midpoint(b, c), midpoint(c, a)
            finer += [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
        faces = finer
    return np.array(vertices), np.array(faces, np.int32)


def _seam_safe_uv(vertices: np.ndarray, faces: np.ndarray):
    x, y, z = np.moveaxis(vertices[faces], -1, 0)  # each [f 3]
    u = 0.5 + np.arctan2(x, z) / (2 * np.pi)
    # On the seam itself (x = 0, z < 0) atan2 gives either end by the sign of zero: one of them.
    u = np.where((np.abs(x) < 1e-12) & (z < 0), 0.0, u)
    v = 0.5 + np.arcsin(np.clip(y, -1, 1)) / np.pi
    pole = np.hypot(x, z) < 1e-9
    regular = np.ma.array(u, mask=pole)
    crosses = np.asarray(regular.max(axis=1) - regular.min(axis=1) > 0.5)
    u = np.where(crosses[:, None] & (u < 0.5), u + 1, u)
    mean_of_others = np.sum(np.where(pole, 0, u), axis=1, keepdims=True) / np.maximum(
        np.sum(~pole, axis=1, keepdims=True), 1
    )
    u = np.where(pole, mean_of_others, u)
    corners = np.round(np.stack([u, v], axis=-1).reshape(-1, 2), 12)
    uv, index = np.unique(corners, axis=0, return_inverse=True)
    return uv, index.reshape(-1, 3).astype(np.int32)


def compute_face_normals(vertices: Float[Array, "b v 3"], faces: Int[Array, "f 3"]) -> Float[Array, "b f 3"]:
    """Unit normals of the faces, outward for counter-clockwise faces; 0 for zero-area and unusable ones."""
    vertices, faces = _checked(vertices, faces)
    return _normalize(_area_normals(vertices, faces))


def compute_vertex_normals(
    vertices: Float[Array, "b v 3"], faces: Int[Array, "f 3"]
) -> Float[Array, "b v 3"]:
    """Unit normals at the vertices: the area-weighted mean over the faces around each; 0 if none."""
    vertices, faces = _checked(vertices, faces)
    normals = _area_normals(vertices, faces)
    summed = jnp.zeros_like(vertices)
    for corner in range(3):
        if faces.ndim == 2:
            summed = summed.at[:, faces[:, corner]].add(normals)
        else:
            item = jnp.arange(vertices.shape[0])[:, None]
            summed = summed.at[item, faces[..., corner]].add(normals)
    return _normalize(summed)


def _checked(vertices, faces):
    vertices = jnp.asarray(vertices)
    if vertices.ndim != 3 or vertices.shape[-1] != 3:
        raise ValueError(f"vertices have shape {vertices.shape}; expected [b v 3]")
    faces = check_faces(faces, vertices.shape[1])
    return vertices.astype(jnp.promote_types(vertices.dtype, jnp.float32)), faces


def gather_faces(values: Array, faces: Array) -> Array:
    """Values at the corners of the faces: [b v c], [f 3] or [b f 3] -> [b f 3 c]; NaN out of range."""
    strictly = {"mode": "fill", "fill_value": jnp.nan, "wrap_negative_indices": False}
    if faces.ndim == 2:
        return values.at[:, faces].get(**strictly)
    return values.at[jnp.arange(values.shape[0])[:, None, None], faces].get(**strictly)


def _area_normals(vertices, faces):
    corners = gather_faces(vertices, faces)
    # Faces that `rasterize` drops have no normal, and no say in those at their vertices.
    usable = jnp.all(jnp.isfinite(corners), axis=(-2, -1), keepdims=True)
    corners = jnp.where(usable, corners, 0)
    first = corners[:, :, 1] - corners[:, :, 0]
    return jnp.cross(first, corners[:, :, 2] - corners[:, :, 0])


def _normalize(vectors):
    squared = jnp.sum(vectors * vectors, axis=-1, keepdims=True)
    usable = squared > 1e-30
    # The inner where keeps the gradient of sqrt finite at zero.
    return jnp.where(usable, vectors * jnp.reciprocal(jnp.sqrt(jnp.where(usable, squared, 1.0))), 0.0)
