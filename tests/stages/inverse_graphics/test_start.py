"""What the network starts from: an imported encoder, and no silent substitute for a missing one."""

import numpy as np
import pytest

from ganverse_jax.models.features.lpips import LAYERS, TAPS
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.pipeline.settings import build
from ganverse_jax.stages.inverse_graphics import start as inverse_graphics_start
from ganverse_jax.stages.inverse_graphics.settings import Network, PerceptualSource, Training
from ganverse_jax.stages.inverse_graphics.start import absent, starting_network
from tests.interchange.conftest import torch_file

SMALL = dict(
    icosphere_level=1, encoder_width=8, encoder_blocks=(1,), code_size=8, shape_hidden=8, texture_size=8,
    texture_channels=(4,),
)  # fmt: skip


@pytest.mark.parametrize(("architecture", "path"), [("resnet18", None), ("residual", "resnet18.pth")])
def test_a_resnet_and_its_file_go_together(architecture, path):
    settings = {"network": {"encoder_architecture": architecture}, "encoder_weights": path}
    with pytest.raises(
        ValueError, match="inverse_graphics.encoder_weights = .*starts from torchvision's file"
    ):
        build(Training, settings, "inverse_graphics")


def test_absent_files_say_what_to_get_under_which_licence_and_which_setting_to_correct(tmp_path):
    training = Training(
        network=Network(encoder_architecture="resnet50"),
        encoder_weights="no/resnet50.pth",
        perceptual=PerceptualSource("lpips", "no/vgg.pth", "no/lpips.pth"),
    )
    vgg, lpips, source, encoder = absent(training, "inverse_graphics")
    assert vgg.startswith(
        "inverse_graphics.perceptual.vgg: nothing at 'no/vgg.pth'; get torchvision's vgg16-397"
    )
    assert "BSD-3-Clause" in vgg and source == (
        "inverse_graphics.perceptual.source = 'lpips': 'discriminator' (the GAN's own features) or 'none' "
        "takes no such files"
    )
    assert lpips.startswith(
        "inverse_graphics.perceptual.lpips: nothing at 'no/lpips.pth'; get weights/v0.1/vgg"
    )
    assert encoder.startswith(
        "inverse_graphics.encoder_weights: nothing at 'no/resnet50.pth'; get torchvision's"
    )
    assert absent(Training(), "x") == []


def test_weights_of_another_kind_are_told_by_the_array_that_does_not_fit(tmp_path):
    shapes = {f"lin{i}.model.1.weight": (1, LAYERS[index], 1, 1) for i, index in enumerate(TAPS)}
    linear = torch_file(tmp_path / "lin.pth", {name: np.ones(shape, "f4") for name, shape in shapes.items()})
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n")
    swapped = Training(
        network=Network(encoder_architecture="resnet18"),
        encoder_weights=str(linear),
        perceptual=PerceptualSource("lpips", str(linear), str(tmp_path / "photo.png")),
    )
    vgg, lpips, _, encoder = absent(swapped, "inverse_graphics")
    assert vgg.startswith("inverse_graphics.perceptual.vgg: ") and vgg.count("vgg16-397923af.pth") == 1
    assert "lin.pth: no VGG16" in vgg and "features.0.weight is not among the 5 arrays" in vgg
    assert "no PyTorch file (it begins with b'\\x89PNG')" in lpips and "get weights/v0.1/vgg.pth" in lpips
    assert "lin.pth: no ResNet-18" in encoder and "resnet18-f37072fd.pth" in encoder
    right = PerceptualSource("lpips", str(tmp_path / "none"), str(linear))
    vgg, _ = absent(Training(perceptual=right), "inverse_graphics")
    assert "perceptual.vgg: nothing at" in vgg


def test_imported_parameters_replace_the_encoders_and_nothing_else(monkeypatch):
    seen, fresh = [], {"encoder": {"conv1": 0}, "code": {"kernel": 1}}
    imported = {"conv1": 2, "mask_stem": 3}
    monkeypatch.setattr(inverse_graphics_start, "load_resnet", lambda *a: seen.append(a) or imported)
    monkeypatch.setattr(inverse_graphics_start, "init_network", lambda *a: fresh)
    network = InverseGraphics(**SMALL, encoder_architecture="resnet18")
    params = starting_network(network, (128, 128), 3, "resnet18.pth")
    assert seen == [("resnet18.pth", 18)] and params == {"encoder": imported, "code": {"kernel": 1}}
