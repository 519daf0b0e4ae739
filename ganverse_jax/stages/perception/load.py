"""What the perception stage left, or was shipped, ready to call: inference, without a training in sight."""

from pathlib import Path
from typing import NamedTuple

from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor
from ganverse_jax.models.perception.segmenter import LearnedSegmenter, Segmenter
from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.stages.perception import sources

NAME = "perception"
FILES = ("segmenter.safetensors", "pose_regressor.safetensors")
SOURCE = "segmenter.json"  # in place of the first file, where masks come from elsewhere


class Perception(NamedTuple):
    """The stage's result, ready to call on uint8 images; a real class has no pose regressor.

    Only a `LearnedSegmenter` can be trained through (stylegan_r.cycle_mask="segment").
    """

    segmenter: Segmenter
    pose_regressor: LearnedPoseRegressor | None


def load(workdir: Path) -> Perception:
    """The networks of a finished stage. Raises FileNotFoundError when it has not run."""
    return load_folder(Path(workdir) / NAME)


def load_folder(folder: Path) -> Perception:
    """The networks of any folder with a segmenter.safetensors, and maybe a pose_regressor.safetensors.

    A segmenter.json instead tells where masks come from (see `sources`).
    """
    regressor, source = folder / FILES[1], folder / SOURCE
    segmenter = (
        sources.make_segmenter(read_json(source))
        if source.is_file()
        else LearnedSegmenter.load(folder / FILES[0])
    )
    return Perception(segmenter, LearnedPoseRegressor.load(regressor) if regressor.is_file() else None)
