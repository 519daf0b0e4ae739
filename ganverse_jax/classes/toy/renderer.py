"""Images of toy objects through the project's rasterizer: one jitted call per batch of fixed size."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import rasterizer
from ganverse_jax.classes.toy import background
from ganverse_jax.runtime.pixels import unit_to_uint8


@dataclass(frozen=True, eq=False)
class Surface:
    """How the objects of a world are drawn. faces [f 3]: their one connectivity.

    plain(colors), shaded(vertices, colors, eye, scene, ground) give colours [b k 3] and the faces [f 3] whose
    corners have them; shadow(vertices, scene, placed, camera, size) what `background.paint` asks for;
    props(behind, scene, placed, cameras, fov_y) the background [b h w 3] with what stands in it.
    """

    faces: np.ndarray
    plain: Callable
    shaded: Callable
    shadow: Callable
    props: Callable | None = None


class Drawing(NamedTuple):
    """What stays the same in all pictures of a world; resolution in pixels of square pictures, supersample:
    coverage samples per pixel and axis, fov_y in radians, implementation: the rasterizer's kernel."""

    surface: Surface
    resolution: int
    supersample: int
    fov_y: float
    implementation: str | None


def light(vertices, normals, eye, scene, ground):
    """Diffuse light [b v 3], highlight [b v] and mirrored sky [b v 3] at vertices [b v 3]."""
    sun = scene["sun"][:, None]
    view = eye[:, None] - vertices
    view = view / jnp.linalg.norm(view, axis=-1, keepdims=True)
    up = 0.5 + 0.5 * normals[..., 1:2]
    sky = 0.40 + 0.60 * scene["palette"][:, 1][:, None]
    bounce = 0.30 + 0.32 * scene["palette"][:, 3][:, None]
    low = background.smoothstep(-0.05, 0.30, vertices[..., 1] - ground[:, None])[..., None]
    ambient = (bounce + (sky - bounce) * up) * (0.62 + 0.38 * low)
    direct = jnp.maximum(jnp.sum(normals * sun, -1, keepdims=True), 0.0) * scene["sun_color"][:, None]
    halfway = sun + view
    halfway = halfway / jnp.linalg.norm(halfway, axis=-1, keepdims=True)
    highlight = jnp.maximum(jnp.sum(normals * halfway, -1), 0.0) ** 24
    facing = jnp.sum(normals * view, -1, keepdims=True)
    mirrored = 2 * facing * normals - view
    reflection = scene["palette"][:, 1][:, None] * background.smoothstep(-0.1, 0.7, mirrored[..., 1:2])
    return 0.66 * ambient + 0.52 * direct, highlight, reflection


def _downsample(x, factor: int):
    b, h, w, c = x.shape
    x = x.reshape(b, h // factor, factor, w // factor, factor, c)
    # A sum of strided slices: XLA's CPU backend takes several times longer over a mean of two axes.
    return sum(x[:, :, i, :, j] for i in range(factor) for j in range(factor)) / factor**2


@functools.partial(jax.jit, static_argnames=("drawing", "style"))
def draw(vertices, colors, scene, placed, cameras, *, drawing: Drawing, style: str = "scene"):
    """Images uint8 [b h w 3] and masks uint8 [b h w] (antialiased coverage, 255 = inside).

    vertices [b v 3], colors as the surface reads them, scene as in `background.paint`; placed: the height
    "ground" [b] and what the surface's shadow reads; cameras: azimuth, elevation (radians) and distance [b].
    style: "scene" (background, shadows), "shaded" or "albedo" (both on white).
    """
    surface, resolution, samples, fov_y, implementation = drawing
    size = resolution * samples
    azimuth, elevation, distance = cameras
    camera = rasterizer.Camera(azimuth, elevation, distance, jnp.full_like(azimuth, fov_y))
    vertices_clip = rasterizer.transform(vertices, camera, size, size)
    faces = jnp.asarray(surface.faces)
    fragments = rasterizer.rasterize(vertices_clip, faces, size, size, implementation=implementation)
    if style == "albedo":
        values, value_faces = surface.plain(colors)
    else:
        eye, _ = background.camera_rays(azimuth, elevation, distance, fov_y, 1, 1)
        values, value_faces = surface.shaded(vertices, colors, eye, scene, placed["ground"])
    inside = (fragments.face_id >= 0)[..., None].astype(jnp.float32)
    rgb = _downsample(rasterizer.interpolate(values, value_faces, fragments), samples)
    coverage = _downsample(inside, samples)
    behind = 1.0
    if style == "scene":
        shadow = surface.shadow(vertices, scene, placed, camera, resolution)
        behind = background.paint(scene, placed["ground"], shadow, cameras, fov_y, resolution, resolution)
        if surface.props:
            behind = surface.props(behind, scene, placed, cameras, fov_y)
    image = rgb + (1 - coverage) * behind
    return unit_to_uint8(image), unit_to_uint8(coverage[..., 0])
