"""Claims about the choice of where masks come from."""

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.data.masks.folder import WANTED, MissingMasks, image_name
from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.stages.perception import sources as perception_sources
from ganverse_jax.stages.perception import stage as perception

ALL = dict(source="masks", path="a.onnx", class_name="car", card="onnx_zoo", label=None, min_score=0.5,
           folder="masks", soft=False)  # fmt: skip


def test_a_source_takes_its_own_settings_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert perception_sources.chosen(ALL) == {
        "source": "masks", "folder": str(tmp_path / "masks"), "soft": False,
    }  # fmt: skip
    assert set(perception_sources.chosen(ALL | {"source": "onnx"})) == {
        "source", "path", "class_name", "card", "label", "min_score",
    }  # fmt: skip
    assert perception_sources.chosen(None) is perception_sources.chosen(ALL | {"source": "network"}) is None
    with pytest.raises(ValueError, match="'sam'; choose one of network, onnx, masks"):
        perception_sources.chosen(ALL | {"source": "sam"})


def test_the_stage_remembers_a_folder_of_masks(tmp_path):
    folder = tmp_path / "masks"
    run = dict(seed=0, mesh=None, metrics=None, world={}, pretrained=None)
    with pytest.raises(FileNotFoundError, match="no folder of masks"):
        perception.run(tmp_path, segmenter=ALL | {"folder": str(folder)}, **run)
    folder.mkdir()
    perception.run(tmp_path, segmenter=ALL | {"folder": str(folder)}, **run)
    loaded = perception.load(tmp_path)
    assert loaded.pose_regressor is None
    image = np.zeros((1, 8, 8, 3), np.uint8)
    with pytest.raises(MissingMasks):
        loaded.segmenter(image)
    assert [path.name for path in (folder / WANTED).iterdir()] == [image_name(image[0])]
    Image.fromarray(np.full((8, 8), 9, np.uint8)).save(folder / image_name(image[0]))
    assert loaded.segmenter(image).min() == 1.0
    assert read_json(tmp_path / "perception" / "summary.json")["segmenter"]["source"] == "masks"
