"""Claims about looking at a run again, on stages of one file and one figure."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ganverse_jax.pipeline import provenance, verification
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.pipeline.run import Pipeline
from ganverse_jax.pipeline.settings import INERT
from ganverse_jax.pipeline.stage import Stage
from ganverse_jax.runtime.checkpoint import read_json, write_json, write_npz


@dataclass(frozen=True)
class Settings:
    flour: str
    grams: int = 300
    ovens: int = dataclasses.field(default=1, metadata=INERT)


def bake(run, settings):
    folder = run.workdir / "cake"
    write_json(folder / "dough.json", [float(settings.grams)])
    write_json(folder / "summary.json", {"weight": {"mean": float(settings.grams)}, "flour": "wheat", "s": 3})
    write_npz(folder / "figures.npz", cake=np.full((1, 4, 4, 3), 7, np.uint8))


def weighed(run, settings):
    [grams] = read_json(run.workdir / "cake" / "dough.json")
    cake = np.full((1, 4, 4, 3), 7, np.uint8)
    summary = {"weight": {"mean": grams}, "flour": "wheat"}
    return {"summary.json": summary, "figures.npz": {"cake": cake}}


CAKE = Stage("cake", "Cake", Settings, bake, reads=lambda settings: {"cake.flour": Path(settings.flour)},
             recomputed=weighed)  # fmt: skip
EATEN = Stage("eaten", "Eaten", Settings, lambda run, settings: None, needs=lambda settings: ("cake",))


def kitchen(folder, *, settings=None, stages=(CAKE, EATEN)) -> Pipeline:
    (folder / "flour").mkdir(exist_ok=True, parents=True)
    (folder / "flour" / "bag.txt").write_text("wheat")
    settings = settings or Settings(str(folder / "flour"))
    sections = {stage.name: settings for stage in stages}
    return Pipeline(Experiment("cake", num_devices=1, stages=sections), stages, folder / "run")


@pytest.fixture
def baked(tmp_path):
    pipeline = kitchen(tmp_path)
    pipeline.run()
    return pipeline


def found(pipeline, factor=1.0) -> dict:
    verdicts = list(verification.verify(pipeline, factor))
    assert [verdict.stage for verdict in verdicts] == ["cake", "eaten"]
    return {one.what: one for verdict in verdicts for one in verdict.findings}


def changed(folder, name, old, new):
    path = folder / "run" / "cake" / name
    path.write_text(path.read_text().replace(old, new))


def test_a_finished_stage_records_what_made_it(baked, tmp_path):
    done = read_json(tmp_path / "run" / "cake" / "DONE.json")
    assert done["made_by"]["code"] == provenance.code() and done["made_by"]["jax"]
    assert done["settings"]["grams"] == 300
    assert done["data"]["cake.flour"].startswith("bytes of 1 files ")
    assert set(done["files"]) == {"dough.json", "figures.npz", "summary.json"}
    assert f"code {provenance.code()}\n" in (tmp_path / "run" / "versions.txt").read_text()


def test_a_run_as_it_was_left_holds_to_the_last_digit(baked):
    verdicts = list(verification.verify(baked, 0.0))
    assert [(verdict.files, verdict.figures, verdict.findings) for verdict in verdicts] == [
        (3, 3, ()),
        (0, 0, ()),
    ]


def test_a_figure_that_its_data_do_not_give_is_told_with_its_distance(baked, tmp_path):
    changed(tmp_path, "summary.json", "300.0", "320.5")
    told = found(baked)
    assert (told["summary.json weight.mean"].recorded, told["summary.json weight.mean"].difference) == (
        320.5,
        20.5,
    )
    assert told["file summary.json"].wrong and set(told) == {"summary.json weight.mean", "file summary.json"}


def test_a_difference_within_the_tolerance_is_none_unless_a_smaller_one_is_asked_for(baked, tmp_path):
    changed(tmp_path, "summary.json", "300.0", "300.5")
    assert set(found(baked)) == {"file summary.json"}
    assert "summary.json weight.mean" in found(baked, factor=0.0)


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_files_that_are_gone_or_cut_are_named_and_what_needs_them_cannot_be_computed(baked, tmp_path, harm):
    path = tmp_path / "run" / "cake" / "dough.json"
    if harm == "gone":
        path.unlink()
    else:
        path.write_text("[30")
    told = found(baked)
    assert told["file dough.json"].found == "not here" or harm == "cut"
    assert "dough.json" in told["figures"].found and told["figures"].wrong


def test_pictures_are_compared_by_their_mean_difference(baked, tmp_path):
    write_npz(tmp_path / "run" / "cake" / "figures.npz", cake=np.full((1, 4, 4, 3), 9, np.uint8))
    assert found(baked)["figures.npz cake"].difference == 2.0


def test_settings_of_the_record_that_the_stage_was_not_made_with_are_named(baked, tmp_path):
    flour = str(tmp_path / "flour")
    told = found(kitchen(tmp_path, settings=Settings(flour, grams=400)))
    assert (told["setting grams"].recorded, told["setting grams"].found) == (300, 400)
    assert told["settings and inputs (digest)"].wrong
    assert not found(kitchen(tmp_path, settings=Settings(flour, ovens=2)))


def test_other_data_are_a_fault_and_absent_ones_none(baked, tmp_path):
    (tmp_path / "flour" / "bag.txt").write_text("sawdust")
    assert found(baked)["data of cake.flour"].wrong
    (tmp_path / "flour").rename(tmp_path / "elsewhere")
    assert not found(baked)["data of cake.flour"].wrong


def test_other_code_and_versions_are_told_and_no_fault_by_themselves(baked, monkeypatch):
    monkeypatch.setattr(provenance, "code", lambda: "other")
    told = found(baked)
    assert told["code"].found == "other" and not told["code"].wrong


def test_a_run_of_an_earlier_version_is_told_as_one_and_resumes(baked, tmp_path):
    for name in ("cake", "eaten"):
        path = tmp_path / "run" / name / "DONE.json"
        path.write_text(json.dumps({"digest": read_json(path)["digest"], "minutes": 0.1}))
    told = found(baked)
    assert set(told) == {"code, versions, data and files"}
    assert not told["code, versions, data and files"].wrong
    baked.run()


def test_a_stage_that_did_not_end_is_told_and_a_folder_without_any_refused(baked, tmp_path):
    (tmp_path / "run" / "eaten" / "DONE.json").rename(tmp_path / "run" / "eaten" / "BEGUN.json")
    assert found(baked)["stage"].found == "interrupted"
    with pytest.raises(ValueError, match=r"no stage is finished in .*new/run; give the folder of a run"):
        list(verification.verify(kitchen(tmp_path / "new")))


def test_looking_changes_nothing(baked, tmp_path):
    def state():
        paths = sorted((tmp_path / "run").rglob("*"))
        return [(path, path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in paths]

    before = state()
    list(verification.verify(baked))
    assert state() == before


def test_data_of_many_bytes_are_named_by_their_names_and_sizes(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("12")
    monkeypatch.setattr(provenance, "_READ_WHOLE", 1)
    one = provenance.data_read({"path": tmp_path, "gone": tmp_path / "b"})
    (tmp_path / "a").write_text("21")
    assert one == provenance.data_read({"path": tmp_path, "gone": tmp_path / "b"})
    assert one["path"].startswith("names and sizes of 1 files ") and one["gone"] is None
