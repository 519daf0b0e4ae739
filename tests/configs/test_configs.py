"""Claims about the experiments: the paper's numbers, overrides, and clear stops where weights are missing."""

import dataclasses
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ml_collections import ConfigDict

from ganverse_jax import stages
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.stylegan2.networks import Discriminator, Generator
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.gan.data import real_images

ROOT = Path(__file__).parents[2]


CONFIGS = (
    "toy_car",
    "toy_car_long",
    "toy_car_labels",
    "toy_car_round1",
    "toy_horse",
    "toy_bird",
    "car",
    "horse",
    "bird",
    "posed_folder",
    "pascal3d_car",
)


def experiment_of(name):
    return stages.experiment_of(importlib.import_module(f"configs.{name}").get_config().to_dict())


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
    options = {"flow": 2.0, "residual": 0.1, "labelled": 0.5}  # that the paper has not
    assert training.weights.to_dict() == wanted | options
    assert training.network.texture == "decoded" and not training.camera_residual
    assert training.perceptual.source == "lpips"  # VGG features, Sec. 3.2
    phases = config.stylegan_r.warmup, config.stylegan_r.finetune
    assert [(phase.num_steps, phase.batch_size) for phase in phases] == [(700, 16), (2500, 16)]
    assert all(rate == 1e-5 for phase in phases for rate in phase.learning_rates.values())
    assert config.stylegan_r.mapper.view_dims == 144


@pytest.mark.parametrize("name", ["car", "horse", "bird"])
def test_a_person_sees_views_after_two_hours_of_mask_rcnn_on_a_cpu(name):
    viewpoints = experiment_of(name).stages["viewpoints"]
    assert viewpoints.num_candidates >= 4 * viewpoints.num_views
    assert viewpoints.num_candidates * viewpoints.num_contents <= 2 * 3600 / 5.5  # seconds each


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_is_an_experiment_whose_networks_can_be_made(name):
    experiment = experiment_of(name)
    assert list(experiment.stages) == list(stages.NAMES)
    gan, training = experiment.stages["gan"], experiment.stages["inverse_graphics"]
    if gan is not None and gan.generator is not None:
        Generator(**plain(gan.generator)), Discriminator(**plain(gan.discriminator))
    InverseGraphics(**plain(training.network))


@pytest.mark.parametrize("name", ["toy_car", "toy_horse", "toy_bird", "car", "horse", "bird", "posed_folder"])
def test_every_setting_that_is_none_can_be_set_on_the_command_line(name):
    """ml_collections refuses to override a plain None: a placeholder knows its type."""
    config = importlib.import_module(f"configs.{name}").get_config()
    sections = {
        "gan.generator",
        "gan.discriminator",
        "gan.camera",
    }  # whole sections of settings; a config of one's own

    def untyped(node, prefix):
        for key in node:
            path = f"{prefix}{key}"
            if isinstance(node.get(key), ConfigDict):
                yield from untyped(node[key], f"{path}.")
            elif node.get(key) is None and node.get_type(key) is type(None):
                yield path

    assert set(untyped(config, "")) <= sections | set(stages.NAMES)


def test_a_real_class_without_its_files_stops_at_once_and_lists_them_with_how_to_get_them(tmp_path):
    done = _train(tmp_path, "--config=configs/car.py")
    assert done.returncode == 1
    for setting, path in (
        ("gan.pretrained", "weights/stylegan2_car/generator.safetensors"),
        ("perception.segmenter.path", "weights/mask_rcnn.onnx"),
        ("inverse_graphics.perceptual.vgg", "weights/vgg16-397923af.pth"),
        ("inverse_graphics.perceptual.lpips", "weights/lpips_vgg.pth"),
    ):
        assert f"\n  {setting}: nothing at '{path}'; get" in done.stderr
    assert "launch.import_stylegan2" in done.stderr and "License" in done.stderr


def test_a_gan_without_training_settings_says_so_when_it_shall_be_trained(tmp_path):
    experiment = experiment_of("horse")
    settings = dataclasses.replace(experiment.stages["gan"], pretrained=None)
    run = Run(tmp_path, 0, None, None, "horse", experiment.world)
    with pytest.raises(ValueError, match="configs/bird.py shows"):
        gan.run(run, settings)


def test_missing_pictures_are_named_with_the_setting(tmp_path):
    experiment = experiment_of("bird")
    with pytest.raises(FileNotFoundError, match="at data/nabirds/images; correct gan.data.path"):
        real_images(tmp_path, 256, experiment.stages["gan"].data, shared=experiment, num_images=1)


def test_a_mistyped_setting_is_answered_with_a_suggestion(tmp_path):
    done = _train(tmp_path, "--config=configs/toy_car.py", "--config.gan.batch_sise=8")
    assert done.returncode != 0 and "batch_size" in done.stderr


def test_a_mistyped_stage_is_answered_with_a_suggestion(tmp_path):
    done = _train(tmp_path, "--config=configs/toy_car.py", "--stages=gam")
    assert done.returncode == 1 and "did you mean 'gan'?" in done.stderr
