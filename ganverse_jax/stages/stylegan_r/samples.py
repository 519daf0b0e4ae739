"""Fresh samples of the GAN for StyleGAN-R: any content in any chosen view (the warm-up of Sec. 3.3).

The paper samples anew at every step. Here the samples are drawn before training, together with what inverse
graphics reads off them, so that a step costs no more than the mapper; there are many more contents among them
than objects in the multi-view set.
"""

from typing import NamedTuple

import numpy as np

from ganverse_jax.data.masks import instances
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.stages.viewpoints.stage import CONTENT_SEEDS, SEED_STRIDE, Viewpoints

# Above the objects of the multi-view set, in the same range of seeds (see `multiview_dataset`).
FIRST_SAMPLE = 5_000_000


class Examples(NamedTuple):
    """Images and the w [n w_dim] of their contents."""

    images: MultiviewSet
    content_w: np.ndarray

    def joined(self, other: "Examples") -> "Examples":
        """These and others of the same views."""
        names = ("images", "masks", "view_id", "object_id")
        both = {
            name: np.concatenate([getattr(self.images, name), getattr(other.images, name)]) for name in names
        }
        images = MultiviewSet(**both, views=self.images.views)
        return Examples(images, np.concatenate([self.content_w, other.content_w]))


def draw_samples(
    generator: MultiviewGenerator,
    segmenter,
    views: Viewpoints,
    count: int,
    *,
    seed: int,
    psi: float,
    first: int = FIRST_SAMPLE,
) -> Examples:
    """Images of `count` fresh contents, truncated by psi, each in one random view; first: number of the
    first content, by which others than the training's can be had.

    Images that fail the views' filter are left out: n is at most `count`. Object ids are seeds.
    Raises ValueError when the filter leaves none.
    """
    seeds = CONTENT_SEEDS + SEED_STRIDE * seed + first + np.arange(count)
    view_id = np.random.default_rng([seed, first]).integers(len(views.w), size=count)
    content_w = generator.codes(seeds, psi)
    images, _ = generator.pairs(views.w[view_id], content_w)
    verdict = instances.judge_images(segmenter, images, **views.filter.thresholds())
    kept = verdict.kept
    if not kept.any():
        raise ValueError(f"the mask filter kept none of {count} samples; train the GAN longer")
    samples = MultiviewSet(images, verdict.masks, view_id, seeds, views.views)
    return Examples(samples.take(np.flatnonzero(kept)), content_w[kept])
