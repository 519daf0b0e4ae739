"""What earlier networks read off the pictures of a GAN in training: pose, shape and texture; all frozen."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.inverse_graphics.stored import load_folder
from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor
from ganverse_jax.models.perception.segmenter import LearnedSegmenter
from ganverse_jax.runtime.checkpoint import read_npz

# What its folder holds, which the self_labels stage leaves.
CAMERAS, POSE, SEGMENTER = "cameras.npz", "pose_regressor.safetensors", "segmenter.safetensors"
SHAPES = "inverse_graphics"
ELEVATION_SHARE = 0.3  # weight of the standardised elevation beside sine and cosine of the azimuth


class Teacher(NamedTuple):
    """pose: trained on self-labelled cameras; segmenter, shapes: the inverse graphics network, with its
    parameters; cameras [k 2]: azimuth and elevation (radians) of real pictures; scales: twice the variances
    of "shape" and "texture" over real pictures, so that two objects drawn by chance are 1 apart."""

    pose: LearnedPoseRegressor
    segmenter: LearnedSegmenter
    shapes: InverseGraphics
    params: Any
    cameras: np.ndarray
    scales: dict[str, float]

    def pose_error(self, images: jax.Array, cameras: jax.Array) -> jax.Array:
        """Mean squared error of what the pose network reads off images [b h w 3] in [-1, 1] against cameras
        [b 2]."""
        read = self.pose.apply(self.pose.params, images)
        mean, scale = self.pose.elevation_stats
        azimuth = jnp.square(read[:, 0] - jnp.sin(cameras[:, 0])) + jnp.square(
            read[:, 1] - jnp.cos(cameras[:, 0])
        )
        elevation = jnp.square(read[:, 2] - (cameras[:, 1] - mean) / scale)
        return jnp.mean(azimuth + ELEVATION_SHARE * elevation)

    def read(self, images: jax.Array) -> dict[str, jax.Array]:
        """Displacements "shape" [b v 3] and "texture" [b th tw 3] of images [b h w 3] in [-1, 1]."""
        masks = jax.nn.sigmoid(self.segmenter.apply(self.segmenter.params, images))[..., None]
        prediction = self.shapes.apply({"params": self.params}, jnp.clip(images / 2 + 0.5, 0, 1), masks)
        return {"shape": prediction.displacements, "texture": prediction.texture}


def load_networks(folder: Path, *, shapes_only: bool = False) -> Teacher:
    """The teacher in `folder`, without scales; shapes_only: for the errors alone, see `load_weights`.

    Raises FileNotFoundError and ValueError as the loaders of its files.
    """
    make = "run --stages=self_labels of the first round"
    network, params, _ = load_folder(folder / SHAPES, make, shapes_only=shapes_only)
    pose = LearnedPoseRegressor.load(folder / POSE, shapes_only=shapes_only)
    segmenter = LearnedSegmenter.load(folder / SEGMENTER, shapes_only=shapes_only)
    return Teacher(pose, segmenter, network, params["network"], read_npz(folder / CAMERAS)["cameras"], {})


def load_teacher(folder: Path, reals: np.ndarray) -> Teacher:
    """The networks in `folder`; reals: a few hundred real pictures uint8 [n h w 3], for the scales.

    Raises as :func:`load_networks`.
    """
    teacher = load_networks(folder)
    read = jax.device_get(jax.jit(teacher.read)(jnp.asarray(reals, jnp.float32) / 127.5 - 1))
    return teacher._replace(scales={name: float(2 * value.var(0).mean()) for name, value in read.items()})
