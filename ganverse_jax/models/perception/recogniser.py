"""Image -> of which toy world its object is, or of none: one small network, trained on renders of them.

It says yes or no to every class by itself, so that a picture of none gets no from all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from ganverse_jax.models.perception.learned import LearnedNetwork, narrowing
from ganverse_jax.models.sub_pixel import space_to_depth

FILE = "recogniser.safetensors"  # in the package's assets, and as `launch.recognise` leaves it


class RecogniserNet(nn.Module):
    """Small CNN: images [b h w 3] in [-1, 1] -> logits [b c], of each of c classes by itself."""

    num_classes: int
    widths: Sequence[int] = (16, 32, 48, 64)

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        x = narrowing(space_to_depth(images), self.widths)
        x = jnp.concatenate([x.mean(axis=(1, 2)), x.max(axis=(1, 2))], axis=-1)
        return nn.Dense(self.num_classes, name="logits")(x)


class Recogniser(LearnedNetwork):
    """Trained `RecogniserNet` of such widths: pictures uint8 [n h w 3] -> logits [n c], positive for "yes".

    classes [c]: the names of what it tells.
    """

    kind, settings = "recogniser", ("classes", "widths", "resolution")

    def __init__(
        self, params, *, classes: Sequence[str], widths: Sequence[int], resolution: int, batch_size: int = 64
    ):
        self.classes, self.widths = tuple(classes), tuple(widths)
        super().__init__(params, RecogniserNet(len(self.classes), self.widths), resolution, batch_size)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return self.predict(images)


def squared(image: np.ndarray, side: int) -> np.ndarray:
    """A picture uint8 [h w 3] of any proportions as a square uint8 [side side 3]: the border repeats, as it
    does in training."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
    missing = side - small.shape[0], side - small.shape[1]
    return np.pad(small, [*((gap // 2, gap - gap // 2) for gap in missing), (0, 0)], mode="edge")
