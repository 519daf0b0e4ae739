"""Pictures projected into a GAN: the codes whose pictures are nearest, found by gradient descent.

The baseline of Fig. 8 (arXiv:2010.09125), after StyleGAN2's projector (arXiv:1912.04958, appendix D) and
Image2StyleGAN (arXiv:1904.03189). Here a search begins at the nearest of many samples, as from the wrong
side of an object no gradient leads home; the generator's noise inputs stay as they are, so that a code alone
holds the picture.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.networks import Generator
from ganverse_jax.models.stylegan2.style_space import mix_ws
from ganverse_jax.runtime.batched import in_batches, pictures_at_once

Space = Literal["w", "w+"]
CAMERA_RATE = 0.02  # radians a step, at first


class Projector(NamedTuple):
    """How pictures are projected.

    space: "w", one code for all layers, or "w+", one for each, begun at that in "w"; num_steps: in each
    space; rate: of Adam, in deviations of w, falling to zero; perceptual: `models.features.perceptual`'s, or
    None, and its weight beside the mean squared error; candidates: samples among which the start is nearest.
    """

    space: Space = "w+"
    num_steps: int = 200
    rate: float = 0.05
    perceptual: Callable | None = None
    perceptual_weight: float = 0.1
    candidates: int = 512


class Projection(NamedTuple):
    """What was found: contents' ws [n num_ws w_dim]; cameras [n 2] (azimuth, elevation in radians) where the
    generator takes one, else [n 0]; pictures uint8 [n h w 3]."""

    ws: np.ndarray
    cameras: np.ndarray
    pictures: np.ndarray


def project(source: MultiviewGenerator, pictures: np.ndarray, how: Projector, *, seed: int = 0) -> Projection:
    """The projection of pictures uint8 [n h w 3], of the generator's own size.

    Raises ValueError for another size.
    """
    if pictures.shape[1:3] != source.size:
        found, own = (" x ".join(map(str, size)) for size in (pictures.shape[1:3], source.size))
        raise ValueError(f"pictures of {found} are not of the generator's {own}; crop them to it")
    w, cameras, spread = _starts(source, pictures, how, seed)
    size = pictures_at_once(*source.size, most=16)
    run = partial(_descend(source, how), source.gan.variables, jnp.asarray(source.gan.w_avg), spread)
    ws, cameras = in_batches(run, pictures, w, cameras, size=size)
    return Projection(ws, cameras, draw(source, ws, cameras))


def draw(source: MultiviewGenerator, ws: np.ndarray, cameras: np.ndarray) -> np.ndarray:
    """Pictures uint8 [n h w 3] of contents' ws [n num_ws w_dim] from cameras [n 2], or [n 0] for none."""
    seen = source.gan.seen_from(source.gan.variables, source.gan.w_avg, jnp.asarray(ws), cameras)
    return source.images(np.asarray(seen))


def _starts(
    source: MultiviewGenerator, pictures: np.ndarray, how: Projector, seed: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """w [n w_dim] and cameras [n 2 or 0] of each picture's nearest sample, and the deviation of w."""
    seeds = how.candidates * seed + np.arange(how.candidates)
    w, cameras = source.codes(seeds, 1.0), source.gan.cameras_of(seeds)
    drawn = draw(source, np.asarray(source.module.broadcast(jnp.asarray(w))), cameras)
    near = [
        np.square(drawn.astype(np.float32) - picture).mean(axis=(1, 2, 3)).argmin() for picture in pictures
    ]
    return w[near], cameras[near], float((w - source.gan.w_avg).std())


def _descend(source: MultiviewGenerator, how: Projector) -> Callable:
    """descend(variables, w_avg, spread, pictures, w, cameras) -> (ws, cameras), of one batch."""
    gan, (top, bottom) = source.gan, source.rows
    schedule = optax.cosine_decay_schedule(1.0, how.num_steps)

    def losses(variables, w_avg, code, target):
        ws = code["w"] if code["w"].ndim == 3 else source.module.broadcast(code["w"])
        ws = gan.seen_from(variables, w_avg, ws, code["camera"])
        made = 0.5 * (source.module.apply(variables, ws, method=Generator.synthesis)[:, top:bottom] + 1.0)
        total = jnp.square(made - target).mean(axis=(1, 2, 3)).sum()
        if how.perceptual is not None:
            whole = jnp.ones((*target.shape[:3], 1))
            total += how.perceptual_weight * len(target) * how.perceptual(target, made, whole)
        return total

    @jax.jit
    def descend(variables, w_avg, spread, pictures, w, cameras):
        target = pictures.astype(jnp.float32) / 255.0
        rates = {"w": how.rate * spread, "camera": CAMERA_RATE}
        adam = optax.partition({name: optax.adam(lambda step, rate=rate: rate * schedule(step))
                                for name, rate in rates.items()}, {name: name for name in rates})  # fmt: skip

        def step(state, _):
            code, moments = state
            gradient = jax.grad(losses, argnums=2)(variables, w_avg, code, target)
            updates, moments = adam.update(gradient, moments)
            return (optax.apply_updates(code, updates), moments), None

        def descended(code):
            return jax.lax.scan(step, (code, adam.init(code)), length=how.num_steps)[0][0]

        code = descended({"w": w, "camera": cameras})
        code["w"] = source.module.broadcast(code["w"])
        code = descended(code) if how.space == "w+" else code
        return code["w"], code["camera"]

    return descend


def turned(source: MultiviewGenerator, ws: np.ndarray, views: Float[np.ndarray, "n w"]) -> np.ndarray:
    """Contents' ws [n num_ws w_dim] in other views: pictures uint8 [n h w 3].

    views: cameras [n 2] where the generator takes one; else codes [n w_dim] for its view layers.
    """
    if source.gan.camera is not None:
        return draw(source, ws, views)
    mixed = mix_ws(source.module.broadcast(jnp.asarray(views)), jnp.asarray(ws))
    return source.images(np.asarray(mixed))
