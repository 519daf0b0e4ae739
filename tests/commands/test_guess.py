"""Claims about photos whose class nobody told: guessed, or asked for."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.commands import guess
from ganverse_jax.commands.guess import serving
from ganverse_jax.commands.reconstruct import command as reconstruction
from ganverse_jax.commands.reconstruct.networks import PARTS
from ganverse_jax.data.photos import PhotoError
from ganverse_jax.models.perception.recogniser import squared
from ganverse_jax.runtime.checkpoint import read_json

DOCS = Path(__file__).parents[2] / "docs"
FOLDERS = {"car": "photos", "horse": "horses", "bird": "birds"}
PHOTOS = {kind: sorted((DOCS / name).glob("*.png")) for kind, name in FOLDERS.items()}


@pytest.fixture
def folder(tmp_path):
    """Pictures that show nothing that is shipped."""
    random = np.random.default_rng(3)
    pictures = {
        "noise": random.integers(0, 256, (96, 96, 3), dtype=np.uint8),
        "flat": np.full((96, 96, 3), (90, 140, 200), np.uint8),
        "white": np.full((96, 96, 3), 255, np.uint8),
    }
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.mark.parametrize("kind", PHOTOS)
def test_photos_tell_their_class_and_it_is_said_in_a_line(kind, capsys):
    assert serving(None, PHOTOS[kind], PARTS) == kind
    (line,) = capsys.readouterr().out.splitlines()
    assert re.search(rf"taken for {kind}s \(--shipped={kind}\); --shipped=NAME decides otherwise$", line)


@pytest.mark.parametrize("kind", PHOTOS)
def test_one_wide_photo_tells_its_class(kind, tmp_path):
    with Image.open(PHOTOS[kind][1]) as picture:
        wide = np.pad(np.asarray(picture.convert("RGB")), [(0, 0), (60, 60), (0, 0)], mode="edge")
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert serving(None, [tmp_path / "wide.png"], PARTS) == kind


@pytest.mark.parametrize("name", ["noise", "flat", "white"])
def test_a_picture_of_none_of_them_ends_in_an_error_that_names_the_choices(folder, name):
    with pytest.raises(ValueError, match=rf"cannot tell .*{name}.png.*; give --shipped=bird\|car\|horse"):
        serving(None, [folder / f"{name}.png"], PARTS)


def test_the_greater_half_decides_and_the_others_are_named(folder, capsys):
    photos = [*PHOTOS["car"], PHOTOS["horse"][0], folder / "noise.png"]
    assert serving(None, photos, PARTS) == "car"
    assert f"though {PHOTOS['horse'][0].name}, noise.png may not be" in capsys.readouterr().out
    with pytest.raises(ValueError, match="4 of car, 4 of horse.*; give --shipped="):
        serving(None, [*PHOTOS["car"], *PHOTOS["horse"]], PARTS)


def test_photos_that_cannot_be_read_do_not_count(folder):
    (folder / "broken.png").write_bytes(b"no picture")
    broken = [folder / "broken.png"] * 9
    assert serving(None, [*broken, PHOTOS["horse"][0]], PARTS) == "horse"
    with pytest.raises(PhotoError, match="broken.png"):
        serving(None, broken, PARTS)


def test_a_class_whose_networks_are_not_shipped_is_told(monkeypatch):
    monkeypatch.setattr(guess, "worlds", lambda part: ["toy_horse"])
    with pytest.raises(
        ValueError, match="taken for a car, whose networks are not shipped; .* --shipped=horse"
    ):
        serving(None, PHOTOS["car"][:1], PARTS)


def test_what_is_told_is_not_guessed(monkeypatch, tmp_path):
    monkeypatch.setattr(guess.Recogniser, "load", None)  # a call would fail
    assert serving("car", PHOTOS["horse"], PARTS) == "car"
    assert serving(None, PHOTOS["horse"], PARTS, tmp_path) is None


def test_a_horse_is_rebuilt_by_the_networks_of_horses(tmp_path):
    shutil.copy(PHOTOS["horse"][0], tmp_path)
    assert reconstruction.run(tmp_path, tmp_path / "out").failed == {}
    assert "toy_horse" in read_json(tmp_path / "out" / "reconstruction.json")["network"]


def test_a_picture_becomes_a_square_by_repeating_its_border():
    picture = np.zeros((20, 40, 3), np.uint8)
    picture[0], picture[-1] = 100, 200
    made = squared(picture, 40)
    assert made.shape == (40, 40, 3) and made.dtype == np.uint8
    assert (made[:11] == 100).all() and (made[-11:] == 200).all() and (made[15:25] == 0).all()
