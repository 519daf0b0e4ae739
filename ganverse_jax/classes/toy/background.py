"""Sky, hills, ground and soft shadows of the toy world: analytic per pixel, from rays meeting the ground."""

import jax.numpy as jnp
import numpy as np


def smoothstep(low, high, x):
    """Cubic Hermite step: 0 below `low`, 1 above `high`."""
    t = jnp.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def wave(x):
    """sin(x) within 0.0011 by two parabolas: elementary operations only, so it vectorises everywhere."""
    u = x * (0.5 / np.pi) + 0.5
    u = 2 * (u - jnp.floor(u)) - 1
    y = 4 * u * (1 - jnp.abs(u))
    return y * (0.775 + 0.225 * jnp.abs(y))


def camera_rays(azimuth, elevation, distance, fov_y: float, height: int, width: int):
    """Eye [b 3] and unit ray directions [b h w 3] through the pixel centres, in world space."""
    sa, ca, se, ce = jnp.sin(azimuth), jnp.cos(azimuth), jnp.sin(elevation), jnp.cos(elevation)
    back = jnp.stack([sa * ce, se, ca * ce], -1)
    right = jnp.stack([ca, 0 * ca, -sa], -1)
    up = jnp.stack([-sa * se, ce, -ca * se], -1)
    x = (2 * np.arange(width) + 1 - width) / height * np.tan(fov_y / 2)
    y = (height - 2 * np.arange(height) - 1) / height * np.tan(fov_y / 2)
    rays = (
        right[:, None, None] * x[None, None, :, None]
        + up[:, None, None] * y[None, :, None, None]
        - back[:, None, None]
    )
    return back * distance[:, None], rays / jnp.linalg.norm(rays, axis=-1, keepdims=True)


def _noise(p, phases, directions):
    """Smooth world-anchored noise in about [-1, 1] at ground points p [b h w 2]: four plane waves, warped."""
    total = 0.0
    for k, frequency in enumerate((1.6, 2.3, 3.7, 5.3)):
        c, s = jnp.cos(directions[:, k]), jnp.sin(directions[:, k])
        along = p[..., 0] * c[:, None, None] + p[..., 1] * s[:, None, None]
        across = p[..., 1] * c[:, None, None] - p[..., 0] * s[:, None, None]
        warp = 0.9 * wave(0.8 * frequency * across + phases[:, 2 * k, None, None])
        total += wave(frequency * along + warp + phases[:, 2 * k + 1, None, None]) / (1 + 0.5 * k)
    return total / 2.4


def _squash(x):
    return x / jnp.sqrt(1 + x * x)


def _band(distance, half_width, footprint):
    """Antialiased indicator of |distance| < half_width for a pixel of the given footprint."""
    return jnp.clip((half_width - jnp.abs(distance)) / footprint + 0.5, 0.0, 1.0) * jnp.minimum(
        1.0, 2 * half_width / footprint
    )


def _ground(p, footprint, scene):
    """Ground colour [b h w 3] at points p [b h w 2]; footprint [b h w] is the pixel's size on the ground."""

    def per_image(name):
        return scene[name][:, None, None]

    base, second = scene["palette"][:, 3][:, None, None], scene["palette"][:, 4][:, None, None]
    fade = jnp.exp(-1.5 * footprint)
    noise = _noise(p, scene["phases"], scene["directions"]) * fade
    mix = per_image("noise") * (0.5 + 0.5 * noise)
    size = per_image("tile_size")
    tile = wave(jnp.pi * p[..., 0] / size) * wave(jnp.pi * p[..., 1] / size)
    relative = footprint / size
    sharp = jnp.minimum(6.0, 0.8 * size / footprint)
    tile = 0.5 + 0.5 * _squash(tile * sharp) * jnp.exp(-5 * relative * jnp.sqrt(relative))
    mix = jnp.clip(mix + per_image("tiles") * tile * 0.7, 0.0, 1.0)[..., None]
    color = base * (1 - mix) + second * mix
    lateral = p[..., 0] - per_image("road_center")
    road = (_band(lateral, 1.38, footprint) * per_image("road"))[..., None]
    color = color * (1 - road) + scene["asphalt"][:, None, None] * (1 + 0.05 * noise[..., None]) * road
    dashes = smoothstep(-0.25, 0.25, wave(p[..., 1] * 2 * jnp.pi / 1.6 + scene["phases"][:, 11, None, None]))
    dashes = 0.5 + (dashes - 0.5) * jnp.exp(-footprint)
    line = _band(jnp.abs(lateral) - 1.25, 0.035, footprint) + _band(lateral, 0.035, footprint) * dashes
    line = (jnp.clip(line, 0, 1) * (per_image("road") > 0) * 0.85)[..., None]
    return color * (1 - line) + jnp.array([0.95, 0.95, 0.90]) * line


def box_shadow(p, scene, placed):
    """Light left on the ground [b h w] at its points p [b h w 2] beside a box: a contact shadow of its
    footprint times a soft cast one.

    placed: half_width, half_length, center_z and height [b].
    """
    half = jnp.stack([placed["half_width"], placed["half_length"]], -1)[:, None, None]
    sun = scene["sun"]
    shift = (-sun[:, ::2] / sun[:, 1:2] * placed["height"][:, None] * 0.42)[:, None, None]
    offset = p - jnp.stack([0 * placed["center_z"], placed["center_z"]], -1)[:, None, None]

    def outside(q, extent, radius):
        d = jnp.abs(q) - (extent - radius)
        return jnp.linalg.norm(jnp.maximum(d, 1e-6), axis=-1) + jnp.minimum(jnp.max(d, -1), 0.0) - radius

    contact = 1 - smoothstep(-0.16, 0.10, outside(offset, half, 0.15))
    cast = 1 - smoothstep(-0.28, 0.22, outside(offset - shift, half + 0.35 * jnp.abs(shift), 0.25))
    return (1 - 0.72 * contact) * (1 - scene["shadow"][:, None, None] * cast)


def _harmonic(rays, order: int, phase):
    """sin(order * bearing + phase) of rays [b h w 3]; the multiple angle by products, not by arctan."""
    inverse = 1 / jnp.sqrt(rays[..., 0] ** 2 + rays[..., 2] ** 2 + 1e-12)
    sin_1, cos_1 = rays[..., 0] * inverse, rays[..., 2] * inverse
    sin_n, cos_n = sin_1, cos_1
    for _ in range(order - 1):
        sin_n, cos_n = sin_n * cos_1 + cos_n * sin_1, cos_n * cos_1 - sin_n * sin_1
    return sin_n * jnp.cos(phase)[:, None, None] + cos_n * jnp.sin(phase)[:, None, None]


def paint(scene: dict, ground, shadow, cameras, fov_y: float, height: int, width: int):
    """Background [b h w 3] in [0,1] without the object.

    scene: `sampling.Backdrops.sample`; ground [b]: its height; shadow(p): the light [b h w] that the object
    leaves on the ground at points p [b h w 2] (x and z); cameras: azimuth, elevation, distance [b].
    """
    azimuth, elevation, distance = cameras
    eye, rays = camera_rays(azimuth, elevation, distance, fov_y, height, width)
    pixel = 2 * np.tan(fov_y / 2) / height
    dy = rays[..., 1]
    t = (ground - eye[:, 1])[:, None, None] / jnp.minimum(dy, -1e-3)
    p = eye[:, None, None, ::2] + rays[..., ::2] * t[..., None]
    grazing = jnp.clip(-dy, 0.06, 1.0)
    footprint = pixel * t / jnp.sqrt(grazing * jnp.sqrt(grazing))
    palette = scene["palette"][:, :, None, None]
    below = _ground(p, footprint, scene) * shadow(p)[..., None]
    haze = (1 - jnp.exp(-jnp.maximum(t - 5.0, 0) / 14.0))[..., None]
    below = below * (1 - haze) + (0.35 * palette[:, 3] + 0.65 * palette[:, 1]) * haze
    phases = scene["phases"][:, 8:10]
    ridge = 0.55 + 0.25 * _harmonic(rays, 3, phases[:, 0]) + 0.2 * _harmonic(rays, 7, phases[:, 1])
    ridge = ridge * scene["hills"][:, None, None]
    sky = palette[:, 1] + (palette[:, 0] - palette[:, 1]) * smoothstep(0.0, 0.30, dy)[..., None]
    hill = jnp.clip((ridge - dy) / pixel + 0.5, 0, 1)[..., None] * (scene["hills"] > 0)[:, None, None, None]
    sky = sky * (1 - hill) + (0.75 * palette[:, 2] + 0.25 * palette[:, 1]) * hill
    blur = pixel + 0.25 * scene["softness"][:, None, None]
    seen = smoothstep(0.0, 1.0, jnp.clip(-dy / blur + 0.5 * (1 - scene["softness"][:, None, None]), 0, 1))[
        ..., None
    ]
    return jnp.clip(sky * (1 - seen) + below * seen, 0.0, 1.0)
