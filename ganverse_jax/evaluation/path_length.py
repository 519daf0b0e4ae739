"""Perceptual path length: how evenly a generator's pictures change along lines in W (arXiv:1812.04948)."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.models.stylegan2.networks import Generator

EPSILON = 1e-4
_LARGEST = 256  # pixels a side that the distance sees, as in the official metric


def make_path_lengths(
    module: Generator,
    distance: Callable[..., jax.Array],
    *,
    epsilon: float = EPSILON,
    crop: tuple[int, int] | None = None,
    see: Callable[..., jax.Array] = lambda variables, ws: ws,
) -> Callable[..., jax.Array]:
    """A compiled function (variables, params, z [2 b z], t [b]) -> d(G(w_t), G(w_t+epsilon)) / epsilon^2 [b].

    w_t lies between the two mapped codes of a pair at share t. `distance(params, a, b)` compares images [b h
    w 3] in [-1, 1] and must grow as the square of small changes, as LPIPS does. Both pictures share the
    stored noise; see(variables, ws) puts the 2 b contents before cameras, where there are some. Images larger
    than 256 pixels are averaged down by a whole factor first.
    """
    top, bottom = crop or (0, module.resolution)

    @jax.jit
    def lengths(variables, params, z, t):
        ends = [module.apply(variables, part, method=Generator.map) for part in z]
        shares = jnp.concatenate([t, t + epsilon])[:, None]
        start, end = (jnp.concatenate([end, end]) for end in ends)
        ws = module.apply(variables, start + shares * (end - start), method=Generator.broadcast)
        ws = see(variables, ws)
        images = _smaller(module.apply(variables, ws, method=Generator.synthesis)[:, top:bottom])
        return distance(params, *jnp.split(images, 2)) / epsilon**2

    return lengths


def _smaller(images: jax.Array) -> jax.Array:
    b, h, w, c = images.shape
    factor = max(1, min(h, w) // _LARGEST)
    cut = images[:, : h // factor * factor, : w // factor * factor]
    return cut.reshape(b, h // factor, factor, w // factor, factor, c).mean(axis=(2, 4))


def mean_path_length(lengths: np.ndarray) -> float:
    """Mean of lengths [n] between their 1st and 99th percentile, as the official metric takes it.

    Raises ValueError for no lengths and for values that are not finite.
    """
    lengths = np.asarray(lengths, np.float64)
    if not lengths.size or not np.isfinite(lengths).all():
        bad = int((~np.isfinite(lengths)).sum())
        raise ValueError(
            f"{bad} of {lengths.size} path lengths are not finite; look at the generator's samples"
        )
    low, high = np.percentile(lengths, 1, method="lower"), np.percentile(lengths, 99, method="higher")
    return float(lengths[(lengths >= low) & (lengths <= high)].mean())
