"""Claims about data parallelism: same numbers on any number of devices, clear errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.runtime import parallel


def _step(state, batch, *, key):
    def loss(weight):
        noise = jax.vmap(jax.random.normal)(parallel.example_keys(key, batch["index"]))
        return jnp.mean((batch["x"] * weight + noise) ** 2)

    value, gradient = jax.value_and_grad(loss)(state["weight"])
    return {"weight": state["weight"] - 0.1 * parallel.mean(gradient)}, {"loss": parallel.mean(value)}


def _run(num_devices):
    mesh = parallel.data_mesh(num_devices)
    step = parallel.data_parallel(_step, mesh)
    state = parallel.replicate({"weight": np.float32(2.0)}, mesh)
    batch = {"x": np.linspace(-1, 1, 8, dtype=np.float32), "index": np.arange(8, dtype=np.int32)}
    for index in range(3):
        state, metrics = step(state, batch, key=jax.random.key(index))
        jax.block_until_ready(state)
    return float(state["weight"]), float(metrics["loss"])


def test_one_and_four_devices_take_the_same_steps():
    # Only the order of summation over eight float32 numbers differs.
    np.testing.assert_allclose(_run(1), _run(4), rtol=1e-6)


def test_replicated_state_is_a_copy():
    source = jnp.ones(3)
    mesh = parallel.data_mesh(1)
    step = parallel.data_parallel(lambda state, batch, *, key: (state + 1, {}), mesh)
    step(parallel.replicate(source, mesh), {"x": np.zeros(1)}, key=jax.random.key(0))
    np.testing.assert_array_equal(source, np.ones(3))  # would raise if donated away


def test_the_state_is_donated():
    mesh = parallel.data_mesh(1)
    step = parallel.data_parallel(lambda state, batch, *, key: (state + 1, {}), mesh)
    state = parallel.replicate(jnp.ones(3), mesh)
    step(state, {"x": np.zeros(1)}, key=jax.random.key(0))
    assert state.is_deleted()


def test_batch_that_does_not_split_names_the_setting():
    with pytest.raises(ValueError, match=r"gan\.batch_size = 6 is not divisible by 4 devices"):
        parallel.check_divisible(6, 4, "gan.batch_size")


def test_micro_batches_that_do_not_split_name_the_setting():
    with pytest.raises(
        ValueError, match=r"gan\.batch_size = 4 .* by 2 devices with 4 micro-batches each; .* 8"
    ):
        parallel.check_divisible(4, 2, "gan.batch_size", 4)


def test_parts_of_a_batch_have_together_its_gradient_in_less_memory():
    batch = {"x": np.linspace(-1, 1, 512, dtype=np.float32).reshape(64, 8)}
    weight = np.full((8, 512), 0.1, np.float32)

    def gradient_in(parts):
        def loss(weight, part):
            return jnp.mean(jnp.sin(part["x"] @ weight) ** 2)

        def whole(weight, batch):
            part = lambda rows: jax.grad(loss)(weight, rows)  # noqa: E731
            return parallel.in_micro_batches(part, batch, parts)

        compiled = jax.jit(whole).lower(weight, batch).compile()
        return compiled(weight, batch), compiled.memory_analysis().temp_size_in_bytes

    (one, needed), (four, needed_by_parts) = gradient_in(1), gradient_in(4)
    np.testing.assert_allclose(one, four, atol=1e-7)  # sums of float32 numbers below 1e-1, in another order
    assert needed_by_parts < needed / 2


def test_more_devices_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="64 devices asked for"):
        parallel.data_mesh(64)
