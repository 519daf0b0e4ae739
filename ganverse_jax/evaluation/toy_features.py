"""Features of pictures by a network trained on the toy world, where Inception's weights are absent.

They are the four blocks of the pose network, averaged over the plane, or over a mask. A distance in them is a
proxy: it compares runs of the toy world with one another and must not be called FID.
"""

from __future__ import annotations

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.models.perception.learned import resize
from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor
from ganverse_jax.runtime.batched import in_batches


class ToyFeatures:
    """Images uint8 [n h w 3], and masks [n h w] in [0, 1] or None, to features float32 [n d].

    `regressor`: the network; `batch_size`: images per compiled call.
    """

    def __init__(self, regressor: LearnedPoseRegressor, batch_size: int = 64):
        self.regressor, self.batch_size = regressor, batch_size
        self.params, self.dimensions = regressor.params, sum(regressor.widths)
        self._features = jax.jit(lambda p, x, m=None: self.pooled(p, x.astype(jnp.float32) / 127.5 - 1, m))

    def pooled(self, params, images: jax.Array, masks: jax.Array | None = None) -> jax.Array:
        """Features [b d] of images [b h w 3] in [-1, 1]; pure, for use inside other compiled functions."""
        return jnp.concatenate([_mean(block, masks) for block in self._blocks(params, images)], axis=-1)

    def distance(self, params, a: jax.Array, b: jax.Array) -> jax.Array:
        """A stand-in for LPIPS: squared differences [b] of the blocks of images in [-1, 1], normalised over
        channels, averaged over the plane and summed over blocks; pure."""
        total = 0.0
        for block in self._blocks(params, jnp.concatenate([a, b])):
            unit = block / (jnp.linalg.norm(block, axis=-1, keepdims=True) + 1e-10)
            first, second = jnp.split(unit, 2)
            total += ((first - second) ** 2).sum(axis=-1).mean(axis=(1, 2))
        return total

    def _blocks(self, params, images: jax.Array) -> list[jax.Array]:
        side = self.regressor.resolution
        _, seen = self.regressor.module.apply(
            {"params": params},
            resize(images, side, side),
            capture_intermediates=lambda module, _: isinstance(module, nn.GroupNorm),
        )
        names = [f"norm{i}" for i in range(len(self.regressor.widths))]
        return [nn.leaky_relu(seen["intermediates"][name]["__call__"][0], 0.1) for name in names]

    def __call__(self, images: np.ndarray, masks: np.ndarray | None = None) -> np.ndarray:
        inputs = (images,) if masks is None else (images, masks)
        return in_batches(partial(self._features, self.params), *inputs, size=self.batch_size)


def _mean(x: jax.Array, masks: jax.Array | None) -> jax.Array:
    """Mean over the plane of x [b h w c], weighted by masks [b H W]; about zero where a mask is empty."""
    if masks is None:
        return x.mean(axis=(1, 2))
    weights = resize(masks[..., None].astype(jnp.float32), *x.shape[1:3])
    return (x * weights).sum(axis=(1, 2)) / (weights.sum(axis=(1, 2)) + 1e-3)
