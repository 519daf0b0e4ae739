"""Claims about sections of several stages: what does not go together is refused before any stage begins."""

import pytest

from configs import toy_car_round1
from ganverse_jax import stages
from ganverse_jax.data.multiview.set import split_objects
from ganverse_jax.pipeline.experiment import make_world
from ganverse_jax.pipeline.settings import kinds
from ganverse_jax.stages.multiview_dataset.settings import Settings as Dataset
from tests.stages.tiny_world import experiment_with

OTHERS_MASKS = {"perception.segmenter.source": "onnx", "stylegan_r.cycle_mask": "render"}
TRAINED = {"gan.pretrained": None, "perception.pretrained": None}


def refused(**changes) -> str:
    """What is said of the toy cars' experiment with these settings changed."""
    config = toy_car_round1.get_config()
    config.update_from_flattened_dict(changes)
    with pytest.raises(ValueError) as caught:
        stages.experiment_of(config.to_dict())
    return str(caught.value)


@pytest.mark.parametrize("source", ["onnx", "masks"])
def test_masks_that_no_gradient_passes_are_refused_in_the_cycle(source):
    message = refused(**{"perception.segmenter.source": source})
    assert message.startswith("stylegan_r.cycle_mask = 'segment'") and f"source = {source!r}" in message
    assert message.endswith("set stylegan_r.cycle_mask to 'render'")


def test_a_folder_of_masks_is_refused_for_images_without_end():
    message = refused(
        **OTHERS_MASKS | {"perception.segmenter.source": "masks", "inverse_graphics.source": "generator"}
    )
    assert message.startswith("inverse_graphics.source = 'generator'")
    assert message.endswith("set inverse_graphics.source to 'disk'")


def test_a_pose_regressor_that_nobody_trains_is_refused_as_annotator():
    message = refused(**OTHERS_MASKS | {"viewpoints.annotated_by": "pose_regressor"})
    assert message.startswith("viewpoints.annotated_by = 'pose_regressor'")
    assert message.endswith("set viewpoints.annotated_by to 'person'")


def test_an_unknown_class_is_refused_with_the_nearest_one():
    assert refused(object_class="cat") == "object_class = 'cat' is unknown; did you mean 'car'?"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (TRAINED, "gan.data.kind = 'world', and there is no toy world of objects; set gan.data.kind"),
        (TRAINED | {"gan.data.kind": "images"}, "perception.pretrained = None trains on the toy world, and"),
        ({}, "inverse_graphics_posed.num_objects = 160 of the toy world, and there is no toy world of"),
    ],
)
def test_a_class_without_a_toy_world_is_refused_where_one_is_drawn(settings, message):
    assert refused(object_class="generic", **settings).startswith(message)


def test_a_frozen_pose_of_what_has_no_joints_is_refused():
    message = "world.pose = 'frozen', but cars have no joints; set it to 'free'"
    assert refused(**{"world.pose": "frozen"}) == message
    horses = experiment_with("horse", world={"pose": "frozen"})
    assert make_world(horses, 16).settings["pose"] == "frozen"
    assert make_world(experiment_with("horse"), 16).settings["pose"] == "free"


def test_a_section_that_is_no_part_of_the_experiment_agrees_with_all():
    masks = {"segmenter": {"source": "masks"}}
    assert experiment_with("generic", perception=masks, inverse_graphics={}).stages["stylegan_r"] is None


def test_the_fewest_objects_leave_no_split_without_one():
    least = kinds(Dataset)["num_objects"].limit.low
    assert all(len(part) for n in range(least, 100) for part in split_objects(range(n)).values())
    assert not all(len(part) for part in split_objects(range(least - 1)).values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"viewpoints.annotated_by": "camera"},
            "viewpoints.annotated_by = 'camera', but this GAN takes none",
        ),
        (
            {"viewpoints.annotated_by": "person", "multiview_dataset.views_per_object": 500},
            "multiview_dataset.views_per_object = 500 of viewpoints.num_views = 40; set it to that or less",
        ),
        ({"gan.crop": (50, 10)}, "gan.crop = (50, 10) is no range of rows within the 64 of its pictures"),
        ({"gan.crop": (0, 4000)}, "gan.crop = (0, 4000) is no range of rows"),
        ({"seed": 2**70}, f"seed = {2**70}; set it to a number from 0 to {2**32 - 1}"),
    ],
)
def test_what_no_stage_could_serve_is_refused(changes, message):
    trained = {"gan.pretrained": None} if "viewpoints.annotated_by" in changes else {}
    assert refused(**changes | trained).startswith(message)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gan", "gan = None, but viewpoints reads it; give its section, or set viewpoints to None"),
        ("perception", "perception = None, but viewpoints reads it"),
        ("multiview_dataset", "multiview_dataset = None, but stylegan_r reads it"),
        ("inverse_graphics", "inverse_graphics = None, but stylegan_r reads it"),
    ],
)
def test_a_section_that_another_reads_is_not_left_out(name, message):
    config = toy_car_round1.get_config().to_dict() | {name: None}
    with pytest.raises(ValueError) as caught:
        stages.experiment_of(config)
    assert str(caught.value).startswith(message)


def test_a_mistyped_section_is_told_its_neighbour_and_an_empty_experiment_what_it_lacks(tmp_path):
    config = toy_car_round1.get_config().to_dict()
    with pytest.raises(ValueError, match=r"inverse_graphicss is no setting; did you mean inverse_graphics\?"):
        stages.experiment_of(config | {"inverse_graphicss": None})
    empty = stages.experiment_of(config | dict.fromkeys(stages.NAMES))
    with pytest.raises(ValueError, match="every section is None; give one of gan, perception"):
        stages.pipeline(empty, tmp_path).run()
