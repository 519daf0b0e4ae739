"""Claims about experiments: what their sections are, and that all of them are checked."""

from dataclasses import dataclass

import pytest

from ganverse_jax.pipeline.experiment import build_experiment, plain_experiment
from ganverse_jax.pipeline.settings import Count


@dataclass(frozen=True)
class Settings:
    num_steps: Count = 3


STAGES = {"gan": Settings, "report": Settings}
CONFIG = {"object_class": "cake", "gan": {"num_steps": 5}, "report": None}


def test_an_experiment_is_what_its_sections_say_and_goes_back_to_them():
    experiment = build_experiment(CONFIG, STAGES)
    assert experiment.stages == {"gan": Settings(5), "report": None}
    assert build_experiment(plain_experiment(experiment), STAGES) == experiment


def test_a_section_that_is_missing_is_named():
    with pytest.raises(ValueError, match=r"lacks the sections \['report'\]"):
        build_experiment({"object_class": "cake", "gan": {}}, STAGES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sed": 1}, "sed is no setting; did you mean seed"),
        ({"world": {"fov_degrees": 190.0}}, r"world.fov_degrees = 190.0; set it above 0 and below 180"),
        ({"num_devices": 0}, "num_devices = 0; set it to 1 or more"),
        ({"report": {"num_step": 1}}, "report.num_step is no setting; did you mean report.num_steps"),
        ({"gan": {"num_steps": float("nan")}}, "gan.num_steps = nan is no finite number"),
    ],
)
def test_a_mistake_in_any_section_is_named_by_its_path(change, message):
    with pytest.raises(ValueError, match=message):
        build_experiment(CONFIG | change, STAGES)
