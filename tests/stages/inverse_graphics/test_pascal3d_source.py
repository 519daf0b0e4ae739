"""Claims about Pascal3D+ in the inverse graphics stage: single views, and the given cameras kept."""

import dataclasses

import numpy as np
import pytest

from configs import pascal3d_car
from ganverse_jax.pipeline.settings import build
from ganverse_jax.runtime.checkpoint import read_json, read_npz
from ganverse_jax.stages.inverse_graphics import pascal3d_source
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics.settings import Masks, Pascal3DReader, Settings
from tests.data.pascal3d.made_release import write_release
from tests.stages.tiny_world import run_in

READER = Pascal3DReader(size=32)


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return write_release(tmp_path_factory.mktemp("release"))


def test_what_was_read_and_left_out_is_written(release, tmp_path):
    found = pascal3d_source.read(tmp_path, release, READER, "car")
    written = read_json(tmp_path / "pascal3d.json")
    assert written["counts"] == {"train": 3, "test": 1} and written["left_out"] == {"truncated": 1}
    assert written["objects"] == found.objects
    keypoints = read_npz(tmp_path / "pascal3d_keypoints.npz")
    np.testing.assert_array_equal(keypoints["points"], found.keypoints)
    assert keypoints["names"].tolist() == found.keypoint_names


def test_a_source_of_masks_is_needed(release, tmp_path):
    with pytest.raises(ValueError, match="masks.source = 'network'; choose one of pngs, onnx, masks"):
        build(Pascal3DReader, {"masks": {"source": "network"}}, "inverse_graphics.pascal3d_reader")
    reader = dataclasses.replace(READER, masks=Masks(folder="nowhere"))
    with pytest.raises(FileNotFoundError, match="no folder of masks at nowhere"):
        pascal3d_source.read(tmp_path, release, reader, "car")
    reader = dataclasses.replace(READER, masks=Masks(folder=str(tmp_path / "masks")))
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "car_imagenet").symlink_to(release / "masks" / "car_imagenet")
    with pytest.raises(ValueError, match="no test object of .* is left, left out are .*no_mask.*make masks"):
        pascal3d_source.read(tmp_path, release, reader, "car")


def test_the_release_is_looked_for_before_its_masks(tmp_path):
    for root in (tmp_path, tmp_path / "absent", ""):
        with pytest.raises(
            FileNotFoundError, match=f"no folder .*car_imagenet in '{root}'; point to an unpacked"
        ):
            pascal3d_source.read(tmp_path, root, READER, "car")


@pytest.mark.slow  # compiles a training step and the pictures' renders
def test_the_configs_settings_train_on_single_views_with_fixed_cameras(release, tmp_path):
    settings = pascal3d_car.get_config().inverse_graphics.to_dict()
    settings |= {"pascal3d": str(release), "num_steps": 2, "batch_size": 2, "log_every": 1, "save_every": 2}
    settings["network"] |= {"encoder_width": 8, "encoder_blocks": (1,), "texture_size": 8}
    settings["network"] |= {
        "texture_channels": (4,),
        "icosphere_level": 1,
        "shape_hidden": 16,
        "code_size": 16,
    }
    settings["pascal3d_reader"] |= {"size": 32}
    figures = inverse_graphics.run(run_in(tmp_path), build(Settings, settings, "inverse_graphics"))
    assert "iou_2d" in figures and "iou_2d_other_view" not in figures and figures["num_images"] == 1
    views = read_json(tmp_path / "inverse_graphics" / "cameras.json")["views"]
    assert [round(view["before"]["azimuth_degrees"]) for view in views] == [40, 200, 95, 350]
    # 1e-5: the running average is rounded to float32 at every step
    assert all(view["after"] == pytest.approx(view["before"], rel=1e-5) for view in views)
    _, _, card = inverse_graphics.load(tmp_path)
    assert card["framing"]["size"] == [32, 32] and 0.1 < card["framing"]["share"] < 0.6
    assert (tmp_path / "samples" / "inverse_graphics_000002.png").is_file()


def test_an_absent_release_and_absent_masks_are_told_by_their_settings(release, tmp_path):
    settings = Settings(pascal3d="nowhere", pascal3d_reader=READER)
    root, masks = inverse_graphics.absent(settings)
    assert root.startswith(
        "inverse_graphics.pascal3d: nothing at 'nowhere/Annotations'; set it to an unpacked PASCAL3D+"
    )
    assert masks.startswith("inverse_graphics.pascal3d_reader.masks.folder: nothing at 'nowhere/masks'; save")
    assert inverse_graphics.absent(dataclasses.replace(settings, pascal3d=str(release))) == []
    (posed,) = inverse_graphics.absent(Settings(posed_folder=str(tmp_path)))
    assert posed.startswith(
        f"inverse_graphics.posed_folder: nothing at '{tmp_path}/cameras.json'; see ganverse"
    )
    (tmp_path / "cameras.json").write_text('{"cameras": []}')
    (posed,) = inverse_graphics.absent(Settings(posed_folder=str(tmp_path)))
    assert 'cameras.json has no "format": "ganverse-jax posed images 1"' in posed
