"""The held-out pictures of a run, wherever its training images came from."""

from pathlib import Path

from ganverse_jax import stages
from ganverse_jax.data.multiview.posed_folder import read_posed_folder
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.pipeline.workdir import recorded_config
from ganverse_jax.stages.inverse_graphics.pascal3d_source import open_release
from ganverse_jax.stages.inverse_graphics_posed.stage import one_image_each, posed_set
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset

_DEPTH = 3  # a training of a comparison lies in RUN/<stage>/<model>


def held_out(run: str | Path, limit: int | None = None) -> MultiviewSet:
    """One picture each of the (first `limit`) test objects of the run in or above the folder `run`.

    They are those of its posed folder, its Pascal3D+, its multi-view set, or its posed toy world. Raises
    FileNotFoundError where no run is, ValueError for one without any of these, and whatever reading raises.
    """
    run = Path(run)
    workdir = next(
        (f for f in [run, *run.absolute().parents][:_DEPTH] if (f / "config.json").is_file()), None
    )
    if workdir is None:
        raise FileNotFoundError(
            f"no config.json in {run} or above it tells test pictures; pass a run or photos, --inputs=FOLDER"
        )
    test = _source(workdir, stages.experiment_of(recorded_config(workdir))).split("test", limit)
    return one_image_each(test, len(test))


def _source(workdir: Path, experiment: Experiment):
    settings = experiment.stages["inverse_graphics"]
    if settings is not None and settings.posed_folder:
        return read_posed_folder(settings.posed_folder, settings.posed_size).multiview
    if settings is not None and settings.pascal3d:
        return open_release(settings.pascal3d, settings.pascal3d_reader, experiment.object_class).multiview
    if multiview_dataset.folder_of(workdir).is_dir():
        return multiview_dataset.open_set(workdir)
    if experiment.stages["inverse_graphics_posed"] is not None:
        return posed_set(experiment, experiment.stages["inverse_graphics_posed"])[1]
    raise ValueError(
        f"{workdir} has no multi-view set on disk, no posed pictures and no posed toy world to take test "
        "pictures from; pass a folder of photos, --inputs=FOLDER"
    )
