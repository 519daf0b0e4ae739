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
        # Each picture by itself: where one is a constant, no gradient passes it and nothing of it is kept.
        x, y = ((picture - _SHIFT) / _SCALE for picture in (a, b))
        total = 0.0
        for index, features in LAYERS.items():
            convolution = nn.Conv(features, (3, 3), name=f"conv{index}")
            x, y = nn.relu(convolution(x)), nn.relu(convolution(y))
            if index in TAPS:
                number = TAPS.index(index)
                weights = self.param(f"linear{number}", nn.initializers.ones, (features,))
                total += _difference(x, y, weights)
                if index != TAPS[-1]:
                    x, y = _halved(x), _halved(y)
        return total


def _halved(x: jax.Array) -> jax.Array:
    """Largest of each 2x2 cell [b h/2 w/2 c], an odd last row or column left out.

    The window operation's gradient is a scatter with an index per cell; this one's is a comparison.
    """
    b, h, w, c = x.shape
    cells = x[:, : h // 2 * 2, : w // 2 * 2].reshape(b, h // 2, 2, w // 2, 2, c)
    return cells.max(axis=(2, 4))


def _difference(x: jax.Array, y: jax.Array, weights: jax.Array) -> jax.Array:
    return ((_unit(x) - _unit(y)) ** 2 @ weights).mean(axis=(1, 2))


def _unit(x: jax.Array) -> jax.Array:
    squared = (x**2).sum(axis=-1, keepdims=True)
    # A root of 0 has no gradient: where every feature is off, as on black, there is none to hand on.
    norm = jnp.where(squared > 0, jnp.sqrt(jnp.where(squared > 0, squared, 1.0)), 0.0)
    return x / (norm + 1e-10)
