"""Real pictures with self-labelled cameras beside the GAN's in a training of inverse graphics.

A GAN's pictures are not quite the real ones that it learned from. These are, and nobody annotated them: the
pose network that `self_labels` left reads their cameras, the run's segmenter masks them. A single view shows
nothing of the far side (Eq. 1); that is what the GAN's pairs are for (Eq. 2).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor
from ganverse_jax.pipeline import remedies
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.runtime import parallel
from ganverse_jax.runtime.shipped import weights_folder
from ganverse_jax.stages.gan.teacher import POSE
from ganverse_jax.stages.inverse_graphics.settings import Labelled
from ganverse_jax.stages.perception import stage as perception
from ganverse_jax.stages.perception.real_objects import real_objects

# What a batch then also holds: uint8 [m h w 3], uint8 [m h w] and float32 [m 3].
LABELLED_IMAGES, LABELLED_MASKS, LABELLED_CAMERAS = "labelled_images", "labelled_masks", "labelled_cameras"
_SEED = 8  # of the batches, beside the pairs' own


class LabelledPictures(NamedTuple):
    """images uint8 [n h w 3], masks uint8 [n h w], cameras float32 [n 3]: azimuth, elevation (radians) and
    distance; `batch_size` of them are in a batch."""

    images: np.ndarray
    masks: np.ndarray
    cameras: np.ndarray
    batch_size: int

    def batch(self, key: Sequence[int], part: np.ndarray | slice = slice(None)) -> dict[str, np.ndarray]:
        """Their part of the batch `key`, always the same for one key, or its rows `part` alone."""
        rows = np.random.default_rng([_SEED, *key]).integers(0, len(self.images), self.batch_size)[part]
        parts = (self.images[rows], self.masks[rows], self.cameras[rows])
        return dict(zip((LABELLED_IMAGES, LABELLED_MASKS, LABELLED_CAMERAS), parts, strict=True))


def read(run: Run, settings: Labelled, micro_batches: int = 1) -> LabelledPictures:
    """The pictures that the GAN of a finished stage learned from, as far as they show one object.

    micro_batches: that a device's part of a batch is split into.

    Raises ValueError where none does, or the device mesh does not divide a batch.
    """
    name = "inverse_graphics.labelled.batch_size"
    parallel.check_divisible(settings.batch_size, run.mesh.size, name, micro_batches)
    segmenter = perception.load(run.workdir).segmenter
    images, masks, _, num_pictures = real_objects(run, segmenter, settings.num_images)
    if not len(images):
        raise ValueError(
            f"no picture of {num_pictures} that the GAN learned from shows one object; set "
            "inverse_graphics.labelled.labels to None to train on the GAN's own alone"
        )
    cameras = np.stack(LearnedPoseRegressor.load(pose_path(settings))(images), axis=1).astype(np.float32)
    print(
        f"[inverse_graphics] {len(images)} of {num_pictures} real pictures, cameras read off them", flush=True
    )
    return LabelledPictures(images, masks, cameras, settings.batch_size)


def pose_path(settings: Labelled) -> Path:
    """The pose network's file of the folder, or shipped set, that `labels` names."""
    return weights_folder(settings.labels) / POSE


def absent(settings: Labelled, stage: str) -> list[str]:
    """What is not there of them, see `Stage`."""
    if settings.labels is None:
        return []
    get = "set it to the folder that the stage self_labels left, or to None"
    return remedies.absent(f"{stage}.labelled.labels", pose_path(settings), get, _look)


def _look(path: Path) -> None:
    LearnedPoseRegressor.load(path, shapes_only=True)
