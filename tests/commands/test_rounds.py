"""Claims about the loop's rounds: what each takes from the one before, and the table of all."""

import dataclasses
from pathlib import Path

import pytest

from configs import toy_car, toy_car_labels
from ganverse_jax import stages
from ganverse_jax.commands.rounds import command as rounds


def _first():
    return stages.experiment_of(toy_car_labels.get_config().to_dict())


def _later(**gan):
    config = toy_car.get_config().to_dict()
    return config | {"gan": config["gan"] | gan}


def test_every_round_is_taught_by_the_one_before_and_trains_its_gan_on():
    first, second, third = rounds.experiments(_first(), _later(), Path("loop"), 3)
    assert first == _first()
    for number, experiment in ((1, second), (2, third)):
        settings = experiment.stages["gan"]
        assert settings.camera.teacher == f"loop/round{number}/self_labels"
        assert (settings.start_from, settings.pretrained) == (f"loop/round{number}/gan", None)
        labelled = experiment.stages["inverse_graphics"].labelled
        assert labelled.labels == f"loop/round{number}/self_labels"
    # The last teaches nobody; those between label by their own networks.
    assert third.stages["self_labels"] is None
    assert second.stages["self_labels"] == dataclasses.replace(first.stages["self_labels"], network=None)


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({"count": 1}, "--rounds=1 is no loop"),
        ({"first": dataclasses.replace(_first(), stages=_first().stages | {"self_labels": None})},
         "--config has no self_labels section"),
        ({"later": _later(camera=None)}, "the GAN of --later takes no camera"),
    ],
)  # fmt: skip
def test_what_makes_no_loop_is_refused_before_a_round_begins(changed, shown, tmp_path):
    asked = {"first": _first(), "later": _later(), "workdir": tmp_path, "count": 2} | changed
    with pytest.raises(ValueError, match=shown):
        rounds.run(**asked)
    assert not list(tmp_path.iterdir())


def test_a_round_is_measured_again_only_when_a_stage_of_it_is_another(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(rounds, "measure", lambda *_: calls.append(1) or {"real": {"chamfer": 0.05}})
    first, second = tmp_path / "round1", tmp_path / "round2"
    for folder, name in ((first, "inverse_graphics_posed"), (second, "gan")):
        (folder / name).mkdir(parents=True)
        (folder / name / "DONE.json").write_text('{"digest": "ab"}')
    for _ in range(2):
        assert rounds.measured(_first(), second, first) == {"real": {"chamfer": 0.05}}
    assert len(calls) == 1
    for folder, name in (
        (second, "gan"),
        (first, "inverse_graphics_posed"),
    ):  # its network measures both rounds
        (folder / name / "DONE.json").write_text('{"digest": "cd"}')
        rounds.measured(_first(), second, first)
    assert len(calls) == 3


def test_the_table_has_a_column_per_round_and_no_row_that_nobody_measured():
    first = {"inverse_graphics": {"iou_2d": 0.9}, "self_labels": {"errors": {"network": {"within_15": 0.98}}}}
    second = {"inverse_graphics": {"iou_2d": 0.95}, "codes": {"commanded": {"azimuth_error": 7.0}}}
    lines = rounds.table([first, second]).splitlines()
    assert lines[0] == "| figure | round 1 | round 2 |"
    assert "| 2D IOU, input's view | 0.900 | 0.950 |" in lines
    assert "| self-labels: within 15 degrees | 0.980 |  |" in lines
    assert "| commanded azimuth, mean error (degrees) |  | 7.000 |" in lines
    assert len(lines) == 5
