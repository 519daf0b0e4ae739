"""The code blocks of docs/python.md, and that nothing is loaded before it is asked for."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ganverse_jax

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(), re.DOTALL)


def test_the_package_alone_loads_no_jax_and_names_what_it_has():
    code = "import ganverse_jax, sys; print('jax' in sys.modules, hasattr(ganverse_jax, 'nonsense'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    assert {"reconstruct", "render", "edit", "generate", "export"} <= set(dir(ganverse_jax))


def block(word):
    (found,) = [code for code in BLOCKS if word in code]
    return found


def test_a_photo_becomes_a_mesh_and_a_picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    names = {}
    exec(block("reconstruct"), names)
    seen = (names["picture"] < 250).any(axis=-1)
    assert names["picture"].shape == (256, 256, 3) and 0.05 < seen.mean() < 0.6
    assert (tmp_path / "blue.glb").stat().st_size > 10_000


def test_a_photo_is_drawn_from_another_side_in_anothers_paint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    names = {}
    exec(block("edit("), names)
    red, green, blue = names["picture"][28:40, 26:38].mean(axis=(0, 1))
    assert names["picture"].shape == (64, 64, 3) and red > blue + 20  # of a blue car


@pytest.mark.parametrize("wrong", [400, -91, float("nan")])
def test_an_elevation_past_the_poles_is_refused(wrong):
    with pytest.raises(ValueError, match=f"elevation = {wrong}.*between -90 and 90"):
        ganverse_jax.edit(ROOT / "docs" / "photos" / "blue.png", elevation=wrong)


def test_the_same_contents_from_another_side_are_other_pictures():
    names = {}
    exec(block("generate"), names)
    assert names["pictures"].shape == (3, 64, 64, 3) and names["pictures"].dtype == np.uint8
    other = ganverse_jax.generate([1, 2, 3], azimuth=300, elevation=12)
    assert np.abs(other.astype(int) - names["pictures"]).mean() > 5


def test_a_generator_without_a_camera_says_so():
    with pytest.raises(ValueError, match="takes no camera"):
        ganverse_jax.generate([1], weights="toy_car")


@pytest.mark.slow  # three networks are lowered for two platforms
def test_the_shipped_networks_are_exported(tmp_path, monkeypatch):
    pytest.importorskip("flatbuffers", reason="jax.export writes programs by it; pip install flatbuffers")
    monkeypatch.chdir(tmp_path)
    exec(block("export"), {})
    assert len(list((tmp_path / "exported").glob("*/*/README.md"))) == 5
