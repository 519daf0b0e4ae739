"""LPIPS, the learned perceptual distance (arXiv:1801.03924, version 0.1) on VGG16's features."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# torchvision's index of each convolution -> its features; the taps are relu1_2, 2_2, 3_3, 4_3 and 5_3.
LAYERS = dict.fromkeys((0, 2), 64) | dict.fromkeys((5, 7), 128) | dict.fromkeys((10, 12, 14), 256)
LAYERS |= dict.fromkeys((17, 19, 21, 24, 26, 28), 512)
TAPS = (2, 7, 14, 21, 28)
SMALLEST = 16  # four halvings must leave a pixel
_SHIFT = np.array([-0.030, -0.088, -0.188], np.float32)
_SCALE = np.array([0.458, 0.448, 0.450], np.float32)


class LPIPS(nn.Module):
    """Distance [b] of two images [b h w 3] in [-1, 1]: squared differences of features normalised over
    channels, weighted per channel, averaged over the plane, summed over five layers."""

    @nn.compact
    def __call__(self, a: Float[Array, "b h w 3"], b: Float[Array, "b h w 3"]) -> Float[Array, "b"]:
        if min(a.shape[1:3]) < SMALLEST:
            raise ValueError(f"LPIPS takes images of at least {SMALLEST} pixels a side, got {a.shape[1:3]}")
        x, total = (jnp.concatenate([a, b]) - _SHIFT) / _SCALE, 0.0
        for index, features in LAYERS.items():
            x = nn.relu(nn.Conv(features, (3, 3), name=f"conv{index}")(x))
            if index in TAPS:
                number = TAPS.index(index)
                weights = self.param(f"linear{number}", nn.initializers.ones, (features,))
                total += _difference(x, weights)
                x = nn.max_pool(x, (2, 2), (2, 2)) if index != TAPS[-1] else x
        return total


def _difference(x: jax.Array, weights: jax.Array) -> jax.Array:
    squared = (x**2).sum(axis=-1, keepdims=True)
    # A root of 0 has no gradient: where every feature is off, as on black, there is none to hand on.
    norm = jnp.where(squared > 0, jnp.sqrt(jnp.where(squared > 0, squared, 1.0)), 0.0)
    unit = x / (norm + 1e-10)
    first, second = jnp.split(unit, 2)
    return ((first - second) ** 2 @ weights).mean(axis=(1, 2))
