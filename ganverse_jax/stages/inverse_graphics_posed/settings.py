"""Settings of inverse graphics on the posed toy world."""

from dataclasses import dataclass
from typing import Annotated

from ganverse_jax.pipeline.settings import Count, Limit, Whole
from ganverse_jax.stages.inverse_graphics.settings import Training
from ganverse_jax.stages.multiview_dataset.settings import Objects


@dataclass(frozen=True)
class Settings(Training):
    """A training, and the posed set it is done on."""

    perceptual_blocks: Whole = 0  # novel views are measured in the discriminator's features all the same
    resolution: Count = 64
    num_objects: Objects = 160
    num_views: Count = 24
    views_per_object: Annotated[int, Limit(2)] = 12
    num_evaluated: Count = 20  # validation and test objects that figures of truth use, one image each

    def __post_init__(self):
        super().__post_init__()
        if self.views_per_object > self.num_views:
            raise ValueError(
                f"views_per_object = {self.views_per_object} is more than num_views = {self.num_views}, "
                "which they are drawn from; lower it or raise num_views"
            )
