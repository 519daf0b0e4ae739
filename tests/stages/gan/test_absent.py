"""What the GAN stage reads from outside the workdir, and what it says where that is not there."""

import dataclasses
import shutil

import pytest

from ganverse_jax.runtime.shipped import ASSETS
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.gan.settings import Camera, Data, Settings
from tests.stages.tiny_world import run_in


def test_finished_networks_are_told_once_with_how_to_get_both(tmp_path):
    settings = Settings(pretrained=str(tmp_path), how_to_get="get both")
    assert gan.absent(settings) == [
        f"gan.pretrained: nothing at '{tmp_path}/generator.safetensors'; get both"
    ]
    (tmp_path / "generator.safetensors").touch()
    assert gan.absent(settings) == [
        f"gan.pretrained: nothing at '{tmp_path}/discriminator.safetensors'; get both"
    ]
    (tmp_path / "discriminator.safetensors").touch()
    assert gan.absent(settings) == []
    assert gan.absent(Settings(pretrained="toy_car")) == []


def test_a_training_is_told_of_its_pictures_and_of_the_networks_it_starts_from(tmp_path):
    settings = Settings(data=Data("images", "nowhere"), start_from="nothing")
    (teacher,) = gan.absent(Settings(camera=Camera("no")))
    assert (
        teacher == "gan.camera.teacher: nothing at 'no'; set it to the folder that the stage self_labels left"
    )
    networks, pictures = gan.absent(settings)
    assert networks.startswith("gan.start_from: nothing at 'nothing/generator.safetensors'; correct it")
    assert pictures == "gan.data.path: nothing at 'nowhere'; set it to where the pictures are"
    assert gan.absent(dataclasses.replace(settings, data=Data("lsun", ""), start_from=None)) == [
        "gan.data.path: nothing at ''; set it to where the pictures are"
    ]
    assert (
        gan.absent(dataclasses.replace(settings, data=Data("images", str(tmp_path)), start_from=None)) == []
    )
    assert gan.absent(Settings()) == []


def test_a_network_of_another_kind_is_told_of_the_file_itself_not_of_its_copy(tmp_path):
    given = tmp_path / "given"
    given.mkdir()
    for name in ("generator", "discriminator"):
        shutil.copyfile(ASSETS / "toy_car" / "discriminator.safetensors", given / f"{name}.safetensors")
    with pytest.raises(
        ValueError, match="given/generator.safetensors holds a 'discriminator', not a generator"
    ):
        gan.run(run_in(tmp_path / "run"), Settings(pretrained=str(given)))
