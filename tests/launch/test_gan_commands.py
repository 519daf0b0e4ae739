"""The commands that look at a GAN, on the shipped one, from the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def launch(name, workdir, *arguments, config="toy_car"):
    command = [sys.executable, "-m", f"launch.{name}", f"--config={config}", f"--workdir={workdir}"]
    return subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=900)


@pytest.mark.slow
def test_the_layers_of_the_shipped_gan_are_shown_and_measured(tmp_path):
    few = ("--num_samples=2", "--num_views=4", "--num_contents=4")
    done = launch("visualize_layers", tmp_path, *few, config="toy_car_round1")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "layers" / "index.html").exists() and (tmp_path / "layers" / "layers.json").exists()
    assert "| 4 |" in done.stdout and "identity agreement" in done.stdout


@pytest.mark.slow
def test_the_shipped_gan_is_evaluated_with_labelled_proxies(tmp_path):
    done = launch("evaluate_gan", tmp_path, "--num_images=400", "--num_paths=32")
    assert done.returncode == 0, done.stderr
    assert "toy_frechet_distance" in done.stdout and "toy proxy, not FID" in done.stdout
    assert (tmp_path / "gan_evaluation.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "argument", "message"),
    [
        ("evaluate_gan", "--inception=nowhere.pth", "error: no weights at nowhere.pth; get pt_inception"),
        ("evaluate_gan", "--config.gan.pretrained=nowhere", "error: no generator"),
        ("visualize_layers", "--num_views=1", "error: num_views = 1"),
        ("visualize_layers", "--num_views=2", "is told its camera, so no layers hold a view"),
    ],
)
def test_mistakes_end_in_a_line_that_says_what_to_do(tmp_path, name, argument, message):
    done = launch(name, tmp_path, argument)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
