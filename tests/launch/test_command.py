"""How every command answers a config that cannot be taken, and a setting that its config does not have."""

import pytest

from configs import horse, toy_car
from launch import command

NO_CONFIG = {
    "def get_config(:": "SyntaxError: invalid syntax",
    "x.y = 1": "NameError: name 'x' is not defined",
    "x = 1": "has no attribute 'get_config'",
    "def get_config():\n    return {}": "get_config() returns a dict, not a ConfigDict",
}


def refused(path) -> str:
    with pytest.raises(SystemExit) as caught:
        command.ExperimentParser("config").parse(str(path))
    line = str(caught.value)
    assert line.startswith("error: ") and "\n" not in line
    return line


@pytest.mark.parametrize("path", ["toy_cra", "configs/toy_cra.py", "configs", "defaults", ""])
def test_a_mistyped_config_is_answered_with_the_names_of_ours(path):
    assert f"no config at {path!r}" in (line := refused(path)) and "toy_car, toy_car_long" in line


@pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")  # ml_collections' own
@pytest.mark.parametrize("program", NO_CONFIG)
def test_a_config_that_fails_to_load_ends_in_one_line(tmp_path, program):
    (tmp_path / "mine.py").write_text(program)
    line = refused(tmp_path / "mine.py")
    assert "mine.py gives no config" in line and NO_CONFIG[program] in line and "correct it" in line


@pytest.mark.parametrize("path", ["toy_car", str(command.FOLDER / "toy_car.py")])
def test_a_config_is_found_by_its_name_and_its_path(path):
    assert command.ExperimentParser("config").parse(path).to_dict() == toy_car.get_config().to_dict()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--config.gan.num_stepz=3", "gan.num_stepz is no setting; did you mean gan.num_steps?"),
        ("--config.gann.num_steps=3", "gann is no setting; did you mean gan?"),
        ("--noconfig.gan.miror", "gan.miror is no setting; did you mean gan.mirror?"),
        ("--config.gan.data.foo.x=3", "gan.data.foo is no setting; choose one of enlarge, feature"),
        ("--config.seed.x=3", "seed = 0 holds no settings; leave out --config.seed.x=3"),
        ("--config.inverse_graphics_posed.num_steps=3", "inverse_graphics_posed = None holds no settings"),
    ],
)
def test_an_unknown_setting_is_answered_with_its_path_and_a_remedy(word, message):
    assert command.mistake(word, horse.get_config()).startswith(message)


@pytest.mark.parametrize("word", ["--config.gan.num_steps=3", "--config=gan.x", "--workdir=config.x", "3"])
def test_a_word_that_names_no_wrong_setting_is_no_mistake(word):
    assert command.mistake(word, toy_car.get_config()) is None
