"""Claims about the experiments: the paper's numbers, overrides, and clear stops where weights are missing."""

import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ml_collections import ConfigDict

from ganverse_jax.data.images.training import open_source
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.stylegan2.networks import Discriminator, Generator
from ganverse_jax.pipeline import run as pipeline
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.gan.data import real_images
from ganverse_jax.stages.gan.step import GanSettings
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics.perceptual import make_perceptual
from ganverse_jax.stages.inverse_graphics.step import make_step, make_step_at

ROOT = Path(__file__).parents[2]


def _train(tmp_path, *arguments):
    command = [sys.executable, "-m", "launch.train", f"--workdir={tmp_path / 'run'}", *arguments]
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=600)


@pytest.mark.parametrize(
    ("name", "views", "objects"), [("car", 39, 6000), ("horse", 22, 1000), ("bird", 8, 1000)]
)
def test_real_classes_have_the_papers_numbers(name, views, objects):
    config = importlib.import_module(f"configs.{name}").get_config()
    assert config.viewpoints.num_views == views and config.multiview_dataset.num_objects == objects
    training = config.inverse_graphics
    assert (training.num_steps, training.batch_size, training.learning_rate) == (200_000, 16, 1e-4)
    assert training.perceptual_start == 3000
    wanted = {"iou": 3, "colour": 20, "laplacian": 5, "flatten": 5, "movement": 2.5, "perceptual": 0.5}
    assert training.weights.to_dict() == wanted | {"flow": 2.0}  # of the texture flow, an option
    assert training.perceptual.source == "lpips"  # VGG features, Sec. 3.2
    phases = config.stylegan_r.warmup, config.stylegan_r.finetune
    assert [(phase.num_steps, phase.batch_size) for phase in phases] == [(700, 16), (2500, 16)]
    assert all(rate == 1e-5 for phase in phases for rate in phase.learning_rates.values())
    assert config.stylegan_r.mapper.view_dims == 144


@pytest.mark.parametrize("name", ["toy_car", "car", "horse", "bird", "posed_folder", "pascal3d_car"])
def test_inverse_graphics_knows_all_its_settings_in(name):
    settings = importlib.import_module(f"configs.{name}").get_config().inverse_graphics.to_dict()
    InverseGraphics(**settings["network"])
    inspect.signature(make_perceptual).bind(None, 4, **settings["perceptual"])
    functions = (inverse_graphics.run, inverse_graphics.train, make_step, make_step_at)
    assert settings.keys() <= {name for f in functions for name in inspect.signature(f).parameters}


@pytest.mark.parametrize("name", ["toy_car", "car", "horse", "bird", "posed_folder", "pascal3d_car"])
def test_every_config_has_a_section_per_stage(name):
    config = importlib.import_module(f"configs.{name}").get_config()
    assert set(pipeline.STAGES) <= set(config.keys())


@pytest.mark.parametrize("name", ["toy_car", "car", "horse", "bird", "posed_folder"])
def test_every_setting_that_is_none_can_be_set_on_the_command_line(name):
    """ml_collections refuses to override a plain None: a placeholder knows its type."""
    config = importlib.import_module(f"configs.{name}").get_config()
    sections = {"gan.generator", "gan.discriminator"}  # whole sections of settings; a config of one's own

    def untyped(node, prefix):
        for key in node:
            path = f"{prefix}{key}"
            if isinstance(node.get(key), ConfigDict):
                yield from untyped(node[key], f"{path}.")
            elif node.get(key) is None and node.get_type(key) is type(None):
                yield path

    assert set(untyped(config, "")) <= sections | set(pipeline.STAGES)


def test_a_real_class_without_weights_stops_at_once_and_says_how_to_get_them(tmp_path):
    done = _train(tmp_path, "--config=configs/car.py")
    assert done.returncode == 1
    assert "no GAN weights at weights/stylegan2_car" in done.stderr
    assert "launch.import_stylegan2" in done.stderr and "License" in done.stderr


@pytest.mark.parametrize("name", ["toy_car", "bird"])
def test_a_gan_can_be_trained_with_the_settings_of(name):
    settings = importlib.import_module(f"configs.{name}").get_config().gan.to_dict()
    known = inspect.signature(gan.train).parameters.keys() | inspect.signature(gan.run).parameters.keys()
    assert settings.keys() - known <= set(GanSettings._fields)
    inspect.signature(gan.train).bind(None, seed=0, mesh=None, metrics=None, world={}, **settings)
    Generator(**settings["generator"]), Discriminator(**settings["discriminator"])
    known = (
        inspect.signature(real_images).parameters.keys() | inspect.signature(open_source).parameters.keys()
    )
    assert settings["data"].keys() <= known


def test_a_gan_without_training_settings_says_so_when_it_shall_be_trained(tmp_path):
    settings = importlib.import_module("configs.horse").get_config().gan.to_dict() | {"pretrained": None}
    with pytest.raises(ValueError, match="configs/bird.py shows"):
        gan.run(tmp_path, seed=0, mesh=None, metrics=None, world={}, **settings)


@pytest.mark.parametrize("name", ["toy_car", "bird"])
def test_every_setting_of_the_data_can_be_changed_on_the_command_line(name):
    # ml_collections cannot override a value that is None.
    assert None not in importlib.import_module(f"configs.{name}").get_config().gan.data.to_dict().values()


def test_missing_pictures_are_named_with_the_setting(tmp_path):
    data = importlib.import_module("configs.bird").get_config().gan.data.to_dict()
    with pytest.raises(FileNotFoundError, match="at data/nabirds/images; correct gan.data.path"):
        real_images(tmp_path, 256, {}, None, **data)


def test_a_mistyped_setting_is_answered_with_a_suggestion(tmp_path):
    done = _train(tmp_path, "--config=configs/toy_car.py", "--config.gan.batch_sise=8")
    assert done.returncode != 0 and "batch_size" in done.stderr


def test_a_mistyped_stage_is_answered_with_a_suggestion(tmp_path):
    done = _train(tmp_path, "--config=configs/toy_car.py", "--stages=gam")
    assert done.returncode == 1 and "did you mean 'gan'?" in done.stderr
