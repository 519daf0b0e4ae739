"""Image -> camera (azimuth, elevation, distance): a yardstick trained on the toy world.

It annotates the 12 azimuth bins of a retrained toy GAN and measures viewpoints of GAN images;
it is never part of a training loss (evaluation protocol, DESIGN.md section 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import flax.linen as nn
import jax
import numpy as np

from ganverse_jax.models.perception.learned import LearnedNetwork, narrowing
from ganverse_jax.models.sub_pixel import space_to_depth


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
        x = narrowing(space_to_depth(images), self.widths)
        x = nn.Conv(32, (1, 1), name="narrow")(x).reshape(len(x), -1)
        x = nn.leaky_relu(nn.Dense(self.hidden, name="hidden")(x), 0.1)
        return nn.Dense(4, name="pose")(x)


class LearnedPoseRegressor(LearnedNetwork):
    """Trained `PoseNet` of such widths and hidden units: images [n h w 3] uint8 -> `Pose`.

    elevation_stats, distance_stats: (mean, standard deviation) used to standardise the targets.
    """

    kind = "pose_regressor"
    settings = ("widths", "hidden", "resolution", "elevation_stats", "distance_stats")

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
        self.widths, self.hidden = tuple(widths), hidden
        self.elevation_stats, self.distance_stats = tuple(elevation_stats), tuple(distance_stats)
        super().__init__(params, PoseNet(self.widths, hidden), resolution, batch_size)

    def with_params(self, params) -> LearnedPoseRegressor:
        """The same network with other parameters."""
        return type(self)(params, **{name: getattr(self, name) for name in self.settings})

    def __call__(self, images: np.ndarray) -> Pose:
        raw = self.predict(images)
        elevation = raw[:, 2] * self.elevation_stats[1] + self.elevation_stats[0]
        distance = raw[:, 3] * self.distance_stats[1] + self.distance_stats[0]
        return Pose(np.arctan2(raw[:, 0], raw[:, 1]), elevation, distance)
