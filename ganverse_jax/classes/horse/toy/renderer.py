"""How the surface of toy horses looks: a colour per vertex, shaded there, and the shadow of the shape."""

import jax.numpy as jnp
import numpy as np

import rasterizer
from ganverse_jax.classes.horse.toy.coat import REST
from ganverse_jax.classes.horse.toy.topology import FACES, PART_OF, PARTS
from ganverse_jax.classes.toy.background import smoothstep
from ganverse_jax.classes.toy.renderer import Surface, light

_GLOSS = np.array([0.5 if part.name.startswith("eye") else 0.10 for part in PARTS], np.float32)[PART_OF]
# Light that belly, inner thighs and chest between the legs do not get.
_INNER = np.exp(-((REST[:, 0] / 0.07) ** 2)) * np.exp(-(((REST[:, 1] - 0.50) / 0.16) ** 2))
_OPEN = (1 - 0.45 * _INNER).astype(np.float32)


def _plain(colors):
    return colors, jnp.asarray(FACES)


def _shaded(vertices, colors, eye, scene, ground):
    normals = rasterizer.compute_vertex_normals(vertices, FACES)
    diffuse, highlight, _ = light(vertices, normals, eye, scene, ground)
    shade = colors * diffuse * _OPEN[:, None] + (_GLOSS * highlight)[..., None]
    return jnp.clip(shade, 0.0, 1.0), jnp.asarray(FACES)


def _blurred(mask):
    """Means of 3 x 3 pixels of mask [b h w], its borders repeated."""
    padded = jnp.pad(mask, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / 9


def _shadow(vertices, scene, placed, camera, size):
    """The shape's own shadow in the sun, and less sky under the body and around the hooves."""
    sun, ground = scene["sun"][:, None], placed["ground"][:, None, None]
    cast = vertices - sun * ((vertices[..., 1:2] - ground) / sun[..., 1:2])
    clip = rasterizer.transform(cast, camera, size, size)
    dark = _blurred((rasterizer.rasterize(clip, jnp.asarray(FACES), size, size).face_id >= 0) * 1.0)

    def left(p):
        hooves = placed["hooves"][:, None, None]  # x, height, z
        from_hooves = jnp.sum((p[..., None, :] - hooves[..., ::2]) ** 2, -1)
        contact = jnp.max(jnp.exp(-from_hooves / 0.012 - hooves[..., 1] / 0.06), -1)
        middle = placed["middle"][:, None, None]
        under = jnp.exp(-jnp.sum(((p - middle) / jnp.array([0.30, 0.62])) ** 2, -1))
        strength = 1.25 * scene["shadow"][:, None, None]
        return (1 - 0.45 * contact) * (1 - 0.22 * under) * (1 - strength * smoothstep(0.0, 1.0, dark))

    return left


SURFACE = Surface(FACES, _plain, _shaded, _shadow)
