"""From a textured mesh and a camera to an image, by the package's own primitives."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rasterizer.camera import Camera, transform
from rasterizer.interpolate import interpolate
from rasterizer.lighting import shade_spherical_harmonics
from rasterizer.mesh import compute_vertex_normals
from rasterizer.rasterize import Fragments, rasterize
from rasterizer.silhouette import silhouette
from rasterizer.texture import sample_texture


class Rendered(NamedTuple):
    """rgb [b h w 3] in [0,1], mask [b h w 1] soft silhouette, depth [b h w], and the fragments."""

    rgb: Float[Array, "b h w 3"]
    mask: Float[Array, "b h w 1"]
    depth: Float[Array, "b h w"]
    fragments: Fragments


def render(
    mesh_vertices: Float[Array, "b v 3"],
    faces: Int[Array, "f 3"],
    uv: Float[Array, "t 2"],
    uv_faces: Int[Array, "f 3"],
    texture: Float[Array, "b th tw 3"],
    camera: Camera,
    height: int,
    width: int,
    *,
    background: Float[Array, "..."] | None = None,
    lighting: Float[Array, "b 9"] | Float[Array, "b 9 3"] | None = None,
    sigma_inverse: float = 7000.0,
    margin: float = 0.02,
    cull_backfaces: bool = False,
    perspective_correct: bool = True,
    implementation: str | None = None,
) -> Rendered:
    """Textured, optionally lit, render of each mesh from its camera.

    Covered pixels take the texture's colour, the others `background` (None: black; otherwise
    anything that broadcasts to [b h w 3]). `lighting` are spherical-harmonics coefficients in world
    space over smooth normals; lit colours are clipped to [0, 1]. The colour has no gradient through
    visibility, the mask carries it (DIB-R, arXiv:1908.01210).
    """
    chosen = {"implementation": implementation}
    vertices_clip = transform(mesh_vertices, camera, height, width)
    batch = vertices_clip.shape[0]
    fragments = rasterize(
        vertices_clip,
        faces,
        height,
        width,
        cull_backfaces=cull_backfaces,
        perspective_correct=perspective_correct,
        **chosen,
    )
    texture = jnp.broadcast_to(texture, (batch, *texture.shape[-3:]))
    pixel_uv = interpolate(uv, uv_faces, fragments, **chosen)
    rgb = sample_texture(texture, pixel_uv, **chosen)
    if lighting is not None:
        normals = compute_vertex_normals(
            jnp.broadcast_to(mesh_vertices, (batch, *mesh_vertices.shape[-2:])), faces
        )
        normals = _unit(interpolate(normals, faces, fragments, **chosen))
        rgb = jnp.clip(rgb * jnp.maximum(shade_spherical_harmonics(normals, lighting), 0), 0, 1)
    covered = (fragments.face_id >= 0)[..., None]
    rgb = jnp.where(covered, rgb, 0 if background is None else background)
    mask = silhouette(vertices_clip, faces, fragments, sigma_inverse=sigma_inverse, margin=margin, **chosen)
    return Rendered(rgb, mask[..., None], fragments.depth, fragments)


def _unit(vectors):
    squared = jnp.sum(vectors * vectors, axis=-1, keepdims=True)
    return vectors / jnp.sqrt(jnp.maximum(squared, 1e-12))
