"""The evaluation of a finished run beside the paper: what it refuses, and its tables end to end."""

import pytest
from PIL import Image

from configs import car, pascal3d_car, toy_car
from ganverse_jax import stages as declared
from ganverse_jax.commands.evaluate import command as paper_evaluation
from ganverse_jax.commands.posed_trainings import claim
from ganverse_jax.runtime.checkpoint import read_json, write_json
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset
from ganverse_jax.stages.viewpoints import stage as viewpoints
from tests.stages.tiny_world import experiment_with, run_in

NETWORK = dict(
    icosphere_level=2, shape_degree=2, encoder_width=8, encoder_blocks=(1,), code_size=16, shape_hidden=16,
    texture_size=8, texture_channels=(4,), template_scale=(0.42, 0.35, 0.88),
)  # fmt: skip
EXPERIMENT = experiment_with(
    gan={},
    inverse_graphics=dict(
        network=NETWORK, num_steps=2, batch_size=4, learning_rate=1e-3, camera_learning_rate=1e-3,
        sigma_inverse=300.0, margin=0.1, perceptual=dict(source="none"),
    ),
    inverse_graphics_posed=dict(resolution=16, num_objects=10, num_views=12, views_per_object=2),
    report=dict(title="tiny"),
)  # fmt: skip


def experiment_of(config):
    return declared.experiment_of(config.get_config().to_dict())


def digest_of(workdir):
    return declared.pipeline(EXPERIMENT, workdir).digest("inverse_graphics")


def test_experiments_without_truth_are_told_what_they_can_have(tmp_path):
    with pytest.raises(ValueError, match="pascal3d is set.*without true surfaces.*iou_2d.*user_study"):
        paper_evaluation.run(experiment_of(pascal3d_car), tmp_path)
    with pytest.raises(ValueError, match="no world whose true cameras are known.*evaluate with"):
        paper_evaluation.run(experiment_of(car), tmp_path)
    photos = toy_car.get_config()
    photos.gan.data.kind = "images"
    with pytest.raises(ValueError, match="gan.data.kind = 'images'.*truth is not known"):
        paper_evaluation.run(declared.experiment_of(photos.to_dict()), tmp_path)


def test_a_run_that_is_not_finished_or_of_other_settings_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no finished inverse_graphics.*finish the run with launch.train"):
        paper_evaluation.run(EXPERIMENT, tmp_path)
    write_json(tmp_path / "inverse_graphics" / "DONE.json", {"digest": "of others"})
    with pytest.raises(ValueError, match="made with other settings.*of its training"):
        paper_evaluation.run(EXPERIMENT, tmp_path)
    write_json(tmp_path / "inverse_graphics" / "DONE.json", [])
    with pytest.raises(ValueError, match="DONE.json names no digest; delete"):
        paper_evaluation.run(EXPERIMENT, tmp_path)
    assert not (tmp_path / "evaluation").exists()


def test_a_damaged_network_is_told_before_the_baseline_is_trained(tmp_path):
    write_json(tmp_path / "inverse_graphics" / "DONE.json", {"digest": digest_of(tmp_path)})
    (tmp_path / "inverse_graphics" / "network.safetensors").write_bytes(b"cut")
    with pytest.raises(ValueError, match="network.safetensors is not a readable"):
        paper_evaluation.run(EXPERIMENT, tmp_path)
    assert not (tmp_path / "evaluation").exists()


def test_a_damaged_record_of_settings_costs_its_whole_folder(tmp_path):
    (tmp_path / "settings.json").write_text("{")
    with pytest.raises(ValueError, match=f"delete the whole folder {tmp_path} to make"):
        claim(tmp_path, {"digest": "this"})


@pytest.mark.slow  # both networks are trained, though for two steps
def test_the_tables_of_a_tiny_run_are_made_once_and_reach_its_report(stages):
    stages(viewpoints)
    workdir = stages(multiview_dataset)
    inverse_graphics.run(run_in(workdir), EXPERIMENT.stages["inverse_graphics"])
    done = {"digest": digest_of(workdir), "minutes": 0.1}
    write_json(workdir / "inverse_graphics" / "DONE.json", done)
    (workdir / "report.html").write_text("old")
    content = paper_evaluation.run(EXPERIMENT, workdir, num_fitting=2, num_testing=2)
    folder = workdir / "evaluation"
    assert read_json(folder / "evaluation.json") == content
    assert (folder / "tables.md").read_text() == paper_evaluation.markdown(content)
    with Image.open(folder / "evaluation.png") as picture:  # two cars, the truth and two networks
        assert picture.size == (124 + 8 * 130 - 2, 24 + 6 * 130 - 2)
    assert "Beside the paper" in (workdir / "report.html").read_text()
    # On the GAN's images our own frame is the cameras' own: the stage's figure to the last digit.
    own = read_json(workdir / "inverse_graphics" / "evaluation.json")
    assert content["gan_test"]["ours"]["iou_2d"] == own["iou_2d"]
    assert content["train_images"] == len(multiview_dataset.open_set(workdir).rows_of("train"))
    views = read_json(folder / "baseline" / "inverse_graphics" / "cameras.json")["views"]
    assert len(views) == 12 + content["train_images"]
    assert content["posed"] is None and content["perceptual"] is None
    done = folder / "baseline" / "DONE.json"
    first = done.stat().st_mtime_ns
    assert paper_evaluation.run(EXPERIMENT, workdir, num_fitting=2, num_testing=2) == content
    assert done.stat().st_mtime_ns == first
