"""Real pictures that show one object, with its mask: of the world of images that a run's GAN learned from."""

from typing import NamedTuple

import numpy as np

from ganverse_jax.data.masks import instances
from ganverse_jax.models.perception.segmenter import Segmenter
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.stages.gan import stage as gan


class RealObjects(NamedTuple):
    """images uint8 [n h w 3] and masks uint8 [n h w] of the pictures `rows` [n], out of `num_pictures`."""

    images: np.ndarray
    masks: np.ndarray
    rows: np.ndarray
    num_pictures: int


def real_objects(run: Run, segmenter: Segmenter, count: int) -> RealObjects:
    """Of the first `count` pictures of the finished gan stage those that the filter keeps (section 3.1)."""
    pictures = np.asarray(gan.real_pictures(run, count)[:count])
    verdict = instances.judge_images(segmenter, pictures)
    rows = np.flatnonzero(verdict.kept)
    return RealObjects(pictures[rows], verdict.masks[rows], rows, len(pictures))
