"""Settings of the multi-view dataset stage."""

from dataclasses import dataclass
from typing import Annotated

from ganverse_jax.pipeline.settings import Count, Limit, Share

Objects = Annotated[int, Limit(8)]  # fewer leave a split without one, see `data.multiview.set.split_objects`


@dataclass(frozen=True)
class Filter:
    """The paper's filter of masks: see `data.masks.instances.judge`."""

    min_instance: Share = 0.02  # share of the image from which an instance counts
    min_area: Share = 0.10  # share of the image that the object covers at least

    def thresholds(self) -> dict[str, float]:
        """As `judge` takes them."""
        return {"min_instance": self.min_instance, "min_area": self.min_area}


@dataclass(frozen=True)
class Settings(Filter):
    """How many objects are drawn, in how many views."""

    num_objects: Objects = 320
    views_per_object: Annotated[int, Limit(2)] | None = None  # a fixed draw per object; None: all views
    objects_per_part: Count = 16  # which a killed run keeps
    batch_size: Count = 64  # images that are drawn at once
