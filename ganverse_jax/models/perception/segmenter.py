"""Foreground masks for generated images: the part Mask R-CNN plays in the paper (section 3.1).

A `Segmenter` is any callable from uint8 images to soft masks, so a network trained on the toy
world, an ONNX Mask R-CNN or a folder of ready masks can stand in for one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.models.perception.learned import LearnedNetwork, resize, resize_planes
from ganverse_jax.models.sub_pixel import depth_to_space, space_to_depth


class Segmenter(Protocol):
    """Images [n h w 3] uint8 -> soft foreground masks [n h w] float32 in [0, 1]."""

    def __call__(self, images: np.ndarray) -> np.ndarray: ...


class SegmenterNet(nn.Module):
    """Small U-Net: images [b h w 3] in [-1, 1] -> mask logits [b h w].

    Works on half the plane throughout (pixels folded into channels), which keeps the widest
    planes out of XLA:CPU's convolutions. h and w must be multiples of 2 ** len(widths). `refinements` more
    convolutions on the finest plane sharpen the outline.
    """

    widths: Sequence[int] = (16, 32, 48, 64)
    refinements: int = 0

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        def block(x, width, stride, name):
            x = nn.Conv(width, (3, 3), (stride, stride), use_bias=False, name=name)(x)
            return nn.leaky_relu(nn.GroupNorm(num_groups=8, name=f"{name}_norm")(x), 0.1)

        x = block(space_to_depth(images), self.widths[0], 1, "stem")
        skips = [x]
        for i, width in enumerate(self.widths[1:]):
            x = block(x, width, 2, f"down{i}")
            skips.append(x)
        x = block(skips.pop(), self.widths[-1], 1, "middle")
        for i, skip in reversed(list(enumerate(skips))):
            x = nn.Conv(skip.shape[-1], (1, 1), name=f"narrow{i}")(x)
            x = jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
            x = block(jnp.concatenate([x, skip], axis=-1), skip.shape[-1], 1, f"up{i}")
        for i in range(self.refinements):
            x = block(x, self.widths[0], 1, f"refine{i}")
        return depth_to_space(nn.Conv(4, (3, 3), name="logits")(x))[..., 0]


class LearnedSegmenter(LearnedNetwork):
    """A `Segmenter` around trained `SegmenterNet` parameters of such widths and refinements.

    Masks are resized back to the size of their images.
    """

    kind, settings = "segmenter", ("widths", "refinements", "resolution")

    def __init__(
        self,
        params,
        *,
        widths: Sequence[int],
        refinements: int = 0,
        resolution: int = 64,
        batch_size: int = 128,
    ):
        self.widths, self.refinements = tuple(widths), refinements
        super().__init__(params, SegmenterNet(self.widths, refinements), resolution, batch_size)

    def apply(self, params, images: jax.Array) -> jax.Array:
        """Soft masks [b h w] of images [b h w 3] in [-1, 1]; pure."""
        masks = jax.nn.sigmoid(super().apply(params, images))[..., None]
        return resize(masks, *images.shape[1:3])[..., 0]

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return resize_planes(self.predict(images), *np.shape(images)[1:3])
