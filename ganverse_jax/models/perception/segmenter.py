"""Foreground masks for generated images: the part Mask R-CNN plays in the paper (section 3.1).

A `Segmenter` is any callable from uint8 images to soft masks, so a network trained on the toy
world, an ONNX Mask R-CNN or a folder of ready masks can stand in for one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.runtime import checkpoint


class Segmenter(Protocol):
    """Images [n h w 3] uint8 -> soft foreground masks [n h w] float32 in [0, 1]."""

    def __call__(self, images: np.ndarray) -> np.ndarray: ...


def space_to_depth(x: jax.Array, block: int = 2) -> jax.Array:
    """[b h w c] -> [b h/block w/block block*block*c]; halves the plane without losing detail."""
    b, h, w, c = x.shape
    x = x.reshape(b, h // block, block, w // block, block, c)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(b, h // block, w // block, block * block * c)


def depth_to_space(x: jax.Array, block: int = 2) -> jax.Array:
    """Inverse of `space_to_depth`: [b h w block*block*c] -> [b h*block w*block c]."""
    b, h, w, c = x.shape
    x = x.reshape(b, h, w, block, block, c // (block * block))
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(b, h * block, w * block, c // (block * block))


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


def resize(images: jax.Array, height: int, width: int) -> jax.Array:
    """Antialiased bilinear resize of [b h w c]; the identity when the size is already right."""
    if images.shape[1:3] == (height, width):
        return images
    return jax.image.resize(images, (images.shape[0], height, width, images.shape[3]), "bilinear")


class LearnedSegmenter:
    """A `Segmenter` around trained `SegmenterNet` parameters.

    Args:
      params: the network's parameters.
      widths, refinements: shape of the network.
      resolution: side of the square the network was trained on; other images are resized to it
        and their masks resized back.
      batch_size: images per compiled call; the last batch is padded, so one program serves all.
    """

    def __init__(
        self,
        params,
        *,
        widths: Sequence[int],
        refinements: int = 0,
        resolution: int = 64,
        batch_size: int = 128,
    ):
        self.params, self.widths, self.resolution = params, tuple(widths), resolution
        self.refinements = refinements
        self.batch_size = batch_size
        self.module = SegmenterNet(self.widths, refinements)
        self._predict = jax.jit(self._masks)

    def _masks(self, params, images: jax.Array) -> jax.Array:
        small = resize(images.astype(jnp.float32) / 127.5 - 1.0, self.resolution, self.resolution)
        masks = jax.nn.sigmoid(self.module.apply({"params": params}, small))[..., None]
        return resize(masks, *images.shape[1:3])[..., 0]

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return in_batches(lambda x: self._predict(self.params, x), images, self.batch_size)


def in_batches(predict, images: np.ndarray, batch_size: int) -> np.ndarray:
    """Apply `predict` to [n h w 3] uint8 images in batches of one fixed size; results stacked on host.

    Raises ValueError for images that are not [n h w 3] uint8.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"images must be uint8 [n h w 3], got {images.dtype} {images.shape}")
    parts = []
    for start in range(0, len(images), batch_size):
        part = images[start : start + batch_size]
        missing = batch_size - len(part)
        padded = np.concatenate([part, np.zeros((missing, *part.shape[1:]), np.uint8)]) if missing else part
        parts.append(np.asarray(predict(jnp.asarray(padded)))[: len(part)])
    if not parts:
        return np.asarray(predict(jnp.zeros((1, *images.shape[1:]), jnp.uint8)))[:0]
    return np.concatenate(parts)


def save_segmenter(path: Path, segmenter: LearnedSegmenter, metadata: dict) -> None:
    """Write the segmenter as float16 safetensors with its shape settings in the metadata."""
    settings = {
        "kind": "segmenter",
        "widths": list(segmenter.widths),
        "refinements": segmenter.refinements,
        "resolution": segmenter.resolution,
    }
    checkpoint.save_weights(path, segmenter.params, {**metadata, **settings}, dtype=np.float16)


def load_segmenter(path: Path, batch_size: int = 128) -> LearnedSegmenter:
    """Read a file of `save_segmenter`. Raises ValueError when the file holds something else."""
    params, metadata = checkpoint.load_weights(path)
    if metadata.get("kind") != "segmenter":
        raise ValueError(
            f"{path} holds {metadata.get('kind')!r}, not a segmenter; write one with the perception stage"
        )
    return LearnedSegmenter(
        params,
        widths=metadata["widths"],
        refinements=int(metadata.get("refinements", 0)),
        resolution=int(metadata["resolution"]),
        batch_size=batch_size,
    )
