"""Images of toy cars through the project's rasterizer: one jitted call per batch of fixed size."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

import rasterizer
from ganverse_jax.classes.car.toy import background as backgrounds
from ganverse_jax.classes.car.toy.topology import MATERIALS, TOPOLOGY
from ganverse_jax.runtime.pixels import unit_to_uint8

_GLOSS = {
    "paint": 0.30,
    "roof": 0.30,
    "stripe": 0.30,
    "deck": 0.15,
    "pillar": 0.2,
    "glass": 0.5,
    "side_glass": 0.5,
    "rear_glass": 0.5,
    "hub": 0.3,
    "headlight": 0.2,
    "bumper": 0.25,
}
_GLOW = {"headlight": 0.95, "taillight": 0.85, "plate": 0.8}
_REFLECTION = {"glass": 0.30, "side_glass": 0.30, "rear_glass": 0.30, "paint": 0.05, "roof": 0.05, "hub": 0.1}


def _per_face(table: dict[str, float]) -> np.ndarray:
    values = np.array([table.get(name, 0.0) for name in MATERIALS], np.float32)
    return values[TOPOLOGY.material]


def _light(vertices, normals, eye, scene, ground):
    """Diffuse light [b v 3], highlight [b v] and mirrored sky [b v 3] at vertices [b v 3]."""
    sun = scene["sun"][:, None]
    view = eye[:, None] - vertices
    view = view / jnp.linalg.norm(view, axis=-1, keepdims=True)
    up = 0.5 + 0.5 * normals[..., 1:2]
    sky = 0.40 + 0.60 * scene["palette"][:, 1][:, None]
    bounce = 0.30 + 0.32 * scene["palette"][:, 3][:, None]
    low = backgrounds.smoothstep(-0.05, 0.30, vertices[..., 1] - ground[:, None])[..., None]
    ambient = (bounce + (sky - bounce) * up) * (0.62 + 0.38 * low)
    direct = jnp.maximum(jnp.sum(normals * sun, -1, keepdims=True), 0.0) * scene["sun_color"][:, None]
    halfway = sun + view
    halfway = halfway / jnp.linalg.norm(halfway, axis=-1, keepdims=True)
    highlight = jnp.maximum(jnp.sum(normals * halfway, -1), 0.0) ** 24
    facing = jnp.sum(normals * view, -1, keepdims=True)
    mirrored = 2 * facing * normals - view
    reflection = scene["palette"][:, 1][:, None] * backgrounds.smoothstep(-0.1, 0.7, mirrored[..., 1:2])
    return 0.66 * ambient + 0.52 * direct, highlight, reflection


def _shaded_corners(vertices, colors, eye, scene, ground):
    """Shaded colour [b f 3 3] of every corner of every face."""
    faces = TOPOLOGY.faces
    normals = rasterizer.compute_vertex_normals(vertices, faces)
    light, highlight, reflection = _light(vertices, normals, eye, scene, ground)
    albedo = colors[:, TOPOLOGY.material][:, :, None]
    gloss, glow, mirror = (_per_face(t)[None, :, None, None] for t in (_GLOSS, _GLOW, _REFLECTION))
    # One gather of all seven channels: on a CPU it is the costly part.
    packed = jnp.concatenate([light, highlight[..., None], reflection], -1)[:, faces]
    shade = albedo * jnp.maximum(packed[..., :3], glow)
    return jnp.clip(shade + gloss * packed[..., 3:4] + mirror * packed[..., 4:], 0.0, 1.0)


def _downsample(x, factor: int):
    b, h, w, c = x.shape
    x = x.reshape(b, h // factor, factor, w // factor, factor, c)
    # A sum of strided slices: XLA's CPU backend takes several times longer over a mean of two axes.
    return sum(x[:, :, i, :, j] for i in range(factor) for j in range(factor)) / factor**2


@functools.partial(jax.jit, static_argnames=("resolution", "supersample", "fov_y", "style", "implementation"))
def draw(
    vertices,
    colors,
    scene,
    car,
    cameras,
    *,
    resolution: int,
    supersample: int,
    fov_y: float,
    style: str = "scene",
    implementation: str | None = None,
):
    """Images uint8 [b h w 3] and masks uint8 [b h w] (antialiased coverage, 255 = inside).

    vertices [b v 3], colors [b m 3] per material, scene and car as in `background.paint`; cameras: azimuth,
    elevation (radians) and distance [b]; fov_y in radians. style: "scene" (background, shadows), "shaded" or
    "albedo" (both on white).
    """
    faces, size = jnp.asarray(TOPOLOGY.faces), resolution * supersample
    azimuth, elevation, distance = cameras
    camera = rasterizer.Camera(azimuth, elevation, distance, jnp.full_like(azimuth, fov_y))
    vertices_clip = rasterizer.transform(vertices, camera, size, size)
    fragments = rasterizer.rasterize(vertices_clip, faces, size, size, implementation=implementation)
    eye, _ = backgrounds.camera_rays(azimuth, elevation, distance, fov_y, 1, 1)
    if style == "albedo":
        corners = jnp.repeat(colors[:, TOPOLOGY.material], 3, axis=1)
    else:
        corners = _shaded_corners(vertices, colors, eye, scene, car["ground"])
    corners = corners.reshape(len(vertices), -1, 3)
    corner_faces = jnp.arange(corners.shape[1], dtype=jnp.int32).reshape(-1, 3)
    inside = (fragments.face_id >= 0)[..., None].astype(jnp.float32)
    rgb = _downsample(rasterizer.interpolate(corners, corner_faces, fragments), supersample)
    coverage = _downsample(inside, supersample)
    behind = 1.0
    if style == "scene":
        behind = backgrounds.paint(scene, car, azimuth, elevation, distance, fov_y, resolution, resolution)
    image = rgb + (1 - coverage) * behind
    return unit_to_uint8(image), unit_to_uint8(coverage[..., 0])
