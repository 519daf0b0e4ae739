"""Settings of the viewpoints stage."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ganverse_jax.pipeline.settings import Count, Limit, NonNegative, Positive, Share
from ganverse_jax.runtime.shipped import ASSETS
from ganverse_jax.stages.multiview_dataset.settings import Filter


@dataclass(frozen=True)
class Settings(Filter):
    """Which view codes are chosen, by which pictures of them, and who tells their bins."""

    # "pose_regressor" annotates a toy GAN, a "person" the bins (launch.annotate), "keypoints" are clicked
    # points; "shipped": the file of a shipped GAN; "camera": nobody, the GAN takes cameras (gan.camera).
    annotated_by: Literal["pose_regressor", "person", "keypoints", "shipped", "camera"] = "person"
    shipped: str | None = None  # assets/NAME/viewpoints.json
    num_views: Count = 40
    num_candidates: Count = 400  # codes that are scored
    num_contents: Annotated[int, Limit(2)] = 12  # each is drawn with
    view_truncation: Positive = 1.0
    min_usable: Share = 0.8  # share of a view's contents that must pass the mask filter
    min_distance: NonNegative = 0.1  # between chosen views, see `evaluation.view_selection.choose_views`
    drop_share: Share = 0.25  # of the least consistent candidates
    batch_size: Count = 64  # images that are drawn at once

    def __post_init__(self):
        known = [path.parent.name for path in sorted(ASSETS.glob("*/viewpoints.json"))]
        if self.annotated_by == "shipped" and self.shipped not in known:
            raise ValueError(
                f"shipped = {self.shipped!r} names no shipped views; choose one of {', '.join(known)}, or "
                'viewpoints.annotated_by="pose_regressor"'
            )
        if self.num_candidates < self.num_views:
            raise ValueError(
                f"num_candidates = {self.num_candidates} is less than viewpoints.num_views = "
                f"{self.num_views}, which are chosen among them; raise it or lower viewpoints.num_views"
            )
