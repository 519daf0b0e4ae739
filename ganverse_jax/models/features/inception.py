"""Inception-v3 up to its 2048 pooled features, as the Frechet Inception Distance uses it (arXiv:1706.08500).

Layers carry torchvision's names. The FID graph of 2015-12-05 departs from torchvision's network in three
places, followed here: the 3x3 average pools leave the padding out of their count, the last block pools by
maximum, and pictures are resized as TensorFlow 1 does. Batch normalisation is folded into the convolutions by
the importer (interchange/inception_weights.py), so a layer is a convolution with bias and a ReLU.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

SIDE = 299
NUM_FEATURES = 2048


def _layer(x, name: str, features: int, size=1, *, stride: int = 1, padding: str | None = None):
    """Convolution and ReLU; strided ones are not padded."""
    kernel = (size, size) if isinstance(size, int) else size
    padding = padding or ("SAME" if stride == 1 else "VALID")
    return nn.relu(nn.Conv(features, kernel, (stride, stride), padding=padding, name=name)(x))


def _average(x):
    """3x3 mean of the pixels that are there: at the border the padding is not counted."""
    return nn.avg_pool(x, (3, 3), (1, 1), "SAME", count_include_pad=False)


def _halve(x):
    return nn.max_pool(x, (3, 3), (2, 2))


class BlockA(nn.Module):
    """35x35 block: 1x1, 5x5, double 3x3 and a pooled branch of `pool_features`."""

    pool_features: int

    @nn.compact
    def __call__(self, x):
        a = _layer(x, "branch1x1", 64)
        b = _layer(_layer(x, "branch5x5_1", 48), "branch5x5_2", 64, 5)
        c = _layer(_layer(x, "branch3x3dbl_1", 64), "branch3x3dbl_2", 96, 3)
        c = _layer(c, "branch3x3dbl_3", 96, 3)
        d = _layer(_average(x), "branch_pool", self.pool_features)
        return jnp.concatenate([a, b, c, d], axis=-1)


class BlockB(nn.Module):
    """From 35x35 to 17x17."""

    @nn.compact
    def __call__(self, x):
        a = _layer(x, "branch3x3", 384, 3, stride=2)
        b = _layer(_layer(x, "branch3x3dbl_1", 64), "branch3x3dbl_2", 96, 3)
        b = _layer(b, "branch3x3dbl_3", 96, 3, stride=2)
        return jnp.concatenate([a, b, _halve(x)], axis=-1)


class BlockC(nn.Module):
    """17x17 block of factorised 7x7 convolutions, `inner` features wide inside."""

    inner: int

    @nn.compact
    def __call__(self, x):
        a = _layer(x, "branch1x1", 192)
        b = _layer(_layer(x, "branch7x7_1", self.inner), "branch7x7_2", self.inner, (1, 7))
        b = _layer(b, "branch7x7_3", 192, (7, 1))
        c = _layer(x, "branch7x7dbl_1", self.inner)
        for index, size in enumerate([(7, 1), (1, 7), (7, 1)], start=2):
            c = _layer(c, f"branch7x7dbl_{index}", self.inner, size)
        c = _layer(c, "branch7x7dbl_5", 192, (1, 7))
        d = _layer(_average(x), "branch_pool", 192)
        return jnp.concatenate([a, b, c, d], axis=-1)


class BlockD(nn.Module):
    """From 17x17 to 8x8."""

    @nn.compact
    def __call__(self, x):
        a = _layer(_layer(x, "branch3x3_1", 192), "branch3x3_2", 320, 3, stride=2)
        b = _layer(_layer(x, "branch7x7x3_1", 192), "branch7x7x3_2", 192, (1, 7))
        b = _layer(_layer(b, "branch7x7x3_3", 192, (7, 1)), "branch7x7x3_4", 192, 3, stride=2)
        return jnp.concatenate([a, b, _halve(x)], axis=-1)


class BlockE(nn.Module):
    """8x8 block whose 3x3 convolutions fan out; its pooled branch takes the mean or (`by_maximum`) the
    maximum."""

    by_maximum: bool

    @nn.compact
    def __call__(self, x):
        def fan(y, name):
            return [_layer(y, f"{name}a", 384, (1, 3)), _layer(y, f"{name}b", 384, (3, 1))]

        a = _layer(x, "branch1x1", 320)
        b = fan(_layer(x, "branch3x3_1", 384), "branch3x3_2")
        c = fan(
            _layer(_layer(x, "branch3x3dbl_1", 448), "branch3x3dbl_2", 384, 3),
            "branch3x3dbl_3",
        )
        pooled = nn.max_pool(x, (3, 3), (1, 1), "SAME") if self.by_maximum else _average(x)
        return jnp.concatenate([a, *b, *c, _layer(pooled, "branch_pool", 192)], axis=-1)


class Inception(nn.Module):
    """Images [b 299 299 3], scaled by `inception_input`, to pooled features [b 2048]."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 3"]) -> Float[Array, "b 2048"]:
        x = _layer(x, "Conv2d_1a_3x3", 32, 3, stride=2)
        x = _layer(x, "Conv2d_2a_3x3", 32, 3, padding="VALID")
        x = _halve(_layer(x, "Conv2d_2b_3x3", 64, 3))
        x = _layer(x, "Conv2d_3b_1x1", 80)
        x = _halve(_layer(x, "Conv2d_4a_3x3", 192, 3, padding="VALID"))
        blocks = {"Mixed_5b": BlockA(32), "Mixed_5c": BlockA(64), "Mixed_5d": BlockA(64)}
        blocks |= {"Mixed_6a": BlockB(), "Mixed_6b": BlockC(128), "Mixed_6c": BlockC(160)}
        blocks |= {"Mixed_6d": BlockC(160), "Mixed_6e": BlockC(192), "Mixed_7a": BlockD()}
        blocks |= {"Mixed_7b": BlockE(by_maximum=False), "Mixed_7c": BlockE(by_maximum=True)}
        for name, block in blocks.items():
            x = block.clone(name=name, parent=self)(x)
        return x.mean(axis=(1, 2))


def resize_matrix(old: int, new: int) -> np.ndarray:
    """Bilinear weights [new old] of TensorFlow 1's resize: output i looks at i old / new, without half-pixel
    centres and without antialiasing."""
    position = np.arange(new) * (old / new)
    low = np.floor(position).astype(int)
    weights = np.zeros((new, old))
    weights[np.arange(new), low] += 1 - (position - low)
    weights[np.arange(new), np.minimum(low + 1, old - 1)] += position - low
    return weights.astype(np.float32)


def inception_input(images: jax.Array) -> jax.Array:
    """Images in 0..255 [b h w 3] (any size, any type) to the network's input [b 299 299 3]: resized, then
    (x - 128) / 128."""
    rows, columns = (resize_matrix(size, SIDE) for size in images.shape[1:3])
    highest = jax.lax.Precision.HIGHEST
    resized = jnp.einsum(
        "ih,bhwc,jw->bijc", rows, images.astype(jnp.float32), columns, precision=highest, optimize=True
    )
    return (resized - 128) / 128
