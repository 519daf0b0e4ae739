"""How the surface of toy cars looks: a material per face, shaded at the corners of every face."""

import functools

import jax.numpy as jnp
import numpy as np

import rasterizer
from ganverse_jax.classes.car.toy.topology import MATERIALS, TOPOLOGY
from ganverse_jax.classes.toy import background
from ganverse_jax.classes.toy.renderer import Surface, light

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


def _corner_faces(corners):
    """The corners [b f 3 3] as vertices of their own [b 3f 3], and the faces [f 3] that they make."""
    corners = corners.reshape(len(corners), -1, 3)
    return corners, jnp.arange(corners.shape[1], dtype=jnp.int32).reshape(-1, 3)


def _plain(colors):
    return _corner_faces(jnp.repeat(colors[:, TOPOLOGY.material], 3, axis=1))


def _shaded(vertices, colors, eye, scene, ground):
    faces = TOPOLOGY.faces
    normals = rasterizer.compute_vertex_normals(vertices, faces)
    diffuse, highlight, reflection = light(vertices, normals, eye, scene, ground)
    albedo = colors[:, TOPOLOGY.material][:, :, None]
    gloss, glow, mirror = (_per_face(t)[None, :, None, None] for t in (_GLOSS, _GLOW, _REFLECTION))
    # One gather of all seven channels: on a CPU it is the costly part.
    packed = jnp.concatenate([diffuse, highlight[..., None], reflection], -1)[:, faces]
    shade = albedo * jnp.maximum(packed[..., :3], glow)
    shade = jnp.clip(shade + gloss * packed[..., 3:4] + mirror * packed[..., 4:], 0.0, 1.0)
    return _corner_faces(shade)


def _shadow(vertices, scene, placed, camera, size):
    return functools.partial(background.box_shadow, scene=scene, placed=placed)


SURFACE = Surface(TOPOLOGY.faces, _plain, _shaded, _shadow)
