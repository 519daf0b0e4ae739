"""Claims about the GAN training step: device count does not matter, schedules hold, groups stay whole."""

import dataclasses
import functools
from functools import partial
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.models.stylegan2.networks import Discriminator, Generator
from ganverse_jax.runtime import parallel
from ganverse_jax.stages.gan.adaptive import initial_adaptive
from ganverse_jax.stages.gan.settings import Augment, Settings
from ganverse_jax.stages.gan.step import Phases, initial_state, make_step_at, strided_order

SETTINGS = Settings(
    batch_size=16, learning_rate=2e-3, r1_gamma=0.5, r1_interval=16, path_length_weight=2.0,
    path_length_interval=4, style_mixing=0.9, ema_half_life=1000.0, ema_rampup=0.05,
    decay=1.0, num_steps=2,
    augment=Augment(adaptive=True, probability=0.3, interval=2, ramp=320),
)  # fmt: skip
GENERATOR = Generator(resolution=8, z_dim=8, w_dim=8, mapping_layers=2, channel_base=64, channel_max=8)
DISCRIMINATOR = Discriminator(resolution=8, channel_base=64, channel_max=8, mbstd_group=4)


def fast_compile():
    """Where functions are jitted: code that runs slower and compiles 2.5 times faster."""
    options = {"xla_backend_optimization_level": 0}
    return mock.patch.object(jax, "jit", partial(jax.jit, compiler_options=options))


@functools.cache
def _initial():
    with fast_compile():
        return initial_state(GENERATOR, DISCRIMINATOR, key=jax.random.key(1))


@functools.cache  # compiling the phases is what takes the time here
def _train(num_devices, steps=(0, 1, 2), compute_dtype="float32"):
    """Every state from the first step on, and the metrics of each step."""
    mesh = parallel.data_mesh(num_devices)
    state, noise = _initial()
    settings = dataclasses.replace(SETTINGS, compute_dtype=compute_dtype)
    with fast_compile():
        step_at = make_step_at(Phases(GENERATOR, DISCRIMINATOR, noise, settings), settings, mesh)
    state = parallel.replicate(state | initial_adaptive(settings.augment), mesh)
    order = strided_order(16, num_devices, 4)
    states, metrics = [], []
    for index in steps:
        state, values = step_at(index)(state, _batch(order), key=jax.random.key(index))
        states.append(jax.device_get(state))
        metrics.append(jax.device_get(values))
    return states, metrics


def _batch(order):
    reals = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), dtype=np.uint8)
    return {"real": reals[order], "index": order.astype(np.int32)}


def test_one_and_four_devices_give_the_same_parameters():
    one, four = _train(1), _train(4)
    # Adam turns rounding of near-zero gradients into steps of up to its learning rate (2e-3); means
    # over 16 float32 examples in another order stay two orders below that.
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(four), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=3e-5)


def test_regularisers_run_on_their_schedules():
    states, (first, second, _) = _train(1)
    assert {"r1", "path_length_penalty", "loss_g", "loss_d"} <= set(first)
    assert "r1" not in second and "path_length_penalty" not in second
    assert states[-1]["images_seen"] == 48


def test_training_ends_at_a_rate_of_zero():
    (_, second, third), _ = _train(1)
    for name in ("g", "d"):
        for a, b in zip(jax.tree.leaves(second[name]), jax.tree.leaves(third[name]), strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(second["w_avg"], third["w_avg"])  # the step did run


def test_the_adaptive_probability_moves_by_its_speed_every_interval():
    states, metrics = _train(1)
    first, second, third = (float(state["augment_p"]) for state in states)
    assert first == np.float32(0.3) and third == second
    assert abs(second - first) == pytest.approx(2 * 16 / 320)
    signs = [float(values["sign_real"]) for values in metrics]
    assert (second > first) == (np.mean(signs[:2]) > 0.6)
    assert float(states[2]["augment_signs"]) == signs[2]


def test_without_augmentation_the_discriminator_sees_the_images_themselves():
    state, noise = _initial()
    settings = dataclasses.replace(SETTINGS, augment=Augment())
    phases = Phases(GENERATOR, DISCRIMINATOR, noise, settings)
    images = jnp.ones((16, 8, 8, 3))
    assert phases._augmented(images, jax.random.key(0), _batch(np.arange(16)), state) is images


@pytest.mark.slow
def test_a_step_in_half_precision_changes_parameters_in_float32():
    (state,), (metrics,) = _train(1, steps=(1,), compute_dtype="bfloat16")
    assert all(np.isfinite(value) for value in metrics.values())
    before, _ = _initial()
    for name in ("g", "d", "ema", "g_optimizer", "d_optimizer"):
        for old, new in zip(*map(jax.tree.leaves, (before[name], state[name])), strict=True):
            assert new.dtype == old.dtype and np.isfinite(new).all()
    old, new = before["d"]["b8"]["conv0"]["weight"], state["d"]["b8"]["conv0"]["weight"]
    assert new.dtype == np.float32 and (old != new).mean() > 0.9


@pytest.mark.parametrize("num_devices", [1, 2, 4])
def test_stddev_groups_hold_the_same_examples_on_any_number_of_devices(num_devices):
    order = strided_order(16, num_devices, 4).reshape(num_devices, 4, -1)
    groups = {
        tuple(order[device, :, column]) for device in range(num_devices) for column in range(order.shape[2])
    }
    assert groups == {(m, m + 4, m + 8, m + 12) for m in range(4)}


def test_a_batch_that_breaks_groups_names_the_setting():
    with pytest.raises(ValueError, match="gan.batch_size = 12 does not split"):
        strided_order(12, 2, 4)
