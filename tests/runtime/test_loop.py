"""Claims about the training loop: resume to the bit, non-finite values stop it, logs stay consistent."""

import os
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.runtime import parallel
from ganverse_jax.runtime.loop import Loop, Metrics
from ganverse_jax.runtime.step_checkpoints import Checkpoints


def _noisy_descent(state, batch, *, key):
    gradient = jnp.mean(batch["x"]) * state["w"] + 0.1 * jax.random.normal(key, state["w"].shape)
    state = {"w": state["w"] - 0.05 * gradient}
    return state, {"norm": parallel.mean(jnp.sum(state["w"] ** 2))}


def _fit(workdir, num_steps, step=_noisy_descent, batch_at=None, steps_at=None, limits=None):
    mesh = parallel.data_mesh(1)
    compiled = parallel.data_parallel(step, mesh)
    metrics = Metrics(workdir)
    loop = Loop(
        num_steps=num_steps, key=jax.random.key(0), mesh=mesh, stage="toy",
        checkpoints=workdir / "checkpoints", metrics=metrics, log_every=2, save_every=4,
        limits=limits or {},
    )  # fmt: skip
    batch_at = batch_at or (lambda index: {"x": np.full(4, 0.1 * index, np.float32)})
    state = loop.fit({"w": np.ones(5, np.float32)}, steps_at or (lambda index: compiled), batch_at)
    return np.asarray(state["w"]), metrics.read()


def test_an_interrupted_run_ends_with_the_same_bits(tmp_path):
    whole, rows = _fit(tmp_path / "whole", 10)

    class Killed(Exception):
        pass

    def batch_at(index):
        if index == 7:
            raise Killed
        return {"x": np.full(4, 0.1 * index, np.float32)}

    with pytest.raises(Killed):
        _fit(tmp_path / "resumed", 10, batch_at=batch_at)
    resumed, resumed_rows = _fit(tmp_path / "resumed", 10)
    np.testing.assert_array_equal(whole, resumed)
    assert rows == resumed_rows


def test_a_run_told_to_stop_saves_its_step_and_later_has_the_lines_of_an_undisturbed_one(tmp_path, capsys):
    whole, rows = _fit(tmp_path / "whole", 10)

    def batch_at(index):
        if index == 4:  # neither logged nor saved otherwise
            os.kill(os.getpid(), signal.SIGTERM)
        return {"x": np.full(4, 0.1 * index, np.float32)}

    with pytest.raises(SystemExit) as caught:
        _fit(tmp_path / "stopped", 10, batch_at=batch_at)
    assert caught.value.code == 143
    resumed, resumed_rows = _fit(tmp_path / "stopped", 10)
    assert "[toy] resumed from step 5\n" in capsys.readouterr().out
    np.testing.assert_array_equal(whole, resumed)
    assert rows == resumed_rows


def test_what_is_reported_now_and_then_is_logged_after_a_resume_as_without_one(tmp_path, capsys):
    def step(state, batch, *, key):
        state, values = _noisy_descent(state, batch, key=key)
        return state, values | {"lazy": values["norm"]}

    compiled = [parallel.data_parallel(one, parallel.data_mesh(1)) for one in (step, _noisy_descent)]
    steps_at = lambda index: compiled[min(index % 7, 1)]  # noqa: E731
    whole, rows = _fit(tmp_path / "whole", 10, steps_at=steps_at)
    _fit(tmp_path / "resumed", 4, steps_at=steps_at)
    assert "resumed" not in capsys.readouterr().out
    resumed, resumed_rows = _fit(tmp_path / "resumed", 10, steps_at=steps_at)
    assert "[toy] resumed from step 4\n" in capsys.readouterr().out
    np.testing.assert_array_equal(whole, resumed)
    assert rows == resumed_rows and all("lazy" in row for row in rows)


def test_non_finite_metric_stops_with_name_and_step_and_keeps_the_checkpoint(tmp_path):
    def batch_at(index):
        return {"x": np.full(4, np.nan if index == 5 else 0.0, np.float32)}

    with pytest.raises(FloatingPointError, match="toy: norm = nan at step 6: the training diverged"):
        _fit(tmp_path, 10, batch_at=batch_at)
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    assert checkpoints.latest_step() == 4
    assert np.isfinite(checkpoints.restore({"w": np.zeros(5, np.float32)})["w"]).all()
    checkpoints.close()


def test_a_metric_beyond_its_limit_is_called_diverged_before_a_checkpoint(tmp_path):
    def growing(state, batch, *, key):
        return {"w": state["w"] * 10}, {"norm": parallel.mean(jnp.sum(state["w"] ** 2))}

    with pytest.raises(FloatingPointError, match=r"toy: norm = 5\d+\.0 at step 4: the training diverged"):
        _fit(tmp_path, 10, step=growing, limits={"norm": 1e6})
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    assert checkpoints.latest_step() is None
    checkpoints.close()


def test_a_state_that_is_not_finite_is_never_saved_even_if_the_losses_are(tmp_path):
    def infinite_gradient(state, batch, *, key):
        del key
        gradient = jnp.where(batch["x"][0] > 0.65, jnp.inf, 0.1)  # at step 8, where a checkpoint is due
        return {"w": state["w"] - gradient}, {"norm": parallel.mean(jnp.sum(state["w"] ** 2))}

    with pytest.raises(FloatingPointError, match=r"toy: \['w'\] is not finite after step 8"):
        _fit(tmp_path, 10, step=infinite_gradient)
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    assert checkpoints.latest_step() == 4
    checkpoints.close()


def test_a_torn_last_log_line_is_left_out(tmp_path):
    metrics = Metrics(tmp_path)
    metrics.write("gan", 1, loss=0.5)
    with open(metrics.path, "a") as file:
        file.write('{"stage": "gan", "st')
    assert metrics.read() == [{"stage": "gan", "step": 1, "loss": 0.5}]


@pytest.mark.parametrize("damage", [b"nonsense", b'{"stage": "\xff"}'])
def test_a_damaged_log_names_file_and_line(tmp_path, damage):
    metrics = Metrics(tmp_path)
    metrics.path.write_bytes(damage + b'\n{"stage": "gan", "step": 1}\n')
    with pytest.raises(ValueError, match=r"metrics\.jsonl:1 is not JSON"):
        metrics.read()


def test_a_line_cut_short_is_dropped_when_the_next_is_written(tmp_path):
    metrics = Metrics(tmp_path)
    metrics.write("gan", 1, loss=1.0)
    with open(metrics.path, "a") as file:
        file.write('{"stage": "ga')
    metrics.write("gan", 2, loss=2.0)
    assert [row["step"] for row in metrics.read()] == [1, 2]


def test_the_one_line_of_a_stage_is_not_doubled_by_a_run_that_was_killed_after_it(tmp_path):
    metrics = Metrics(tmp_path)
    metrics.write("gan", 4, loss=1.0)
    for _ in range(2):
        metrics.write_anew("views", 0, count=3)
    assert [(row["stage"], row["step"]) for row in metrics.read()] == [("gan", 4), ("views", 0)]


@pytest.mark.parametrize("num_steps", [0, -5])
def test_training_for_no_steps_is_an_error(tmp_path, num_steps):
    with pytest.raises(ValueError, match=f"num_steps = {num_steps}; set it to 1 or more"):
        _fit(tmp_path, num_steps)
