"""Image -> camera (azimuth, elevation, distance): a yardstick trained on the toy world.

It annotates the 12 azimuth bins of a retrained toy GAN and measures viewpoints of GAN images;
it is never part of a training loss (evaluation protocol, DESIGN.md section 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.models.perception.segmenter import in_batches, resize, space_to_depth
from ganverse_jax.runtime import checkpoint


class Pose(NamedTuple):
    """Cameras read off images: azimuth, elevation [n] in radians, distance [n] in scene units."""

    azimuth: np.ndarray
    elevation: np.ndarray
    distance: np.ndarray


class PoseNet(nn.Module):
    """Small CNN: images [b h w 3] in [-1, 1] -> [b 4] = (sin azimuth, cos azimuth, elevation, distance).

    Elevation and distance come out standardised; `LearnedPoseRegressor` holds their mean and scale.
    """

    widths: Sequence[int] = (24, 48, 96, 128)
    hidden: int = 96

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        x = space_to_depth(images)
        for i, width in enumerate(self.widths):
            x = nn.Conv(width, (3, 3), (1, 1) if i == 0 else (2, 2), use_bias=False, name=f"conv{i}")(x)
            x = nn.leaky_relu(nn.GroupNorm(num_groups=8, name=f"norm{i}")(x), 0.1)
        x = nn.Conv(32, (1, 1), name="narrow")(x).reshape(len(x), -1)
        x = nn.leaky_relu(nn.Dense(self.hidden, name="hidden")(x), 0.1)
        return nn.Dense(4, name="pose")(x)


class LearnedPoseRegressor:
    """Trained `PoseNet`: images [n h w 3] uint8 -> `Pose`.

    Args:
      params: the network's parameters.
      widths, hidden: its shape.
      resolution: side of the square it was trained on (other images are resized to it).
      elevation_stats, distance_stats: (mean, standard deviation) used to standardise the targets.
      batch_size: images per compiled call.
    """

    def __init__(
        self,
        params,
        *,
        widths: Sequence[int],
        hidden: int,
        resolution: int = 64,
        elevation_stats=(0.0, 1.0),
        distance_stats=(0.0, 1.0),
        batch_size: int = 128,
    ):
        self.params, self.widths, self.hidden, self.resolution = params, tuple(widths), hidden, resolution
        self.elevation_stats, self.distance_stats = tuple(elevation_stats), tuple(distance_stats)
        self.batch_size = batch_size
        self.module = PoseNet(self.widths, hidden)
        self._predict = jax.jit(self._raw)

    def _raw(self, params, images: jax.Array) -> jax.Array:
        small = resize(images.astype(jnp.float32) / 127.5 - 1.0, self.resolution, self.resolution)
        return self.module.apply({"params": params}, small)

    def __call__(self, images: np.ndarray) -> Pose:
        raw = in_batches(lambda x: self._predict(self.params, x), images, self.batch_size)
        elevation = raw[:, 2] * self.elevation_stats[1] + self.elevation_stats[0]
        distance = raw[:, 3] * self.distance_stats[1] + self.distance_stats[0]
        return Pose(np.arctan2(raw[:, 0], raw[:, 1]), elevation, distance)


def save_pose_regressor(path: Path, regressor: LearnedPoseRegressor, metadata: dict) -> None:
    """Write the regressor as float16 safetensors with its shape and scales in the metadata."""
    settings = {
        "kind": "pose_regressor",
        "widths": list(regressor.widths),
        "hidden": regressor.hidden,
        "resolution": regressor.resolution,
        "elevation_stats": list(regressor.elevation_stats),
        "distance_stats": list(regressor.distance_stats),
    }
    checkpoint.save_weights(path, regressor.params, {**metadata, **settings}, dtype=np.float16)


def load_pose_regressor(path: Path, batch_size: int = 128) -> LearnedPoseRegressor:
    """Read a file of `save_pose_regressor`. Raises ValueError when the file holds something else."""
    params, metadata = checkpoint.load_weights(path)
    if metadata.get("kind") != "pose_regressor":
        raise ValueError(
            f"{path} holds {metadata.get('kind')!r}, not a pose regressor; "
            "write one with the perception stage"
        )
    names = ("widths", "hidden", "resolution", "elevation_stats", "distance_stats")
    return LearnedPoseRegressor(params, batch_size=batch_size, **{name: metadata[name] for name in names})
