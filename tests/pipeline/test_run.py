"""Claims about the order of stages, on stages that only tell that they ran."""

import pytest

from ganverse_jax.pipeline import run as pipeline
from ganverse_jax.runtime.checkpoint import read_json, write_json

CONFIG = {"seed": 0, "num_devices": 1, "gan": {}, "viewpoints": {"views": 3}, "report": {}}


@pytest.fixture
def ran(monkeypatch):
    """The stages that ran, in order; three stages, each reading the one before."""
    names: list[str] = []

    def stage(name):
        return lambda workdir, **settings: names.append(name)

    needs = {"gan": (), "viewpoints": ("gan",), "report": ("viewpoints",)}
    monkeypatch.setattr(pipeline, "STAGES", {name: (stage(name), needed) for name, needed in needs.items()})
    monkeypatch.setattr(pipeline, "PRETRAINABLE", ())
    return names


def test_stages_run_once_in_order_and_the_report_always(ran, tmp_path):
    pipeline.run(CONFIG, tmp_path)
    pipeline.run(CONFIG, tmp_path)
    assert ran == ["gan", "viewpoints", "report", "report"]
    assert read_json(tmp_path / "config.json") == CONFIG


def test_until_ends_after_the_stage_named(ran, tmp_path):
    pipeline.run(CONFIG, tmp_path, until="viewpoints")
    assert ran == ["gan", "viewpoints"]


def test_a_stage_waits_for_what_it_reads(ran, tmp_path):
    with pytest.raises(ValueError, match=r"stage viewpoints needs \['gan'\]"):
        pipeline.run(CONFIG, tmp_path, stages=["viewpoints"])
    assert ran == []


def test_a_named_stage_takes_the_shipped_weights_that_it_reads(ran, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "PRETRAINABLE", ("gan",))
    shipped = CONFIG | {"gan": {"pretrained": "toy"}}
    pipeline.run(shipped, tmp_path, stages=["viewpoints"])
    pipeline.run(shipped, tmp_path)
    assert ran == ["gan", "viewpoints", "report"]
    assert read_json(tmp_path / "gan" / "DONE.json")["pretrained"] == "toy"


def test_a_stage_that_is_no_part_of_the_experiment_is_not_waited_for(ran, tmp_path):
    pipeline.run(CONFIG | {"gan": None}, tmp_path)
    assert ran == ["viewpoints", "report"]


def test_changed_settings_are_refused_with_the_remedy(ran, tmp_path):
    pipeline.run(CONFIG, tmp_path)
    with pytest.raises(ValueError, match="other settings or inputs.*new --workdir, or delete"):
        pipeline.run(CONFIG | {"viewpoints": {"views": 4}}, tmp_path)


def test_a_refused_run_leaves_the_record_of_the_settings(ran, tmp_path):
    pipeline.run(CONFIG, tmp_path)
    with pytest.raises(ValueError, match="other settings"):
        pipeline.run(CONFIG | {"viewpoints": {"views": 4}}, tmp_path, stages=["viewpoints"])
    assert read_json(tmp_path / "config.json") == CONFIG


def test_an_interrupted_stage_goes_on_with_its_own_settings_only(ran, tmp_path, monkeypatch):
    def interrupted(workdir, **settings):
        raise KeyboardInterrupt

    stages = dict(pipeline.STAGES)
    monkeypatch.setitem(pipeline.STAGES, "viewpoints", (interrupted, ("gan",)))
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(CONFIG, tmp_path)
    monkeypatch.setattr(pipeline, "STAGES", stages)
    with pytest.raises(ValueError, match="viewpoints was begun in .* with other settings and interrupted"):
        pipeline.run(CONFIG | {"viewpoints": {"views": 4}}, tmp_path)
    pipeline.run(CONFIG, tmp_path)
    assert ran == ["gan", "viewpoints", "report"]


def test_an_interrupted_training_is_not_replaced_by_shipped_weights(ran, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "PRETRAINABLE", ("gan",))
    shipped = CONFIG | {"gan": {"pretrained": "toy"}}
    (tmp_path / "gan").mkdir()
    trained = pipeline.stage_digest("gan", CONFIG | {"gan": {"pretrained": None}}, tmp_path)
    write_json(tmp_path / "gan" / "BEGUN.json", {"digest": trained})
    with pytest.raises(ValueError, match="gan was begun"):
        pipeline.run(shipped, tmp_path)
    pipeline.run(shipped, tmp_path, stages=["gan"])
    pipeline.run(shipped, tmp_path)  # and, trained here, serves runs that would load the shipped ones
    assert ran == ["gan", "viewpoints", "report"]


def test_other_pretrained_weights_are_refused_in_a_finished_workdir(ran, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "PRETRAINABLE", ("gan",))
    pipeline.run(CONFIG | {"gan": {"pretrained": "toy"}}, tmp_path)
    with pytest.raises(ValueError, match="other settings or inputs"):
        pipeline.run(CONFIG | {"gan": {"pretrained": "another"}}, tmp_path)


def test_two_runs_do_not_share_a_workdir(ran, tmp_path, monkeypatch):
    def second_run(workdir, **settings):
        pipeline.run(CONFIG, workdir)

    monkeypatch.setitem(pipeline.STAGES, "viewpoints", (second_run, ("gan",)))
    with pytest.raises(ValueError, match="another run is working in"):
        pipeline.run(CONFIG, tmp_path)


def test_a_damaged_marker_is_named_with_its_remedy(ran, tmp_path):
    pipeline.run(CONFIG, tmp_path)
    (tmp_path / "gan" / "DONE.json").write_text("[]")
    with pytest.raises(ValueError, match="DONE.json names no digest; delete"):
        pipeline.run(CONFIG, tmp_path)


def test_no_stage_at_all_is_an_error(ran, tmp_path):
    with pytest.raises(ValueError, match="names no stage"):
        pipeline.run(CONFIG, tmp_path, stages=[])


def test_settings_that_a_stage_refused_may_be_corrected(ran, tmp_path, monkeypatch):
    def refuses(workdir, **settings):
        raise ValueError("views = 3 is too few")

    stages = dict(pipeline.STAGES)
    monkeypatch.setitem(pipeline.STAGES, "viewpoints", (refuses, ("gan",)))
    with pytest.raises(ValueError, match="too few"):
        pipeline.run(CONFIG, tmp_path)
    monkeypatch.setattr(pipeline, "STAGES", stages)
    pipeline.run(CONFIG | {"viewpoints": {"views": 4}}, tmp_path)
    assert ran == ["gan", "viewpoints", "report"]


def test_a_finished_stage_with_a_missing_file_is_named_as_the_one_to_make_again(ran, tmp_path, monkeypatch):
    def reads(workdir, **settings):
        raise FileNotFoundError(f"no such file: {workdir / 'gan' / 'generator.safetensors'}")

    monkeypatch.setitem(pipeline.STAGES, "viewpoints", (reads, ("gan",)))
    with pytest.raises(ValueError, match=r"generator.safetensors. Delete the finished stage's .*gan to"):
        pipeline.run(CONFIG, tmp_path)


def test_inverse_graphics_fed_by_the_gan_waits_for_the_views_and_not_for_the_set():
    config = {"inverse_graphics": {"source": "disk"}}
    assert "multiview_dataset" in pipeline.upstream("inverse_graphics", config)
    needed = pipeline.upstream("inverse_graphics", {"inverse_graphics": {"source": "generator"}})
    assert "multiview_dataset" not in needed and "viewpoints" in needed


def test_a_setting_that_is_not_finite_is_named_before_anything_is_written(ran, tmp_path):
    with pytest.raises(ValueError, match=r"viewpoints\.rates\.w = nan is no finite number"):
        pipeline.run(CONFIG | {"viewpoints": {"rates": {"w": float("nan")}}}, tmp_path / "new")
    assert ran == [] and not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"num_views": 0}, "num_views 0"),
        ({"num_views": 9, "num_candidates": 8}, "num_candidates 8 .*num_views 9"),
        ({"num_contents": 1}, "num_contents 1"),
    ],
)
def test_a_choice_of_views_that_cannot_be_is_refused_before_any_stage(ran, tmp_path, settings, name):
    with pytest.raises(ValueError, match=f"viewpoints.{name}"):
        pipeline.run(CONFIG | {"viewpoints": settings}, tmp_path / "run")
    assert ran == [] and not (tmp_path / "run").exists()
