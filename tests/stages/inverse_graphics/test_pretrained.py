"""A finished network in place of a training: taken as it is, and refused for views that are not its own."""

import re
import shutil

import numpy as np
import pytest

from ganverse_jax.models.inverse_graphics.stored import FILE, load_folder
from ganverse_jax.runtime.shipped import ASSETS
from ganverse_jax.stages.inverse_graphics import pretrained
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics.settings import Settings

SET = "toy_car_round2"
FOLDER = ASSETS / SET / "inverse_graphics"


@pytest.fixture(scope="module")
def shipped():
    return load_folder(FOLDER, "")


def views(shipped, **changes):
    """Cameras near the network's own, as its views' were before it moved them."""
    azimuth = shipped[1]["cameras"]["azimuth"] + np.radians(5) * np.resize([-1, 1], 48)
    return {"azimuth": azimuth} | changes


def test_the_file_is_copied_and_its_parameters_are_those_in_it(shipped, tmp_path):
    module, params, metadata = pretrained.take(
        SET, tmp_path / "new", views(shipped), shipped[2]["fingerprint"]
    )
    assert (tmp_path / "new" / FILE).read_bytes() == (FOLDER / FILE).read_bytes()
    assert (module, metadata) == (shipped[0], shipped[2])
    np.testing.assert_array_equal(params["cameras"]["azimuth"], shipped[1]["cameras"]["azimuth"])


def test_azimuths_are_compared_round_the_circle(shipped, tmp_path):
    turned = views(shipped, azimuth=views(shipped)["azimuth"] + 2 * np.pi)
    pretrained.take(SET, tmp_path, turned, None)
    assert (tmp_path / FILE).is_file()


@pytest.mark.parametrize(
    ("change", "fingerprint", "message"),
    [
        (
            lambda a: a,
            "0123",
            "trained on pictures of the GAN 62bc37fcf67c2a10, and this run's is 0123",
        ),
        (lambda a: a[:40], None, "has cameras of 48 views, and this run 40; give its own annotation"),
        (
            lambda a: a[::-1],
            None,
            r"stand \d+ degrees off this run's views in the mean; give",
        ),
    ],
)
def test_a_network_of_another_gan_or_of_other_views_is_refused(
    shipped, tmp_path, change, fingerprint, message
):
    azimuth = change(views(shipped)["azimuth"])
    with pytest.raises(ValueError, match=f"inverse_graphics.pretrained = '{SET}' .*{message}"):
        pretrained.take(SET, tmp_path, {"azimuth": azimuth}, fingerprint)
    assert not (tmp_path / FILE).exists()


def test_what_is_not_there_is_told_with_its_setting(tmp_path):
    (told,) = inverse_graphics.absent(Settings(pretrained=str(tmp_path / "none")))
    assert told.startswith(f"inverse_graphics.pretrained: nothing at '{tmp_path / 'none'}'; train it with")
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / FILE).write_bytes((FOLDER / FILE).read_bytes()[:99])
    (told,) = inverse_graphics.absent(Settings(pretrained=str(tmp_path / "cut")))
    assert re.match(f"inverse_graphics.pretrained: .*{FILE}", told)
    assert inverse_graphics.absent(Settings(pretrained=SET)) == []


def test_a_workdir_serves_as_its_stages_own_folder_does(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "inverse_graphics")
    for name in (tmp_path, tmp_path / "inverse_graphics"):
        found = inverse_graphics.reads(Settings(pretrained=str(name)))
        assert found == {"inverse_graphics.pretrained": tmp_path / "inverse_graphics" / FILE}
