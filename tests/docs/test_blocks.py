"""Python blocks of the documentation are run as they stand, but for what is named below."""

import json

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.data.multiview.posed_folder import read_posed_folder
from tests.data.multiview import test_stored as sets
from tests.docs.pages import PAGES, ROOT, blocks, name_of

# Run elsewhere: by tests/test_python.py, and by test_commands.py as the config that it is.
ELSEWHERE = {"docs/python.md", "docs/own_class.md"}
RUN_HERE = {
    "README.md": 0,
    "docs/index.md": 1,
    "docs/posed_pictures.md": 1,
    "docs/stages/multiview_dataset.md": 2,
    "rasterizer/README.md": 2,
}


def run(page: str, number: int = 0) -> dict:
    """The names that a block leaves."""
    names = {}
    exec(blocks(ROOT / page, "python")[number], names)
    return names


def test_every_python_block_is_run_by_a_test():
    found = {name_of(page): len(blocks(page, "python")) for page in PAGES}
    left = {name: count for name, count in found.items() if count and name not in ELSEWHERE}
    assert left == {name: count for name, count in RUN_HERE.items() if count}


def test_every_json_block_is_json():
    read = [json.loads(code) for page in PAGES for code in blocks(page, "json")]
    assert len(read) >= 1


def test_the_first_sphere_is_drawn():
    picture = run("docs/index.md")["picture"]
    assert picture.rgb.shape == (1, 128, 128, 3) and 0.1 < float(picture.mask.mean()) < 0.9


def test_the_rasterizer_s_first_picture_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("rasterizer/README.md", 0)
    picture = np.asarray(Image.open("sphere.png"))
    assert picture.shape == (256, 256, 3) and picture.min() < 100 and (picture[0, 0] == 255).all()


def test_the_rasterizer_s_first_gradient_says_that_a_larger_sphere_covers_more(capsys):
    names = run("rasterizer/README.md", 1)
    assert float(names["jax"].grad(names["area"])(0.8)) > 0
    assert capsys.readouterr().out.startswith("(")


@pytest.mark.parametrize("number", [0, 1])
def test_the_multi_view_set_is_read_as_its_page_says(tmp_path, monkeypatch, number):
    monkeypatch.chdir(tmp_path)
    sets.write_set(tmp_path / "runs" / "toy_car" / "multiview", sets.images_of())
    code = blocks(ROOT / "docs/stages/multiview_dataset.md", "python")[number]
    names = {}
    exec(code.replace("    ...", "    break"), names)  # the first one's loop has no end
    batch = names["batch"] if number == 0 else names["batches"][7]
    pictures = batch["image"] if number == 0 else batch["images"]
    assert pictures.shape == ((32, *sets.SIZE, 3) if number == 0 else (16, 2, *sets.SIZE, 3))


def test_a_posed_folder_written_as_its_page_says_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run("docs/posed_pictures.md")
    picture = np.zeros((16, 16, 4), np.uint8)
    picture[4:12, 4:12] = 255
    (tmp_path / "my_pictures" / "images").mkdir()
    for image in names["images"]:
        Image.fromarray(picture).save(tmp_path / "my_pictures" / image["file"])
    read = read_posed_folder("my_pictures")
    assert len(read.objects) == 8 and len(read.multiview.images) == len(names["images"]) == 96
