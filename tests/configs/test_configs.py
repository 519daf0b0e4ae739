"""Claims about the experiments: the paper's numbers, overrides, and clear stops where weights are missing."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganverse_jax.stages import pipeline

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
    assert training.weights.to_dict() == wanted
    phases = config.stylegan_r.warmup, config.stylegan_r.finetune
    assert [(phase.num_steps, phase.batch_size) for phase in phases] == [(700, 16), (2500, 16)]
    assert all(rate == 1e-5 for phase in phases for rate in phase.learning_rates.values())
    assert config.stylegan_r.mapper.view_dims == 144


@pytest.mark.parametrize("name", ["toy_car", "car", "horse", "bird", "posed_folder"])
def test_every_config_has_a_section_per_stage(name):
    config = importlib.import_module(f"configs.{name}").get_config()
    assert set(pipeline.STAGES) <= set(config.keys())


def test_a_real_class_without_weights_stops_at_once_and_says_how_to_get_them(tmp_path):
    done = _train(tmp_path, "--config=configs/car.py")
    assert done.returncode == 1
    assert "no GAN weights at weights/stylegan2_car" in done.stderr
    assert "launch.import_stylegan2" in done.stderr and "License" in done.stderr


def test_a_mistyped_setting_is_answered_with_a_suggestion(tmp_path):
    done = _train(tmp_path, "--config=configs/toy_car.py", "--config.gan.batch_sise=8")
    assert done.returncode != 0 and "batch_size" in done.stderr


def test_a_mistyped_stage_is_answered_with_a_suggestion(tmp_path):
    done = _train(tmp_path, "--config=configs/toy_car.py", "--stages=gam")
    assert done.returncode == 1 and "did you mean 'gan'?" in done.stderr
