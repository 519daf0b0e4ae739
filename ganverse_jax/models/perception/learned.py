"""What networks trained here share: they read uint8 images of any size in batches, and lie in one file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, Self

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from ganverse_jax.runtime import checkpoint
from ganverse_jax.runtime.batched import in_batches


def resize(images: jax.Array, height: int, width: int) -> jax.Array:
    """Antialiased bilinear resize of [b h w c]; the identity when the size is already right."""
    return jax.image.resize(images, (images.shape[0], height, width, images.shape[3]), "bilinear")


def resize_planes(planes: np.ndarray, height: int, width: int) -> np.ndarray:
    """As `resize`, of planes [... h w] on the host: pictures of any size then share one compiled program."""
    if planes.shape[-2:] == (height, width):
        return planes
    flat = planes.reshape(-1, *planes.shape[-2:]).astype(np.float32)
    resized = np.empty((len(flat), height, width), np.float32)
    for plane, into in zip(flat, resized, strict=True):
        into[:] = Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR)
    return resized.reshape(*planes.shape[:-2], height, width)


def narrowing(x: jax.Array, widths: Sequence[int]) -> jax.Array:
    """Blocks of those widths over [b h w c], all but the first halving the plane: the caller's submodules."""
    for i, width in enumerate(widths):
        x = nn.Conv(width, (3, 3), (1, 1) if i == 0 else (2, 2), use_bias=False, name=f"conv{i}")(x)
        x = nn.leaky_relu(nn.GroupNorm(num_groups=8, name=f"norm{i}")(x), 0.1)
    return x


class LearnedNetwork:
    """A trained network of squares of `resolution` pixels; other images are resized to it.

    kind: what its files are called; settings: the attributes, arguments of the constructor too, that rebuild
    it around its parameters. batch_size: images per compiled call; the last batch is padded, so one program
    serves all.
    """

    kind: ClassVar[str]
    settings: ClassVar[tuple[str, ...]]

    def __init__(self, params, module: nn.Module, resolution: int, batch_size: int):
        self.params, self.module = params, module
        self.resolution, self.batch_size = resolution, batch_size
        self._predict = jax.jit(lambda params, x: self.apply(params, x.astype(jnp.float32) / 127.5 - 1.0))

    def apply(self, params, images: jax.Array) -> jax.Array:
        """The network's output for images [b h w 3] in [-1, 1]; pure, for use in other compiled functions."""
        return self.module.apply({"params": params}, resize(images, self.resolution, self.resolution))

    def predict(self, images: np.ndarray) -> np.ndarray:
        """`apply` to images uint8 [n h w 3], resized to `resolution`, in batches. Raises ValueError for
        others."""
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
            raise ValueError(f"images must be uint8 [n h w 3], got {images.dtype} {images.shape}")
        if images.shape[1:3] != (self.resolution, self.resolution):
            planes = resize_planes(np.moveaxis(images, -1, 1), self.resolution, self.resolution)
            images = np.moveaxis(planes, 1, -1)
        return in_batches(partial(self._predict, self.params), images, size=self.batch_size, whole=False)

    def save(self, path: Path, metadata: dict) -> None:
        """Write float16 safetensors, with the settings in the metadata."""
        settings = {name: getattr(self, name) for name in self.settings}
        metadata = metadata | {"kind": self.kind} | settings
        checkpoint.save_weights(path, self.params, metadata, dtype=np.float16)

    @classmethod
    def load(cls, path: Path, *, shapes_only: bool = False) -> Self:
        """Read a file of `save`; shapes_only: for the errors alone, see `load_weights`.

        Raises ValueError when the file holds something else.
        """
        params, metadata = checkpoint.load_weights(path, shapes_only=shapes_only)
        if metadata.get("kind") != cls.kind:
            raise ValueError(
                f"{path} holds {metadata.get('kind')!r}, not a {cls.kind.replace('_', ' ')}; write one with "
                "the perception stage"
            )
        # A file of an earlier version may lack a setting, which then is the constructor's own.
        return cls(params, **{name: metadata[name] for name in cls.settings if name in metadata})
