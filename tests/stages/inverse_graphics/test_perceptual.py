"""The settings of the perceptual term: what each chooses, and that nothing stands in for a missing file."""

import pytest

from ganverse_jax.pipeline.settings import build
from ganverse_jax.stages.inverse_graphics import perceptual as inverse_graphics_perceptual
from ganverse_jax.stages.inverse_graphics.perceptual import make_perceptual
from ganverse_jax.stages.inverse_graphics.settings import PerceptualSource


def test_no_blocks_and_no_source_leave_the_term_out(tmp_path):
    assert make_perceptual(tmp_path, 0, PerceptualSource()) is None
    assert make_perceptual(tmp_path, 4, PerceptualSource("none")) is None


def test_a_missing_vgg_says_what_to_get_under_which_licence(tmp_path):
    with pytest.raises(FileNotFoundError, match="no/vgg.pth; get torchvision's vgg16-397923af.pth .BSD-3-Cl"):
        make_perceptual(tmp_path, 4, PerceptualSource("lpips", "no/vgg.pth", "no/lpips.pth"))


def test_a_path_that_is_not_set_is_named():
    with pytest.raises(ValueError, match="perceptual.lpips = ''"):
        build(PerceptualSource, {"source": "lpips", "lpips": ""}, "inverse_graphics.perceptual")


def test_a_mistyped_source_is_named():
    with pytest.raises(ValueError, match="perceptual.source = 'vgg'; choose one of"):
        build(PerceptualSource, {"source": "vgg"}, "inverse_graphics.perceptual")


def test_the_files_reach_the_distance_in_their_order(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(inverse_graphics_perceptual, "load_lpips", lambda *paths: seen.append(paths) or {})
    assert callable(make_perceptual(tmp_path, 0, PerceptualSource("lpips", "a.pth", "b.pth")))
    assert seen == [("a.pth", "b.pth")]
