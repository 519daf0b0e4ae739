"""Stand-ins for segmenter and pose regressor, and settings of stages that take seconds."""

from pathlib import Path

import numpy as np

from ganverse_jax import stages
from ganverse_jax.models.perception.pose_regressor import Pose
from ganverse_jax.pipeline.experiment import Experiment, WorldSettings
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.runtime import parallel
from ganverse_jax.runtime.loop import Metrics
from ganverse_jax.stages.gan.stage import Drawing
from ganverse_jax.stages.multiview_dataset.settings import Settings as DatasetSettings
from ganverse_jax.stages.viewpoints.settings import Settings as ViewsSettings

DRAWING = Drawing(truncation=0.7, crop=None)
VIEWS = ViewsSettings(
    annotated_by="pose_regressor", num_views=4, num_candidates=12, num_contents=3, view_truncation=1.0,
    min_distance=0.0, drop_share=0.0, min_usable=0.6, batch_size=8,
)  # fmt: skip
DATASET = DatasetSettings(num_objects=12, views_per_object=3, objects_per_part=4, batch_size=8)


def run_in(workdir: Path) -> Run:
    """What a stage is told of a run on one device."""
    return Run(workdir, 0, parallel.data_mesh(1), Metrics(workdir), "car", WorldSettings())


def experiment_with(object_class: str = "car", **sections: dict) -> Experiment:
    """An experiment on one device of the stages whose plain sections are given."""
    shared = {"object_class": object_class, "num_devices": 1}
    return stages.experiment_of(shared | dict.fromkeys(stages.NAMES) | sections)


def centred_disc(images):
    """Stand-in segmenter: the middle of the picture, empty for about one image in eight."""
    rows, columns = np.mgrid[: images.shape[1], : images.shape[2]]
    disc = (rows - 7.5) ** 2 + (columns - 7.5) ** 2 < 25
    return disc[None] * (images.sum(axis=(1, 2, 3), dtype=np.int64) % 8 != 0)[:, None, None].astype(
        np.float32
    )


def brightness_angle(images):
    """Stand-in regressor: mean brightness as azimuth."""
    level = images.mean(axis=(1, 2, 3)) / 255 * 2 * np.pi
    return Pose(level, 0 * level, 0 * level)


def files_of(folder):
    """Bytes of all files below a folder, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
