"""From a textured mesh and a camera to an image, by the package's own primitives."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rasterizer.camera import Camera, transform
from rasterizer.checks import whole_number
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
    mip_levels: int = 1,
    supersampling: int = 1,
    implementation: str | None = None,
) -> Rendered:
    """Textured, optionally lit, render of each mesh from its camera.

    Covered pixels take the texture's colour, the others `background` (None: black; otherwise
    anything that broadcasts to [b h w 3]). `lighting` are spherical-harmonics coefficients in world
    space over smooth normals; lit colours are clipped to [0, 1]. `mip_levels` as in `sample_texture`.
    `supersampling` n antialiases rgb: the mean of n x n samples per pixel, at n^2 times the cost of
    colour; mask, depth and fragments stay those of the pixel centres. The colour has no gradient
    through visibility, the mask carries it (DIB-R, arXiv:1908.01210).
    Raises ValueError for wrong shapes and supersampling < 1.
    """
    supersampling = whole_number("supersampling", supersampling, 1)
    vertices_clip = transform(mesh_vertices, camera, height, width)
    background = _checked(vertices_clip.shape[0], faces, uv_faces, lighting, background, height, width)
    chosen = {"implementation": implementation}
    drawn = {"cull_backfaces": cull_backfaces, "perspective_correct": perspective_correct, **chosen}
    fragments = samples = rasterize(vertices_clip, faces, height, width, **drawn)
    if supersampling > 1:
        samples = rasterize(vertices_clip, faces, height * supersampling, width * supersampling, **drawn)
    rgb = _colour(samples, mesh_vertices, faces, uv, uv_faces, texture, lighting, mip_levels, chosen)
    rgb = _over(rgb, samples, background, supersampling)
    mask = silhouette(vertices_clip, faces, fragments, sigma_inverse=sigma_inverse, margin=margin, **chosen)
    return Rendered(rgb, mask[..., None], fragments.depth, fragments)


def _over(rgb, samples, background, supersampling):
    """The colours of the samples over the background, one per pixel."""
    covered = (samples.face_id >= 0)[..., None]
    if supersampling == 1:
        return jnp.where(covered, rgb, background)
    rgb = _pixel_means(jnp.where(covered, rgb, 0), supersampling)
    share = _pixel_means(covered.astype(rgb.dtype), supersampling)
    return rgb + (1 - share) * background


def _checked(batch, faces, uv_faces, lighting, background, height, width):
    """The background, 0 for None, after checking what goes with the meshes' batch."""
    counts = jnp.shape(faces)[-2], jnp.shape(uv_faces)[-2]
    if counts[0] != counts[1]:
        raise ValueError(f"{counts[0]} faces but {counts[1]} uv_faces; give one of each per triangle")
    if lighting is not None and jnp.shape(lighting)[0] not in (1, batch):
        raise ValueError(f"lighting {jnp.shape(lighting)} does not go with {batch} images")
    background = jnp.asarray(0.0 if background is None else background)
    whole = (batch, height, width, 3)
    sides = zip(background.shape[::-1], whole[::-1], strict=False)
    if background.ndim > 4 or any(side not in (1, full) for side, full in sides):
        raise ValueError(f"background {background.shape} does not broadcast to {list(whole)}")
    if background.ndim and not jnp.issubdtype(background.dtype, jnp.floating):
        raise ValueError(f"background has dtype {background.dtype}; give floats in [0, 1]")
    return background


def _colour(fragments, vertices, faces, uv, uv_faces, texture, lighting, mip_levels, chosen):
    """Texture times light [b h w 3] at the fragments; anything where they are empty."""
    batch = fragments.face_id.shape[0]
    texture = jnp.broadcast_to(texture, (batch, *texture.shape[-3:]))
    pixel_uv = interpolate(uv, uv_faces, fragments, **chosen)
    rgb = sample_texture(texture, pixel_uv, mip_levels=mip_levels, **chosen)
    if lighting is None:
        return rgb
    normals = compute_vertex_normals(jnp.broadcast_to(vertices, (batch, *vertices.shape[-2:])), faces)
    normals = _unit(interpolate(normals, faces, fragments, **chosen))
    return jnp.clip(rgb * jnp.maximum(shade_spherical_harmonics(normals, lighting), 0), 0, 1)


def _pixel_means(samples, n):
    b, height, width, c = samples.shape
    return samples.reshape(b, height // n, n, width // n, n, c).mean(axis=(2, 4))


def _unit(vectors):
    squared = jnp.sum(vectors * vectors, axis=-1, keepdims=True)
    return vectors / jnp.sqrt(jnp.maximum(squared, 1e-12))
