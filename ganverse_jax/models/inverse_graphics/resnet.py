"""ResNet-18 and -50 (arXiv:1512.03385, as torchvision builds them) as trunks for imported ImageNet weights.

Batch normalisation is folded into the convolutions before it, as at inference: no statistics are kept while
training goes on, every kernel and bias is a free parameter. Without imported weights a trunk of such depth
would not train; `interchange/resnet_weights.py` reads them. Parameter names: conv1, mask_stem,
layer<i>_<j>/{conv<k>, downsample}.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
STRIDE = 32  # pixels of the picture per cell of the last plane, a side
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def _convolution(x, channels: int, side: int, stride: int = 1, *, dtype, **options) -> jax.Array:
    """PyTorch's: padded by half a kernel on every side, also where the stride is 2. float32 or wider."""
    padding = ((side // 2, side // 2),) * 2
    y = nn.Conv(channels, (side, side), (stride, stride), padding, dtype=dtype, **options)(x)
    return y.astype(jnp.promote_types(y.dtype, jnp.float32))


class Block(nn.Module):
    """Two 3x3 convolutions (`is_bottleneck`: 1x1, 3x3, 1x1 to four times the channels) with a skip."""

    channels: int
    stride: int
    is_bottleneck: bool
    dtype: jnp.dtype | None = None

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        c, s = self.channels, self.stride
        shapes = ((c, 1, 1), (c, 3, s), (4 * c, 1, 1)) if self.is_bottleneck else ((c, 3, s), (c, 3, 1))
        y = x
        for number, (channels, side, stride) in enumerate(shapes, start=1):
            y = _convolution(y, channels, side, stride, dtype=self.dtype, name=f"conv{number}")
            y = nn.relu(y) if number < len(shapes) else y
        if x.shape != y.shape:
            x = _convolution(x, y.shape[-1], 1, s, dtype=self.dtype, name="downsample")
        return nn.relu(x + y)


class ResNet(nn.Module):
    """Picture and mask in [0, 1] -> the last plane, of 512 (ResNet-18) or 2048 (ResNet-50) channels.

    The mask enters by a stem of its own, which is zero at the start: then the trunk sees what it was trained
    on. dtype: of the convolutions' products; None takes the parameters'.
    """

    depth: int
    dtype: jnp.dtype | None = None

    @nn.compact
    def __call__(
        self, image: Float[Array, "b h w 3"], mask: Float[Array, "b h w 1"]
    ) -> Float[Array, "b h32 w32 d"]:
        x = _convolution((image - _MEAN) / _DEVIATION, 64, 7, 2, dtype=self.dtype, name="conv1")
        start = {"use_bias": False, "kernel_init": nn.initializers.zeros}
        x += _convolution(2.0 * mask - 1.0, 64, 7, 2, dtype=self.dtype, name="mask_stem", **start)
        x = nn.max_pool(nn.relu(x), (3, 3), (2, 2), ((1, 1), (1, 1)))
        for layer, count in enumerate(BLOCKS[self.depth]):
            for index in range(count):
                stride = 2 if layer and not index else 1
                name = f"layer{layer + 1}_{index}"
                x = Block(64 * 2**layer, stride, self.depth == 50, self.dtype, name=name)(x)
        return x
