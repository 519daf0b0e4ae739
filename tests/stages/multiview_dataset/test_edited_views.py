"""Claims about views that a person edits after the set was made from them: never silently ignored."""

import re

import pytest

from ganverse_jax import stages as house
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.runtime.checkpoint import read_json, write_json
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset
from ganverse_jax.stages.viewpoints import stage as viewpoints
from tests.stages.tiny_world import DATASET


@pytest.fixture
def edited(stages):
    """A finished set, and a bin that was corrected later."""
    stages(viewpoints)
    workdir = stages(multiview_dataset)
    multiview_dataset.check_views(workdir)
    path = viewpoints.path_of(workdir)
    content = read_json(path)
    content["views"][1]["azimuth_bin"] = (content["views"][1]["azimuth_bin"] + 1) % 12
    write_json(path, content)
    return workdir


def pipeline_of(workdir, **sections):
    """Of an experiment that has no other stages."""
    experiment = Experiment("car", num_devices=1, stages=dict.fromkeys(house.NAMES) | sections)
    return house.pipeline(experiment, workdir)


def test_readers_of_the_set_name_the_file_and_what_to_make_again(edited):
    (edited / "inverse_graphics").mkdir()
    wanted = (
        rf"{re.escape(str(edited))}/viewpoints/viewpoints.json has other views.*delete .*/multiview_dataset "
        "and .*/inverse_graphics and run launch.train without --stages, or with "
        "--stages=multiview_dataset,inverse_graphics,report$"
    )
    with pytest.raises(ValueError, match=wanted):
        multiview_dataset.open_set(edited, "tiny")


def test_a_finished_stage_is_not_skipped_over_them(edited):
    pipeline = pipeline_of(edited, multiview_dataset=DATASET)
    digest = pipeline.digest("multiview_dataset")
    write_json(edited / "multiview_dataset" / "DONE.json", {"digest": digest})
    with pytest.raises(ValueError, match="viewpoints.json has other views than the multi-view set"):
        pipeline.run()


@pytest.mark.parametrize("name", ["inverse_graphics", "report"])
def test_a_stage_run_alone_does_not_pass_over_them(edited, name):
    write_json(edited / "multiview_dataset" / "DONE.json", {"digest": "of the former views"})
    pipeline = pipeline_of(edited, **{name: house.settings()[name]()})
    with pytest.raises(ValueError, match="viewpoints.json has other views than the multi-view set"):
        pipeline.run([name])


def test_the_set_made_again_holds_the_new_views(edited, stages):
    stages(multiview_dataset)
    bins = [view["azimuth_bin"] for view in read_json(viewpoints.path_of(edited))["views"]]
    assert [view["azimuth_bin"] for view in multiview_dataset.open_set(edited).views] == bins
