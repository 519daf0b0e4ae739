"""Table A: its arithmetic on cameras that are known, and the three trainings end to end."""

import numpy as np
import pytest
from PIL import Image

from configs.toy_car import get_config
from ganverse_jax import stages
from ganverse_jax.classes.car.toy.world import ToyCars
from ganverse_jax.commands.compare_cameras import command as camera_comparison
from ganverse_jax.commands.compare_cameras.table import markdown
from ganverse_jax.data.multiview.posed_world import posed_views, true_cameras
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.runtime.checkpoint import read_json, write_json
from ganverse_jax.scene.cameras import write_cameras
from tests.stages.tiny_world import experiment_with

SMALL = {"resolution": 32, "num_objects": 10, "num_views": 12, "views_per_object": 2, "num_steps": 2}


def small_experiment(**changes):
    config = get_config()
    config.inverse_graphics_posed.update(SMALL | changes)
    return stages.experiment_of(config.to_dict())


@pytest.fixture(scope="module")
def comparison():
    """Ten cars in two of twelve views each; nothing looks at their pictures, so they are blank."""
    objects, views = np.repeat(np.arange(10), 2), np.arange(20) * 5 % 12
    blank = np.zeros((20, 32, 32), np.uint8)
    images = np.stack([blank] * 3, axis=-1)
    multiview = MultiviewSet(images, blank, views, objects, posed_views(ToyCars(32), 12))
    return camera_comparison.prepare(
        "car", ToyCars(32), multiview, noise_pixels=0.1, seed=0, num_evaluated=20
    )


def finish(folder, multiview, **ends):
    """Folders as three finished trainings leave them, whose cameras ended at `ends`."""
    for model, cameras in ends.items():
        end = {name: cameras[name] for name in ("azimuth", "elevation")}
        end["log_distance"] = np.log(cameras["distance"])
        inner = folder / model / "inverse_graphics"
        write_cameras(inner / "cameras.json", multiview.views, end, end, 30.0)
        write_json(inner / "evaluation.json", {"iou_2d": 0.91234, "novel_view_iou": 0.8})
        write_json(folder / model / "DONE.json", {"train_seconds": 61.4, "resumed": model == "view"})


def test_clicks_on_one_car_start_nearer_to_the_truth_than_bins(comparison):
    truth, starts = true_cameras(comparison.multiview.views), comparison.starts()
    assert comparison.solved.problems == ()
    elevation = {model: np.abs(start["elevation"] - truth["elevation"]) for model, start in starts.items()}
    # A tenth of a pixel of 32 is 0.2 degrees in the picture; bins know nothing of the 0-30 degrees.
    assert np.degrees(elevation["keypoint"].max()) < 3 < np.degrees(elevation["view"].mean())
    assert elevation["true"].max() == 0


def test_a_common_turn_is_no_difference_and_an_elevation_is(comparison, tmp_path):
    truth = true_cameras(comparison.multiview.views)
    turned = truth | {"azimuth": truth["azimuth"] + 0.4}
    higher = truth | {"elevation": truth["elevation"] + np.radians(5)}
    finish(tmp_path, comparison.multiview, view=turned, keypoint=truth, true=higher)
    content = camera_comparison.compare(comparison, tmp_path)
    # Degrees and back in double precision.
    assert content["view_against_keypoint"]["after"]["camera_rotation_max_degrees"] < 1e-5
    after = {model: part["cameras_after"] for model, part in content["models"].items()}
    assert after["view"]["camera_rotation_max_degrees"] < 1e-5
    assert after["true"]["camera_rotation_mean_degrees"] == pytest.approx(5, abs=1e-5)
    assert content["models"]["true"]["cameras_before"]["camera_rotation_max_degrees"] < 1e-5


def test_the_table_has_the_papers_figures_beside_ours(comparison, tmp_path):
    truth = true_cameras(comparison.multiview.views)
    finish(tmp_path, comparison.multiview, view=truth, keypoint=truth, true=truth)
    content = camera_comparison.compare(comparison, tmp_path)
    content |= {"steps": 2, "batch_size": 16, "seed": 0, "device": "cpu"}
    lines = markdown(content).splitlines()
    view = next(line for line in lines if "(view-model)" in line)
    assert "12 bins (1 min) | 61 s (resumed) (60 h) | 0.912 (0.952) | 0.800 |" in view
    assert any("q_xyz" in line and "0.00° (1.43°) | 0.00° (2.95°)" in line for line in lines)
    assert any("q_w" in line and "0.00° (0.42°) | 0.00° (1.11°)" in line for line in lines)
    assert any("20 images of 10 objects" in line for line in lines)
    assert any("resumed trainings" in line for line in lines)


def test_experiments_without_truth_and_bad_noise_are_refused(tmp_path):
    with pytest.raises(ValueError, match="inverse_graphics_posed is None.*toy_car"):
        camera_comparison.run(experiment_with(), tmp_path)
    with pytest.raises(ValueError, match="noise_pixels -1"):
        camera_comparison.run(small_experiment(), tmp_path, noise_pixels=-1.0)


@pytest.mark.slow
def test_three_trainings_make_the_table_once_and_are_not_repeated(tmp_path):
    content = camera_comparison.run(small_experiment(), tmp_path, noise_pixels=0.1)
    folder = tmp_path / "camera_comparison"
    assert read_json(folder / "comparison.json") == content
    with Image.open(folder / "reconstructions.png") as picture:
        assert picture.height == 4 * 130 - 2
    assert (folder / "table_a.md").read_text() == markdown(content)
    first = {name: (folder / name / "DONE.json").stat().st_mtime_ns for name in camera_comparison.MODELS}
    assert camera_comparison.run(small_experiment(), tmp_path, noise_pixels=0.1) == content
    assert first == {name: (folder / name / "DONE.json").stat().st_mtime_ns for name in first}
    with pytest.raises(ValueError, match="made with other settings.*delete it"):
        camera_comparison.run(small_experiment(), tmp_path, noise_pixels=0.2)
