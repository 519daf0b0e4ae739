"""Claims about the order of stages, on stages that only tell that they ran."""

import dataclasses
import errno
import os
from dataclasses import dataclass

import pytest

from ganverse_jax.pipeline.experiment import Experiment, MetricsSettings
from ganverse_jax.pipeline.run import Pipeline
from ganverse_jax.pipeline.stage import Stage
from ganverse_jax.runtime import sinks
from ganverse_jax.runtime.checkpoint import read_json, write_json


@dataclass(frozen=True)
class Weights:
    pretrained: str | None = None


@dataclass(frozen=True)
class Views:
    views: int = 3


class Kitchen:
    """Three stages, each reading the one before; `ran` has those that ran, in order."""

    def __init__(self, workdir):
        self.workdir, self.ran = workdir, []
        self.sections = {"gan": Weights(), "viewpoints": Views(), "report": Views()}
        stages = [
            Stage("gan", "GAN", Weights, self.tell("gan"), pretrained=True),
            Stage("viewpoints", "Views", Views, self.tell("viewpoints"), needs=lambda settings: ("gan",)),
            Stage(
                "report", "Report", Views, self.tell("report"), needs=lambda _: ("viewpoints",), always=True
            ),
        ]
        self.stages = {stage.name: stage for stage in stages}

    def tell(self, name):
        return lambda run, settings: self.ran.append(name)

    def make(self, name, function):
        """Put another function in place of a stage's."""
        self.stages[name] = dataclasses.replace(self.stages[name], run=function)

    def pipeline(self, metrics=MetricsSettings(), **sections):  # noqa: B008
        experiment = Experiment("cake", num_devices=1, metrics=metrics, stages=self.sections | sections)
        return Pipeline(experiment, tuple(self.stages.values()), self.workdir)

    def run(self, names=None, *, until=None, **sections):
        self.pipeline(**sections).run(names, until=until)


@pytest.fixture
def kitchen(tmp_path):
    return Kitchen(tmp_path)


def test_stages_run_once_in_order_and_the_report_always(kitchen, tmp_path):
    kitchen.run()
    kitchen.run()
    assert kitchen.ran == ["gan", "viewpoints", "report", "report"]
    recorded = read_json(tmp_path / "config.json")
    assert recorded["viewpoints"] == {"views": 3} and recorded["seed"] == 0


def test_a_file_as_workdir_and_a_cut_record_are_told_by_name(kitchen, tmp_path):
    (tmp_path / "config.json").write_text("[1")
    with pytest.raises(ValueError, match=r"config.json is not valid JSON .*put it back, or use a new"):
        kitchen.run()
    with pytest.raises(NotADirectoryError, match="config.json is a file; name a folder"):
        Kitchen(tmp_path / "config.json").run()


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_workdir_that_may_not_be_written_is_named_with_its_remedy(kitchen, tmp_path, monkeypatch, number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(type(tmp_path), "mkdir", refuse)
    with pytest.raises(PermissionError) as caught:
        kitchen.run()
    assert f"{tmp_path} cannot be written ({os.strerror(number)}); give as --workdir a" in str(caught.value)
    assert kitchen.ran == []


def test_until_ends_after_the_stage_named(kitchen):
    kitchen.run(until="viewpoints")
    assert kitchen.ran == ["gan", "viewpoints", "report"]  # which shows them


def shows_all(kitchen):
    """Let the report need nothing, as that of a run."""
    kitchen.stages["report"] = dataclasses.replace(kitchen.stages["report"], needs=lambda settings: ())


def test_what_shows_the_workdir_is_made_anew_after_each_stage_that_finishes(kitchen):
    shows_all(kitchen)
    kitchen.run()
    assert kitchen.ran == ["gan", "report", "viewpoints", "report"]


def test_what_shows_the_workdir_is_made_where_the_names_leave_it_out_but_for_none_that_was_done(
    kitchen, capsys
):
    shows_all(kitchen)
    kitchen.run(["gan"])
    kitchen.run(["gan"])
    assert kitchen.ran == ["gan", "report"]
    assert "[report] made anew after gan\n" in capsys.readouterr().out


def test_an_error_of_what_shows_the_workdir_is_told_and_the_run_goes_on_to_raise_it_at_the_end(
    kitchen, capsys
):
    def fails(run, settings):
        raise KeyError("figures")

    shows_all(kitchen)
    kitchen.make("report", fails)
    with pytest.raises(KeyError, match="figures"):
        kitchen.run()
    assert kitchen.ran == ["gan", "viewpoints"]
    told = capsys.readouterr().out
    assert "[report] could not be made after gan (KeyError: 'figures'); the run goes on\n" in told


def test_an_experiment_without_a_report_makes_none_in_between(kitchen):
    shows_all(kitchen)
    kitchen.run(report=None)
    assert kitchen.ran == ["gan", "viewpoints"]


def test_a_stage_waits_for_what_it_reads(kitchen):
    with pytest.raises(ValueError, match=r"stage viewpoints needs \['gan'\]"):
        kitchen.run(["viewpoints"])
    assert kitchen.ran == []


def test_a_named_stage_takes_the_shipped_weights_that_it_reads(kitchen, tmp_path):
    kitchen.run(["viewpoints"], gan=Weights("toy"))
    kitchen.run(gan=Weights("toy"))
    assert kitchen.ran == ["gan", "viewpoints", "report", "report"]
    assert read_json(tmp_path / "gan" / "DONE.json")["pretrained"] == "toy"


def test_a_stage_that_is_no_part_of_the_experiment_is_not_waited_for(kitchen):
    kitchen.run(gan=None)
    assert kitchen.ran == ["viewpoints", "report"]


def test_a_stage_that_is_no_part_of_the_experiment_cannot_be_named(kitchen):
    with pytest.raises(ValueError, match=r"this experiment has no stage \['gan'\]"):
        kitchen.run(["gan"], gan=None)


def test_all_that_is_absent_of_all_chosen_stages_is_told_before_any_begins(kitchen):
    gone = lambda name: lambda settings: [f"{name}.path: nothing at 'a'; get it", "shared: get it"]  # noqa: E731
    for name in ("gan", "viewpoints"):
        kitchen.stages[name] = dataclasses.replace(kitchen.stages[name], absent=gone(name))
    with pytest.raises(FileNotFoundError) as caught:
        kitchen.run()
    told = [line.strip() for line in str(caught.value).splitlines()[1:]]
    assert told == [
        "gan.path: nothing at 'a'; get it",
        "shared: get it",
        "viewpoints.path: nothing at 'a'; get it",
    ]
    assert kitchen.ran == []
    with pytest.raises(FileNotFoundError, match=r"begun:\n  gan.path.*\n  shared: get it$"):
        kitchen.run(until="gan")


def test_a_missing_package_of_the_metrics_sink_is_told_before_any_stage_begins(kitchen, monkeypatch):
    monkeypatch.setitem(sinks.PACKAGES, "tensorboard", "no_such_package")
    with pytest.raises(ImportError, match="metrics.sink = 'tensorboard'.*pip install no_such_package"):
        kitchen.run(metrics=MetricsSettings("tensorboard"))
    assert kitchen.ran == []


def test_where_metrics_are_told_changes_no_digest(kitchen, tmp_path):
    pytest.importorskip("tensorboardX", reason="pip install tensorboardX")
    kitchen.run()
    kitchen.run(metrics=MetricsSettings("tensorboard"))
    assert kitchen.ran == ["gan", "viewpoints", "report", "report"]
    assert (tmp_path / "tensorboard").is_dir()


def test_what_a_finished_stage_read_may_be_gone(kitchen):
    kitchen.run()
    kitchen.stages["gan"] = dataclasses.replace(kitchen.stages["gan"], absent=lambda settings: ["gone"])
    kitchen.run()
    assert kitchen.ran[-1] == "report"


def test_changed_settings_are_refused_with_the_remedy(kitchen):
    kitchen.run()
    with pytest.raises(ValueError, match="other settings or inputs.*new --workdir, or delete"):
        kitchen.run(viewpoints=Views(4))


def test_a_refused_run_leaves_the_record_of_the_settings(kitchen, tmp_path):
    kitchen.run()
    with pytest.raises(ValueError, match="other settings"):
        kitchen.run(["viewpoints"], viewpoints=Views(4))
    assert read_json(tmp_path / "config.json")["viewpoints"] == {"views": 3}


def test_a_workdir_of_an_earlier_version_is_refused_in_a_line(kitchen, tmp_path):
    write_json(tmp_path / "config.json", {"seed": 0, "gan": {}})
    with pytest.raises(ValueError, match="config.json of format 1, here 2.*use a new --workdir"):
        kitchen.run()
    assert kitchen.ran == []


def interrupted(run, settings):
    raise KeyboardInterrupt


def test_an_interrupted_stage_goes_on_with_its_own_settings_only(kitchen):
    kitchen.make("viewpoints", interrupted)
    with pytest.raises(KeyboardInterrupt):
        kitchen.run()
    kitchen.make("viewpoints", kitchen.tell("viewpoints"))
    with pytest.raises(ValueError, match="viewpoints was begun in .* with other settings and interrupted"):
        kitchen.run(viewpoints=Views(4))
    kitchen.run()
    assert kitchen.ran == ["gan", "viewpoints", "report"]


def test_an_interrupted_training_is_not_replaced_by_shipped_weights(kitchen, tmp_path):
    (tmp_path / "gan").mkdir()
    trained = kitchen.pipeline(gan=Weights("toy")).digest("gan", Weights())
    write_json(tmp_path / "gan" / "BEGUN.json", {"digest": trained})
    with pytest.raises(ValueError, match="gan was begun"):
        kitchen.run(gan=Weights("toy"))
    kitchen.run(["gan"], gan=Weights("toy"))
    kitchen.run(gan=Weights("toy"))  # and, trained here, serves runs that would load the shipped ones
    assert kitchen.ran == ["gan", "viewpoints", "report"]


def test_a_run_killed_just_after_a_stage_leaves_nothing_of_its_training(kitchen, tmp_path):
    """A stage's own folder may be laid out like a workdir."""
    kitchen.run()
    begun, made = tmp_path / "viewpoints" / "BEGUN.json", read_json(tmp_path / "viewpoints" / "DONE.json")
    write_json(begun, {"digest": made["digest"]})
    folders = tmp_path / "checkpoints" / "viewpoints", tmp_path / "viewpoints" / "checkpoints"
    for folder in folders:
        folder.mkdir(parents=True)
    kitchen.run()
    assert not begun.exists() and not any(folder.exists() for folder in folders)
    assert kitchen.ran == ["gan", "viewpoints", "report", "report"]


def test_other_pretrained_weights_are_refused_in_a_finished_workdir(kitchen):
    kitchen.run(gan=Weights("toy"))
    with pytest.raises(ValueError, match="other settings or inputs"):
        kitchen.run(gan=Weights("another"))


def test_two_runs_do_not_share_a_workdir(kitchen):
    kitchen.make("viewpoints", lambda run, settings: kitchen.run())
    with pytest.raises(ValueError, match="another run is working in"):
        kitchen.run()


def test_a_damaged_marker_is_named_with_its_remedy(kitchen, tmp_path):
    kitchen.run()
    (tmp_path / "gan" / "DONE.json").write_text("[]")
    with pytest.raises(ValueError, match="DONE.json names no digest; delete"):
        kitchen.run()


def test_no_stage_at_all_is_an_error(kitchen):
    with pytest.raises(ValueError, match="names no stage"):
        kitchen.run([])


def test_settings_that_a_stage_refused_may_be_corrected(kitchen):
    def refuses(run, settings):
        raise ValueError("views = 3 is too few")

    kitchen.make("viewpoints", refuses)
    with pytest.raises(ValueError, match="too few"):
        kitchen.run()
    kitchen.make("viewpoints", kitchen.tell("viewpoints"))
    kitchen.run(viewpoints=Views(4))
    assert kitchen.ran == ["gan", "viewpoints", "report"]


def test_a_finished_stage_with_a_missing_file_is_named_as_the_one_to_make_again(kitchen):
    def reads(run, settings):
        raise FileNotFoundError(f"no such file: {run.workdir / 'gan' / 'generator.safetensors'}")

    kitchen.make("viewpoints", reads)
    with pytest.raises(ValueError, match=r"generator.safetensors. Delete the finished stage's .*gan to"):
        kitchen.run()


def test_what_a_person_edited_is_checked_when_the_stage_was_done_and_when_others_read_it(kitchen):
    def edited(workdir):
        raise ValueError("edited since")

    kitchen.run(until="viewpoints")
    kitchen.stages["viewpoints"] = dataclasses.replace(kitchen.stages["viewpoints"], check_edited=edited)
    for names in (None, ["report"]):
        with pytest.raises(ValueError, match="edited since"):
            kitchen.run(names)
    assert kitchen.ran == ["gan", "viewpoints", "report"]
