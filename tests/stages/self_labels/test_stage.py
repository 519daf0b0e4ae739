"""Claims about the self_labels stage and the GAN that learns from it, in a few steps of toy cars."""

import numpy as np
import pytest

from configs import toy_car, toy_car_labels
from ganverse_jax import stages
from ganverse_jax.models.stylegan2.stored import load_generator
from ganverse_jax.runtime.checkpoint import read_json, read_npz
from ganverse_jax.runtime.loop import Metrics
from ganverse_jax.stages.gan.teacher import CAMERAS

TINY = {
    "refine.num_steps": 2,
    "refine.batch_size": 4,
    "num_images": 48,
    "num_meshes": 8,
    "render_steps": 2,
    "pose_steps": 2,
    "batch_size": 4,
}


def _experiment(config, **changes):
    config.update_from_flattened_dict(changes)
    return stages.experiment_of(config.to_dict())


@pytest.mark.slow
def test_labels_lead_to_a_gan_that_takes_cameras_and_to_its_views(tmp_path):
    labels = {f"self_labels.{name}": value for name, value in TINY.items()}
    labels |= {"self_labels.min_certainty": 0.0, "self_labels.max_mirror_degrees": 180.0}
    first, second = tmp_path / "first", tmp_path / "second"
    experiment = _experiment(toy_car_labels.get_config(), **labels)
    stages.pipeline(experiment, first).run(["self_labels"])
    summary = read_json(first / "self_labels/summary.json")
    assert summary["pictures"] == 48
    assert summary["labelled"] + summary["not_trusted"] + summary["no_single_object"] == 48
    table = read_npz(first / "self_labels" / CAMERAS)
    assert (
        table["cameras"].shape == (48 - summary["no_single_object"], 2)
        and (first / "self_labels/labels.png").is_file()
    )
    gan = {"gan.camera.teacher": str(first / "self_labels"), "gan.num_images": 32, "gan.num_steps": 2}
    views = {"viewpoints.num_views": 6, "viewpoints.num_contents": 2}
    views |= {"multiview_dataset.num_objects": 20, "multiview_dataset.views_per_object": 3}
    shapes = {"num_steps": 2, "batch_size": 2, "log_every": 1, "perceptual_blocks": 0}
    shapes |= {
        "labelled.labels": str(first / "self_labels"),
        "labelled.num_images": 48,
        "labelled.batch_size": 2,
    }
    shapes = {f"inverse_graphics.{name}": value for name, value in shapes.items()}
    experiment = _experiment(toy_car.get_config(), **gan, **views, **shapes)
    stages.pipeline(experiment, second).run(["gan", "viewpoints", "multiview_dataset", "inverse_graphics"])
    loaded = load_generator(second / "gan/generator.safetensors")
    # Weights are written in half precision.
    np.testing.assert_allclose(loaded.camera.cameras, table["cameras"], atol=2e-3)
    learned = [row for row in Metrics(second).read() if row["stage"] == "inverse_graphics"]
    assert all(row["labelled"] > 0 for row in learned) and len(learned) == 2
    of_them = read_json(second / "inverse_graphics/summary.json")["labelled_pictures"]
    assert of_them == len(table["cameras"])  # the same pictures, by the same segmenter
    views = read_json(second / "viewpoints/viewpoints.json")["views"]
    assert [round(np.degrees(view["azimuth"])) for view in views] == [0, 60, 120, 180, 240, 300]
    assert {view["azimuth_bin"] for view in views} == {0, 2, 4, 6, 8, 10}


def test_masks_of_another_kind_teach_no_gan():
    with pytest.raises(ValueError, match=r"self_labels teaches .* set perception\.segmenter\.source to"):
        _experiment(
            toy_car_labels.get_config(),
            **{"perception.segmenter.source": "onnx", "stylegan_r.cycle_mask": "render"},
        )
