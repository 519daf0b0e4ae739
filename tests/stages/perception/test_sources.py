"""Claims about the choice of where masks come from."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.data.masks.folder import WANTED, MissingMasks, image_name
from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.stages.perception import sources as perception_sources
from ganverse_jax.stages.perception import stage as perception
from ganverse_jax.stages.perception.settings import SegmenterSource, Settings
from tests.stages.tiny_world import run_in

ALL = SegmenterSource(
    source="masks", path="a.onnx", class_name="car", card="onnx_zoo", label=None, min_score=0.5,
    folder="masks", soft=False,
)  # fmt: skip


def chosen(**changes):
    return perception_sources.chosen(dataclasses.replace(ALL, **changes), "horse")


def test_a_source_takes_its_own_settings_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert chosen() == {"source": "masks", "folder": str(tmp_path / "masks"), "soft": False}
    assert set(chosen(source="onnx")) == {"source", "path", "class_name", "card", "label", "min_score"}
    assert chosen(source="network") is None


def test_a_detector_without_a_class_is_asked_for_the_experiments():
    assert chosen(source="onnx")["class_name"] == "car"
    assert chosen(source="onnx", class_name="")["class_name"] == "horse"


def test_an_absent_detector_and_its_runtime_are_told_with_how_to_get_them(tmp_path, monkeypatch):
    settings = Settings(segmenter=dataclasses.replace(ALL, source="onnx", path=str(tmp_path / "a.onnx")))
    monkeypatch.setattr(perception_sources, "find_spec", lambda name: None)
    path, runtime = perception.absent(settings)
    assert path.startswith("perception.segmenter.path: nothing at ") and "a.onnx'; get one as ONNX" in path
    assert (
        runtime.startswith("perception.segmenter.source: ") and "pip install 'ganverse-jax[masks]'" in runtime
    )
    (tmp_path / "a.onnx").touch()
    monkeypatch.setattr(perception_sources, "find_spec", lambda name: name)
    assert perception.absent(settings) == []


def test_the_stage_remembers_a_folder_of_masks(tmp_path):
    folder = tmp_path / "masks"
    settings = Settings(segmenter=dataclasses.replace(ALL, folder=str(folder)))
    assert perception.absent(settings) == []  # the folder is made where it is missing
    perception.run(run_in(tmp_path), settings)
    loaded = perception.load(tmp_path)
    assert loaded.pose_regressor is None
    image = np.zeros((1, 8, 8, 3), np.uint8)
    with pytest.raises(MissingMasks):
        loaded.segmenter(image)
    assert [path.name for path in (folder / WANTED).iterdir()] == [image_name(image[0])]
    Image.fromarray(np.full((8, 8), 9, np.uint8)).save(folder / image_name(image[0]))
    assert loaded.segmenter(image).min() == 1.0
    assert read_json(tmp_path / "perception" / "summary.json")["segmenter"]["source"] == "masks"
