"""Claims about the wandb sink: on a small stand-in for the package, and on that itself where installed."""

import sys

import numpy as np
import pytest

from ganverse_jax.runtime import sinks
from ganverse_jax.runtime.checkpoint import write_png
from ganverse_jax.runtime.loop import Metrics

STAND_IN = '''
"""Remembers what the package would be told."""

class Error(Exception):
    pass

class Image(str):
    pass

class Run:
    def __init__(self, **given):
        self.given, self.logged, self.axes, self.summary, self.finished = given, [], {}, {}, False

    def define_metric(self, name, step_metric):
        self.axes[name] = step_metric

    def log(self, values):
        self.logged.append(values)

    def finish(self):
        self.finished = True

runs, refusal = [], None

def init(**given):
    if refusal:
        raise Error(refusal)
    runs.append(Run(**given))
    return runs[-1]
'''


@pytest.fixture
def wandb(tmp_path_factory, monkeypatch):
    """The stand-in, in place of any installed one."""
    folder = tmp_path_factory.mktemp("installed")
    (folder / "wandb.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(folder)
    for name in ("wandb", "ganverse_jax.runtime.sinks.wandb"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import wandb

    yield wandb
    for name in ("wandb", "ganverse_jax.runtime.sinks.wandb"):
        sys.modules.pop(name, None)


def test_a_resumed_run_goes_on_in_the_same_one_and_tells_no_step_twice(wandb, tmp_path):
    write_png(tmp_path / "sheet.png", np.zeros((2, 2, 3), np.uint8))
    for first in (1, 3):  # the second time, steps 3 and 4 come again
        with sinks.opened("wandb", tmp_path, {"seed": 0}) as sink:
            metrics = Metrics(tmp_path, sink)
            metrics.rewind("gan", first - 1)
            for step in range(first, first + 4):
                metrics.write("gan", step, loss=1 / step)
                metrics.picture("gan", step, tmp_path / "sheet.png")
    before, after = wandb.runs
    assert before.given["id"] == after.given["id"] and after.given["resume"] == "allow"
    assert before.given["dir"] == str(tmp_path) and before.given["config"] == {"seed": 0}
    told = [values for run in wandb.runs for values in run.logged]
    assert [(values["gan/step"], values["gan/loss"]) for values in told if "gan/loss" in values] == [
        (step, 1 / step) for step in range(1, 7)
    ]
    assert [values["gan/step"] for values in told if "gan/samples" in values] == list(range(1, 7))
    assert after.axes == {"gan/*": "gan/step"} and before.finished and after.finished


def test_steps_that_come_again_with_other_values_are_told(wandb, tmp_path):
    for loss in (1.0, 2.0):  # the stage was deleted, to be made with other settings
        with sinks.opened("wandb", tmp_path, {}) as sink:
            metrics = Metrics(tmp_path, sink)
            metrics.rewind("gan", 0)
            metrics.write("gan", 1, loss=loss)
    assert [run.logged for run in wandb.runs] == [
        [{"gan/step": 1, "gan/loss": 1.0}],
        [{"gan/step": 1, "gan/loss": 2.0}],
    ]


def test_figures_of_what_logs_no_steps_are_the_runs_summary(wandb, tmp_path):
    with sinks.opened("wandb", tmp_path, {}) as sink:
        metrics = Metrics(tmp_path, sink)
        for count in (3, 4):
            metrics.write_anew("views", 0, count=count)
    assert wandb.runs[0].summary == {"views/count": 4.0} and wandb.runs[0].logged == []


def test_a_refusal_names_the_setting_and_what_to_do(wandb, tmp_path):
    wandb.refusal = "api_key not configured (no-tty).\nmore"
    with pytest.raises(RuntimeError, match=r"metrics.sink = 'wandb': api_key not .*; run `wandb login`, or"):
        with sinks.opened("wandb", tmp_path, {}):
            pass
    assert not (tmp_path / "wandb.json").exists()


@pytest.mark.slow
def test_the_package_itself_takes_a_run_and_its_resumption_without_a_network(tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="pip install wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    write_png(tmp_path / "sheet.png", np.zeros((2, 2, 3), np.uint8))
    for first in (1, 3):
        with sinks.opened("wandb", tmp_path, {"seed": 0}) as sink:
            metrics = Metrics(tmp_path, sink)
            metrics.rewind("gan", first - 1)
            metrics.write("gan", first, loss=0.5)
            metrics.picture("gan", first, tmp_path / "sheet.png")
            metrics.write_anew("views", 0, count=3)
    assert len(list((tmp_path / "wandb").glob("offline-run-*/*.wandb"))) == 2
