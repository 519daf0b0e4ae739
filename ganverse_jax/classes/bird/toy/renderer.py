"""How the surface of toy birds looks, and the branch that some of them sit on."""

import jax.numpy as jnp
import numpy as np

from ganverse_jax.classes.bird.toy.topology import FACES, PART_OF, PARTS
from ganverse_jax.classes.toy.background import camera_rays, smoothstep
from ganverse_jax.classes.toy.skins import skin

_GLOSS = np.array([0.6 if part.name.startswith("eye") else 0.08 for part in PARTS], np.float32)[PART_OF]
_BARK = jnp.array([0.40, 0.30, 0.22])


def _branch(behind, scene, placed, cameras, fov_y: float):
    """The background [b h w 3] with the branch: a straight rod, seen where rays pass its axis nearer than
    its radius. placed: a point "perch" [b 3] and the direction "along" [b 3] of its axis, its "radius" [b],
    0 for none."""
    height, width = behind.shape[1:3]
    eye, rays = camera_rays(*cameras, fov_y, height, width)
    axis = placed["along"][:, None, None]
    normal = jnp.cross(rays, axis)
    normal = normal / jnp.linalg.norm(normal, axis=-1, keepdims=True)
    to_perch = (placed["perch"] - eye)[:, None, None]
    off = jnp.sum(to_perch * normal, -1)
    # Where along the rod the ray passes: it tapers, and its bark is uneven.
    across = jnp.sum(rays * axis, -1, keepdims=True)
    flat = to_perch - axis * jnp.sum(to_perch * axis, -1, keepdims=True)
    depth = jnp.sum(flat * (rays - across * axis), -1) / (1 - across[..., 0] ** 2).clip(1e-3)
    place = across[..., 0] * depth - jnp.sum(to_perch * axis, -1)
    radius = placed["radius"][:, None, None] * (1 - 0.12 * jnp.tanh(place) + 0.04 * jnp.sin(9.0 * place))
    pixel = 2 * np.tan(fov_y / 2) / height * depth.clip(0.1)
    inside = (
        jnp.clip((radius - jnp.abs(off)) / pixel + 0.5, 0, 1)
        * (depth > 0)
        * (radius > 0.001)
        * smoothstep(3.2, 3.0, jnp.abs(place))
    )
    turned = jnp.clip(off / radius.clip(1e-3), -1, 1)
    # The surface faces the camera in its middle and away at its edges.
    facing = -turned[..., None] * normal - jnp.sqrt(1 - turned**2)[..., None] * (
        (rays - across * axis) / jnp.sqrt((1 - across**2).clip(1e-3))
    )
    sun = jnp.maximum(jnp.sum(facing * scene["sun"][:, None, None], -1, keepdims=True), 0.0)
    up = 0.5 + 0.5 * facing[..., 1:2]
    bark = (
        _BARK
        * (0.92 + 0.05 * jnp.sin(23.0 * place + 2.0 * turned) + 0.06 * jnp.sin(47.0 * place - 5.0 * turned))[
            ..., None
        ]
    )
    shade = 1 - 0.35 * smoothstep(0.35, 0.0, jnp.abs(place)) * smoothstep(-0.2, 0.6, facing[..., 1])
    color = jnp.clip(bark * (0.40 + 0.35 * up + 0.52 * sun) * shade[..., None], 0, 1)
    return behind + (color - behind) * inside[..., None]


SURFACE = skin(FACES, _GLOSS, np.ones(len(PART_OF)), (0.22, 0.42), _branch)
