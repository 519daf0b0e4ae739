"""Settings of inverse graphics on the posed toy world."""

from dataclasses import dataclass

from ganverse_jax.pipeline.settings import Count, Whole
from ganverse_jax.stages.inverse_graphics.settings import Training


@dataclass(frozen=True)
class Settings(Training):
    """A training, and the posed set it is done on."""

    perceptual_blocks: Whole = 0  # novel views are measured in the discriminator's features all the same
    resolution: Count = 64
    num_objects: Count = 160
    num_views: Count = 24
    views_per_object: Count = 12
    num_evaluated: Count = 20  # validation and test objects that figures of truth use, one image each
