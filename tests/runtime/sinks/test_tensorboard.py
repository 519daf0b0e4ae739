"""Claims about TensorBoard's event files, written by tensorboardX and read back by their format."""

import os
import signal

import jax
import numpy as np
import pytest

from ganverse_jax.runtime import hosts, parallel, sinks
from ganverse_jax.runtime.checkpoint import write_png
from ganverse_jax.runtime.loop import Loop, Metrics

pytest.importorskip("tensorboardX", reason="pip install tensorboardX")

from tests.runtime.sinks.event_reader import events, pictures, scalars  # noqa: E402


class Killed(Exception):
    """What ends a training in between."""


def opened(workdir):
    return sinks.opened("tensorboard", workdir, {})


def trained(workdir, killed_at=None):
    """Thirty steps, logged each, saved with a picture at every tenth; or fewer, with Killed."""

    def batch_at(index):
        if index == killed_at:
            raise Killed
        return {"x": np.full(4, index / 7, np.float32)}

    def step(state, batch, *, key):
        return state, {"loss": batch["x"].sum()}

    def on_save(step, state):
        write_png(workdir / "sheet.png", np.full((4, 4, 3), step, np.uint8))
        metrics.picture("gan", step, workdir / "sheet.png")

    with opened(workdir) as sink:
        metrics = Metrics(workdir, sink)
        loop = Loop(
            "gan", 30, jax.random.key(0), parallel.data_mesh(1), metrics, workdir / "checkpoints",
            log_every=1, save_every=10, on_save=on_save,
        )  # fmt: skip
        loop.fit({"w": np.zeros(2, np.float32)}, lambda _: step, batch_at)


def test_a_training_that_was_interrupted_has_every_step_once_with_the_values_of_metrics_jsonl(tmp_path):
    folder = tmp_path / "tensorboard" / "gan"
    with pytest.raises(Killed):
        trained(tmp_path, killed_at=17)
    assert [step for step, _ in scalars(folder, "loss")] == list(range(1, 18))
    trained(tmp_path)
    rows = [(row["step"], float(np.float32(row["loss"]))) for row in Metrics(tmp_path).read()]
    assert scalars(folder, "loss") == rows and [step for step, _ in rows] == list(range(1, 31))
    sheets = pictures(folder)
    assert [step for step, _ in sheets] == [10, 20, 30]
    assert sheets[-1][1] == (tmp_path / "sheet.png").read_bytes()


def test_what_was_told_is_on_the_disk_before_the_sink_is_closed(tmp_path):
    with opened(tmp_path) as sink:
        Metrics(tmp_path, sink).write("gan", 5, loss=0.25, logits=3.0)
        assert scalars(tmp_path / "tensorboard" / "gan", "loss") == [(5, 0.25)]
        assert scalars(tmp_path / "tensorboard" / "gan", "logits") == [(5, 3.0)]


def test_an_event_that_a_kill_cut_short_is_dropped_when_the_stage_goes_on(tmp_path):
    with opened(tmp_path) as sink:
        for step in (1, 2, 3):
            Metrics(tmp_path, sink).write("gan", step, loss=step)
    (path,) = (tmp_path / "tensorboard" / "gan").iterdir()
    path.write_bytes(path.read_bytes()[:-7])
    with opened(tmp_path) as sink:
        metrics = Metrics(tmp_path, sink)
        metrics.rewind("gan", 2)
        metrics.write("gan", 3, loss=4.0)
    assert scalars(tmp_path / "tensorboard" / "gan", "loss") == [(1, 1.0), (2, 2.0), (3, 4.0)]


def test_a_rewind_that_was_killed_before_its_end_doubles_nothing(tmp_path):
    with opened(tmp_path) as sink:
        for step in (1, 2):
            Metrics(tmp_path, sink).write("gan", step, loss=step)
    (path,) = (tmp_path / "tensorboard" / "gan").iterdir()
    path.with_name(f"{path.name}.older").write_bytes(path.read_bytes())
    with opened(tmp_path) as sink:
        Metrics(tmp_path, sink).rewind("gan", 2)
    assert scalars(tmp_path / "tensorboard" / "gan", "loss") == [(1, 1.0), (2, 2.0)]


def test_a_tensorboard_that_shows_the_steps_to_come_again_is_told_to_drop_them(tmp_path):
    with opened(tmp_path) as sink:
        metrics = Metrics(tmp_path, sink)
        metrics.write("gan", 1, loss=1.0)
        metrics.rewind("gan", 0)
    (start,) = (event for event in events(tmp_path / "tensorboard" / "gan") if event.HasField("session_log"))
    assert start.step == 1 and start.session_log.status == start.session_log.START


def test_figures_of_what_logs_no_steps_stand_once(tmp_path):
    with opened(tmp_path) as sink:
        metrics = Metrics(tmp_path, sink)
        for count in (3, 4):
            metrics.write_anew("views", 0, count=count)
    assert scalars(tmp_path / "tensorboard" / "views", "count") == [(0, 4.0)]


def test_a_sink_that_is_set_later_is_told_what_was_logged_before(tmp_path):
    Metrics(tmp_path).write("gan", 1, loss=0.5)
    Metrics(tmp_path / "posed").write("inverse_graphics", 2, loss=0.75)
    with opened(tmp_path) as sink:
        metrics = Metrics(tmp_path, sink)
        metrics.of_folder("posed").write("inverse_graphics", 3, loss=1.0)
    with opened(tmp_path) as sink:  # and once
        Metrics(tmp_path, sink)
    assert scalars(tmp_path / "tensorboard" / "gan", "loss") == [(1, 0.5)]
    inner = tmp_path / "tensorboard" / "posed" / "inverse_graphics"
    assert scalars(inner, "loss") == [(2, 0.75), (3, 1.0)]


def test_sigterm_outside_a_training_ends_as_an_exit_with_the_sink_closed(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught, opened(tmp_path) as sink:
        sink.write("gan", 1, {"loss": 1.0})
        (writer,) = sink._writers.values()
        os.kill(os.getpid(), signal.SIGTERM)
        signal.sigtimedwait([], 1)  # the handler runs before this returns
    assert caught.value.code == hosts.STOPPED
    assert writer._py_recordio_writer._writer.closed and signal.getsignal(signal.SIGTERM) is before
