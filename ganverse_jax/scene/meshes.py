"""Textured meshes of one connectivity, rendered many at a time."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import rasterizer
from ganverse_jax.runtime.batched import in_batches
from ganverse_jax.scene.cameras import Cameras, rasterizer_cameras

_BATCH = 16


class PredictedMeshes(NamedTuple):
    """vertices [n v 3] and texture [n th tw 3] of n objects over one connectivity (faces, uv, uv_faces).

    light [n 9]: each object's own, as spherical harmonics (`rasterizer.render`); None: unlit.
    """

    vertices: np.ndarray
    texture: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    uv_faces: np.ndarray
    light: np.ndarray | None = None


class Views(NamedTuple):
    """Renders of m views: colour [m h w 3] in [0, 1] on white, mask [m h w] in 0..1, and the visible faces'
    unit normals [m h w 3], outward and in world space (0 where nothing is seen)."""

    colour: np.ndarray
    mask: np.ndarray
    normals: np.ndarray


def render_meshes(
    meshes: PredictedMeshes,
    rows: np.ndarray,
    cameras: Cameras,
    size: tuple[int, int],
    fov_y: float,
    *,
    lighting: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Colour [m h w 3] on black and hard mask [m h w] of meshes `rows` [m], each from its own camera [m].

    lighting: spherical-harmonics coefficients [9] for all, in place of the meshes' own light.
    """
    return _render(meshes, rows, cameras, size, fov_y, lighting, _draw)


def render_views(
    meshes: PredictedMeshes, rows: np.ndarray, cameras: Cameras, size: tuple[int, int], fov_y: float
) -> Views:
    """What `render_meshes` gives, with normals and on white; the meshes lit by their own light, if any."""
    colour, mask, normals = _render(meshes, rows, cameras, size, fov_y, None, _draw_normals)
    return Views(colour + (1.0 - mask[..., None]), mask, normals)


def _render(meshes, rows, cameras, size, fov_y, lighting, draw) -> tuple[np.ndarray, ...]:
    def drawn(index):
        light = None if lighting is None else np.broadcast_to(lighting, (len(index), 9))
        if light is None and meshes.light is not None:
            light = meshes.light[rows[index]]
        chosen = meshes._replace(
            vertices=meshes.vertices[rows[index]].astype(np.float32),
            texture=meshes.texture[rows[index]],
            light=None,
        )
        return draw(chosen, rasterizer_cameras(cameras, index, fov_y), light, size=size)

    parts = in_batches(drawn, np.arange(len(rows)), size=_BATCH, whole=False)
    return tuple(part.astype(np.float32) for part in parts)


@functools.partial(jax.jit, static_argnames="size")
def _draw(meshes: PredictedMeshes, camera, light, *, size):
    rendered = _rendered(meshes, camera, light, size)
    return rendered.rgb, rendered.fragments.face_id >= 0


@functools.partial(jax.jit, static_argnames="size")
def _draw_normals(meshes: PredictedMeshes, camera, light, *, size):
    rendered = _rendered(meshes, camera, light, size)
    # Every corner of a face carries the face's own normal: no smoothing, on any surface.
    normals = jnp.repeat(rasterizer.compute_face_normals(meshes.vertices, meshes.faces), 3, axis=1)
    corners = jnp.arange(normals.shape[1], dtype=jnp.int32).reshape(-1, 3)
    normals = rasterizer.interpolate(normals, corners, rendered.fragments)
    return rendered.rgb, rendered.fragments.face_id >= 0, normals


def _rendered(meshes: PredictedMeshes, camera, light, size) -> rasterizer.Rendered:
    return rasterizer.render(
        meshes.vertices,
        meshes.faces,
        meshes.uv,
        meshes.uv_faces,
        meshes.texture,
        camera,
        *size,
        lighting=light,
    )
