"""Surfaces with a colour per vertex, shaded there, that cast the shadow of their own shape."""

import jax.numpy as jnp
import numpy as np

import rasterizer
from ganverse_jax.classes.toy.background import smoothstep
from ganverse_jax.classes.toy.renderer import Surface, light


def _plain(faces):
    return lambda colors: (colors, jnp.asarray(faces))


def _shaded(faces, gloss, openness):
    def shaded(vertices, colors, eye, scene, ground):
        normals = rasterizer.compute_vertex_normals(vertices, faces)
        diffuse, highlight, _ = light(vertices, normals, eye, scene, ground)
        shade = colors * diffuse * openness[:, None] + (gloss * highlight)[..., None]
        return jnp.clip(shade, 0.0, 1.0), jnp.asarray(faces)

    return shaded


def _blurred(mask):
    """Means of 3 x 3 pixels of mask [b h w], its borders repeated."""
    padded = jnp.pad(mask, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / 9


def _shadow(faces, under):
    def shadow(vertices, scene, placed, camera, size):
        sun, ground = scene["sun"][:, None], placed["ground"][:, None, None]
        cast = vertices - sun * ((vertices[..., 1:2] - ground) / sun[..., 1:2])
        clip = rasterizer.transform(cast, camera, size, size)
        dark = _blurred((rasterizer.rasterize(clip, jnp.asarray(faces), size, size).face_id >= 0) * 1.0)

        def left(p):
            feet = placed["feet"][:, None, None]  # x, height, z
            from_feet = jnp.sum((p[..., None, :] - feet[..., ::2]) ** 2, -1)
            contact = jnp.max(jnp.exp(-from_feet / 0.012 - feet[..., 1] / 0.06), -1)
            middle = placed["middle"][:, None, None]
            low = jnp.exp(
                -jnp.sum(((p - middle) / jnp.array(under)) ** 2, -1) - placed["lift"][:, None, None]
            )
            strength = 1.25 * scene["shadow"][:, None, None]
            return (1 - 0.45 * contact) * (1 - 0.22 * low) * (1 - strength * smoothstep(0.0, 1.0, dark))

        return left

    return shadow


def skin(
    faces: np.ndarray, gloss: np.ndarray, openness: np.ndarray, under: tuple[float, float], props=None
) -> Surface:
    """The surface of faces [f 3] whose colors are [b v 3].

    gloss [v]: of its highlights; openness [v]: the share of light that its own shape lets through; under:
    half the width and length of what lies in the body's shade. Besides "ground", placed holds "feet" [b k 3]
    (x, height above the ground, z), and of the body "middle" [b 2] (x, z) and "lift" [b], 0 where it is near
    the ground and has the sky's shade below it. props: see `Surface`.
    """
    gloss, openness = np.asarray(gloss, np.float32), np.asarray(openness, np.float32)
    return Surface(faces, _plain(faces), _shaded(faces, gloss, openness), _shadow(faces, under), props)
