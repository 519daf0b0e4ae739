"""Claims about the page of reconstructed photos: one file, every photo and failure on it, all text inert."""

import re

import numpy as np

from ganverse_jax.commands.reconstruct import page as photos
from tests.pages.made import surface, write_turntable

HOSTILE = "<script>alert(1)</script>"


def result(name):
    pictures = [np.full((12, 16, 3), 20 * i, np.uint8) for i in range(9)]
    facts = (name, f"{name}.png", "alpha", "from bins", 40.0, 10.0, 4.2, 0.91, 0.05, None)
    return photos.Reconstruction(*facts, pictures, np.zeros((30, 40, 3), np.uint8), surface())


def test_the_page_holds_every_photo_mesh_and_failure_and_no_outside_resource(tmp_path):
    for name in ("car one", "b"):
        write_turntable(tmp_path / f"{name}.webp")
    page = photos.photos_page([result("car one"), result("b")], {"c": f"c.png is broken {HOSTILE}"}, tmp_path)
    assert "2 of 3 photos" in page and "c.png is broken &lt;script&gt;" in page and HOSTILE not in page
    assert page.count('data-mesh="') == 2 and 'href="car%20one.glb"' in page and "from bins" in page
    assert page.count("<img") == 2 + 2 * 2 + 2 + 2 * 9 and page.count('src="car%20one.webp"') == 1
    assert page.count('src="car%20one.overlay.jpg"') == 1
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_a_page_of_failures_alone_has_no_viewer(tmp_path):
    page = photos.photos_page([], {"c": "c.png is broken"}, tmp_path)
    assert "0 of 1 photos" in page and "<canvas" not in page


def test_many_photos_share_a_page_of_bounded_size(tmp_path):
    results = [result(f"car {i:02d}") for i in range(photos.MAX_TURNED + 2)]
    for r in results:
        write_turntable(tmp_path / f"{r.name}.webp")
    page = photos.photos_page(results, {}, tmp_path)
    assert page.count('data-mesh="') == photos.MAX_TURNED and "The first 24 of 26" in page
