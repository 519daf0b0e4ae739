"""Claims about the order of stages, on stages that only tell that they ran."""

import pytest

from ganverse_jax.checkpoint import read_json
from ganverse_jax.stages import pipeline

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


def test_a_stage_that_is_no_part_of_the_experiment_is_not_waited_for(ran, tmp_path):
    pipeline.run(CONFIG | {"gan": None}, tmp_path)
    assert ran == ["viewpoints", "report"]


def test_changed_settings_are_refused_with_the_remedy(ran, tmp_path):
    pipeline.run(CONFIG, tmp_path)
    with pytest.raises(ValueError, match="other settings or inputs.*new --workdir, or delete"):
        pipeline.run(CONFIG | {"viewpoints": {"views": 4}}, tmp_path)
