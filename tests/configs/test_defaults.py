"""Claims about ConfigDicts made from typed settings: all of them can be changed, in a file or by a flag."""

from dataclasses import dataclass
from typing import Literal

import pytest
from absl import flags
from ml_collections import ConfigDict, config_flags

from configs.defaults import experiment, to_config
from ganverse_jax import stages
from ganverse_jax.pipeline.settings import Count, Positive, Share, build


@dataclass(frozen=True)
class Oven:
    degrees: Positive = 180  # an int, as a person may write it
    fan: bool = False
    trays: tuple[Count, ...] = (1, 2)


@dataclass(frozen=True)
class Cake:
    layers: Count = 1
    salt: Share | None = 0.5
    start_from: str | None = None
    rounds: Count | None = None
    crop: tuple[int, int] | None = None
    shape: Literal["round", "square"] | None = None
    oven: Oven = Oven()
    spare: Oven | None = None


def parsed(config, *arguments):
    """The settings of `cake` as the command line changes them."""
    values, argv = flags.FlagValues(), ["command", *arguments]
    config_flags.DEFINE_config_dict("config", config, flag_values=values, sys_argv=argv)
    values(argv)
    return build(Cake, values.config.to_dict()["cake"], "cake")


@pytest.fixture
def config():
    return ConfigDict(dict(cake=to_config(Cake())))


def test_an_experiment_has_a_section_per_stage_with_its_defaults():
    config = experiment("cake", seed=3)
    assert (config.object_class, config.seed, config.num_devices) == ("cake", 3, None)
    for name, settings in stages.settings().items():
        if name in stages.EXTRA:
            assert config[name] is None
            continue
        assert build(settings, config[name].to_dict(), name) == settings()
    config.num_devices = 2


def test_a_config_holds_every_default(config):
    assert build(Cake, config.cake.to_dict(), "cake") == Cake()


@pytest.mark.parametrize(
    ("argument", "wanted"),
    [
        ("layers=3", {"layers": 3}),
        ("salt=1", {"salt": 1.0}),
        ("salt=None", {"salt": None}),
        ("start_from=runs/x", {"start_from": "runs/x"}),
        ("start_from=None", {"start_from": None}),
        ("rounds=7", {"rounds": 7}),
        ("rounds=None", {"rounds": None}),
        ("crop=(1, 2)", {"crop": (1, 2)}),
        ("crop=None", {"crop": None}),
        ("shape=square", {"shape": "square"}),
        ("oven.degrees=0.5", {"oven": Oven(degrees=0.5)}),
        ("oven.fan=true", {"oven": Oven(fan=True)}),
        ("oven.trays=(3,)", {"oven": Oven(trays=(3,))}),
        ("oven.trays=3", {"oven": Oven(trays=(3,))}),
    ],
)
def test_the_command_line_changes(argument, wanted, config):
    assert parsed(config, f"--config.cake.{argument}") == Cake(**wanted)


def test_a_flag_and_its_value_may_stand_apart(config):
    assert parsed(config, "--config.cake.layers", "3", "--config.cake.crop", "(1, 2)") == Cake(
        layers=3, crop=(1, 2)
    )


def test_a_setting_that_a_file_takes_away_can_be_set_again(config):
    config.cake.update(salt=None)
    assert parsed(config, "--config.cake.salt=0.25") == Cake(salt=0.25)


def test_a_file_changes_what_differs(config):
    config.cake.update(layers=2, crop=(1, 2), oven=dict(fan=True))
    assert parsed(config) == Cake(layers=2, crop=(1, 2), oven=Oven(fan=True))


def test_a_section_that_is_none_can_be_given_one(config):
    config.cake.spare = to_config(Oven())
    assert parsed(config, "--config.cake.spare.degrees=20.5") == Cake(spare=Oven(degrees=20.5))


def test_what_the_command_line_takes_away_in_vain_is_named(config):
    with pytest.raises(ValueError, match=r"cake\.oven\.degrees = None is no number; set one"):
        parsed(config, "--config.cake.oven.degrees=None")
