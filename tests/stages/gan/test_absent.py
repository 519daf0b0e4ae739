"""What the GAN stage reads from outside the workdir, and what it says where that is not there."""

import dataclasses
import shutil

import pytest

from ganverse_jax.runtime.shipped import ASSETS
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.gan.settings import Camera, Data, DiscriminatorSize, GeneratorSize, Settings
from tests.stages.tiny_world import run_in

SHIPPED = ASSETS / "toy_car"


def test_finished_networks_are_told_once_with_how_to_get_both(tmp_path):
    settings = Settings(pretrained=str(tmp_path), how_to_get="get both")
    assert gan.absent(settings) == [
        f"gan.pretrained: nothing at '{tmp_path}/generator.safetensors'; get both"
    ]
    shutil.copyfile(SHIPPED / "generator.safetensors", tmp_path / "generator.safetensors")
    assert gan.absent(settings) == [
        f"gan.pretrained: nothing at '{tmp_path}/discriminator.safetensors'; get both"
    ]
    shutil.copyfile(SHIPPED / "discriminator.safetensors", tmp_path / "discriminator.safetensors")
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
        shutil.copyfile(SHIPPED / "discriminator.safetensors", given / f"{name}.safetensors")
    reason = "given/generator.safetensors holds a 'discriminator', not a generator; check the path"
    with pytest.raises(ValueError, match=reason):
        gan.run(run_in(tmp_path / "run"), Settings(pretrained=str(given)))
    (line,) = gan.absent(Settings(pretrained=str(given), how_to_get="get both"))
    assert line.startswith("gan.pretrained: ") and line.endswith(f"{reason}; get both")


def test_networks_of_other_sizes_are_told_before_a_training_starts_from_them():
    sizes = dict(generator=GeneratorSize(), discriminator=DiscriminatorSize())
    assert gan.absent(Settings(start_from="toy_car", **sizes)) == []
    sizes["generator"] = dataclasses.replace(sizes["generator"], mapping_layers=2)
    (line,) = gan.absent(Settings(start_from="toy_car", **sizes))
    assert line.startswith("gan.start_from: the networks in ") and "not those of the config" in line


def test_a_teacher_that_lacks_a_network_is_told_by_the_file(tmp_path):
    shutil.copytree(SHIPPED / "inverse_graphics", tmp_path / "inverse_graphics")
    (line,) = gan.absent(Settings(camera=Camera(str(tmp_path))))
    assert line.startswith("gan.camera.teacher: no weights at ") and "pose_regressor.safetensors" in line
    shutil.copyfile(SHIPPED / "segmenter.safetensors", tmp_path / "pose_regressor.safetensors")
    (line,) = gan.absent(Settings(camera=Camera(str(tmp_path))))
    assert "holds 'segmenter', not a pose regressor" in line and "the stage self_labels left" in line
