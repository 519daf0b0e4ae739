"""The ablations: what each model changes, the table's arithmetic, and the six trainings end to end."""

import dataclasses

import pytest
from PIL import Image

from configs.toy_car import get_config
from ganverse_jax import stages
from ganverse_jax.commands.ablate import command as ablation
from ganverse_jax.commands.ablate.table import COLUMNS, LABELS, PICTURED, markdown
from ganverse_jax.pipeline.settings import build
from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.stages.inverse_graphics.settings import Training
from tests.stages.tiny_world import experiment_with

SMALL = {"resolution": 64, "num_objects": 10, "num_views": 12, "views_per_object": 2, "num_steps": 2}


def small_experiment(**changes):
    config = get_config()
    config.inverse_graphics_posed.update(SMALL | changes)
    return stages.experiment_of(config.to_dict())


def content_of(**figures):
    """An ablation.json whose models all have these figures."""
    known = {key: 0.5 for key, _, _ in COLUMNS} | {
        "camera_rotation_mean_degrees": 1.5,
        "camera_rotation_max_degrees": 4.25,
    }
    model = {"figures": known | figures, "training": {"train_seconds": 61.4, "resumed": False}}
    counts = {"train_images": 16, "train_objects": 8, "test_images": 2, "test_objects": 1, "views": 12}
    term = {"perceptual_blocks": 4, "perceptual_start": 1, "resolution": 64}
    budget = {"steps": 2, "batch_size": 16, "seed": 0, "device": "cpu"}
    return counts | term | budget | {"models": dict.fromkeys(ablation.MODELS, model)}


def test_every_model_takes_one_part_away_and_nothing_takes_all():
    parts = [ablation.MODELS[f"no_{part}"] for part in ("multiview", "perceptual", "camera_optimisation")]
    assert [len(part) for part in parts] == [1, 1, 1]
    assert ablation.MODELS["nothing"] == parts[0] | parts[1] | parts[2]
    for changes in ablation.MODELS.values():
        assert dataclasses.replace(Training(), **changes) == build(Training, changes, "ablation")
    assert LABELS.keys() == ablation.MODELS.keys() >= PICTURED.keys()


def test_the_perceptual_term_is_the_gan_trainings_at_the_same_part_of_the_steps():
    # 250 of 500 steps there, so half of the steps here.
    assert ablation.perceptual_term(small_experiment(num_steps=400)) == {
        "perceptual_blocks": 4,
        "perceptual_start": 200,
    }
    own = small_experiment(perceptual_blocks=2, perceptual_start=7)
    assert ablation.perceptual_term(own) == {"perceptual_blocks": 2, "perceptual_start": 7}


def test_without_a_world_of_truth_or_a_term_to_ablate_it_is_refused(tmp_path):
    with pytest.raises(ValueError, match="inverse_graphics_posed is None.*ablate with .*toy_car"):
        ablation.run(experiment_with(), tmp_path)
    config = get_config()
    config.inverse_graphics.perceptual_blocks = 0
    with pytest.raises(ValueError, match="perceptual_blocks = 0 .* no perceptual term to ablate"):
        ablation.run(stages.experiment_of(config.to_dict()), tmp_path)


def test_the_table_has_a_row_per_model_and_table_1s_figures_beside_ours():
    lines = markdown(content_of(iou_2d=0.91234, chamfer=0.04567)).splitlines()
    full = next(line for line in lines if line.startswith("| full model"))
    assert (
        "| 0.912 (0.95) | 0.500 | 0.5000 | 0.5000 | 0.0457 | 0.500 | 0.500 | 1.50° / 4.25° | 61 s |" in full
    )
    baseline = next(line for line in lines if line.startswith("| PASCAL"))
    assert "0.912 (0.81)" in baseline and "| given | 61 s |" in baseline
    assert any("16 images of as many objects, one view each" in line for line in lines)
    columns = {line.count("|") for line in lines if line.startswith("|")}
    assert columns == {len(COLUMNS) + 4}  # and one name, one camera error, one time


@pytest.mark.slow
def test_six_trainings_make_the_table_once_and_are_not_repeated(tmp_path):
    content = ablation.run(small_experiment(), tmp_path)
    folder = tmp_path / "ablation"
    assert read_json(folder / "ablation.json") == content
    assert (folder / "ablation.md").read_text() == markdown(content)
    with Image.open(folder / "ablation.png") as picture:  # one test car, the truth and four models
        assert picture.size == (124 + 9 * 130 - 2, 24 + 5 * 130 - 2)
    cameras = {
        name: read_json(folder / name / "inverse_graphics" / "cameras.json") for name in ablation.MODELS
    }
    for name in ("no_camera_optimisation", "nothing", "baseline"):
        for view in cameras[name]["views"]:  # the running average of equal numbers, in single precision
            assert view["after"] == pytest.approx(view["before"], rel=1e-5, abs=1e-4)
    # 8 training cars in two views each, so 16 cars in one view each, beside the 12 shared views.
    assert len(cameras["baseline"]["views"]) == 12 + 16
    figures = {name: model["figures"] for name, model in content["models"].items()}
    # Radians in single precision.
    assert figures["baseline"]["camera_rotation_max_degrees"] < 1e-3
    assert {figure["num_images"] for figure in figures.values()} == {2.0}
    first = {name: (folder / name / "DONE.json").stat().st_mtime_ns for name in ablation.MODELS}
    assert ablation.run(small_experiment(), tmp_path) == content
    assert first == {name: (folder / name / "DONE.json").stat().st_mtime_ns for name in first}
    with pytest.raises(ValueError, match="made with other settings.*delete it"):
        ablation.run(small_experiment(num_steps=3), tmp_path)
