"""Claims about the choice of where masks come from."""

import dataclasses
import shutil

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.data.masks import instances
from ganverse_jax.data.masks.folder import WANTED, MissingMasks, image_name
from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.runtime.shipped import ASSETS
from ganverse_jax.stages.perception import sources as perception_sources
from ganverse_jax.stages.perception import stage as perception
from ganverse_jax.stages.perception.settings import SegmenterSource, Settings
from tests.models.perception.constant_network import LABELS, PASTED, write_network
from tests.models.perception.test_onnx_file import MODEL, field, model
from tests.stages.tiny_world import run_in

MEAN = np.float32([0.485, 0.456, 0.406]).tobytes()  # of ImageNet, which torchvision's exports hold
ALL = SegmenterSource(
    source="masks", path="a.onnx", class_name="car", card=None, label=None, min_score=0.5,
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
    (path,) = perception.absent(settings)
    assert "a.onnx is no ONNX network, or damaged" in path and "MaskRCNN-12 of the ONNX model zoo" in path


def test_a_card_that_the_file_contradicts_is_told_by_its_setting(tmp_path, monkeypatch):
    monkeypatch.setattr(perception_sources, "find_spec", lambda name: name)
    (tmp_path / "a.onnx").write_bytes(model() + field(MODEL["producer_name"], MEAN))
    source = dataclasses.replace(ALL, source="onnx", path=str(tmp_path / "a.onnx"))
    assert perception.absent(Settings(segmenter=source)) == []
    (card,) = perception.absent(Settings(segmenter=dataclasses.replace(source, card="onnx_zoo")))
    assert card.startswith("perception.segmenter.card: card = 'onnx_zoo', but ")
    assert card.endswith("a.onnx normalises pictures itself, as torchvision's exports do; set it to "
                         "'torchvision', or to None")  # fmt: skip


def test_shipped_networks_in_each_others_place_are_told_before_they_are_copied(tmp_path):
    assert perception.absent(Settings(pretrained="toy_car")) == []
    for name, other in (("segmenter", "pose_regressor"), ("pose_regressor", "segmenter")):
        shutil.copyfile(ASSETS / "toy_car" / f"{other}.safetensors", tmp_path / f"{name}.safetensors")
    segmenter, regressor = perception.absent(Settings(pretrained=str(tmp_path)))
    assert "segmenter.safetensors holds 'pose_regressor', not a segmenter" in segmenter
    assert "pose_regressor.safetensors holds 'segmenter', not a pose regressor" in regressor


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


@pytest.mark.parametrize("rank, sides", [(3, ("h", "w")), (4, (32, 32))])
def test_the_stage_takes_torchvisions_exports_and_the_filter_counts_their_instances(tmp_path, rank, sides):
    pytest.importorskip("onnxruntime", reason="the [masks] extra is not installed")
    pytest.importorskip("onnx", reason="onnx, which makes the tiny network, is not installed")
    path, images = tmp_path / "network.onnx", np.zeros((2, 32, 32, 3), np.uint8)
    settings = Settings(segmenter=dataclasses.replace(ALL, source="onnx", path=str(path)))
    seen = {}
    for cars in (1, 2):
        labels = np.where(np.cumsum(LABELS == 3) <= cars, LABELS, 15)
        write_network(path, PASTED, rank=rank, normalises=True, sides=sides, labels=labels)
        perception.run(run_in(tmp_path), settings)
        verdict = instances.judge_images(perception.load(tmp_path).segmenter, images)
        seen[cars] = verdict.reason, verdict.num_instances.tolist()
    assert seen == {1: ([instances.KEPT] * 2, [1, 1]), 2: ([instances.SEVERAL_INSTANCES] * 2, [2, 2])}
