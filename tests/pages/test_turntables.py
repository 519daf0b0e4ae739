"""Turntables in a page: whole inside it, still for who wants no motion, and where bytes are few."""

import base64
import io
import re

from PIL import Image

from ganverse_jax.pages.pictures import Pictures
from ganverse_jax.pages.turntables import sheet, turntable
from tests.pages.made import write_turntable


def frames(uri: str) -> int:
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as file:
        return file.n_frames


def test_the_animation_is_inside_and_its_first_frame_serves_reduced_motion(tmp_path):
    write_turntable(tmp_path / "car.webp")
    html = turntable(tmp_path / "car.webp", "A <car>", Pictures())
    still = re.search(r'<source media="\(prefers-reduced-motion: reduce\)" srcset="([^"]+)">', html)[1]
    moving = re.search(r'<img class="cutout" src="([^"]+)" alt="A &lt;car&gt;" width="16"', html)[1]
    assert (frames(still), frames(moving)) == (1, 2)


def test_pages_of_small_pictures_show_it_still(tmp_path):
    write_turntable(tmp_path / "car.webp")
    html = turntable(tmp_path / "car.webp", "A car", Pictures(animated=False))
    assert "<picture>" not in html and frames(re.search('src="([^"]+)"', html)[1]) == 1


def test_a_folder_without_turntables_gives_nothing(tmp_path):
    assert sheet(tmp_path / "nowhere", Pictures(), 8) == ""
    for i in range(3):
        write_turntable(tmp_path / f"car_{i}.webp")
    assert sheet(tmp_path, Pictures(), 2).count("<picture>") == 2
