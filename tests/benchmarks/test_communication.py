"""benchmarks.communication: collectives are found, in what is traced and in what is compiled."""

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import PartitionSpec as P

from benchmarks import communication
from ganverse_jax.runtime import parallel

FLOATS = 6


def counted(body, devices=4):
    """(traced, compiled) rows of a body over devices, by kind."""
    mesh = parallel.data_mesh(devices)
    step = jax.jit(
        jax.shard_map(body, mesh=mesh, in_specs=P(parallel.AXIS), out_specs=P(parallel.AXIS), check_vma=False)
    )
    batch = jax.ShapeDtypeStruct((devices, FLOATS), jnp.float32)
    traced = communication.traced_collectives(jax.make_jaxpr(step)(batch).jaxpr)
    compiled = communication.compiled_collectives(step.lower(batch).compile().as_text())
    return [{row["collective"]: row for row in communication.summed(found)} for found in (traced, compiled)]


def test_a_batch_that_is_gathered_and_a_mean_that_is_taken_twice_are_told():
    def body(rows):
        again = parallel.mean(rows) * parallel.mean(rows)
        return again + jax.lax.all_gather(rows, parallel.AXIS).sum(axis=0)

    traced, compiled = counted(body)
    assert (traced["all-reduce"]["count"], traced["all-reduce"]["repeated"]) == (2, 2)
    for rows in (traced, compiled):
        assert rows["all-gather"]["count"] == 1 and rows["all-gather"]["bytes"] == 4 * 4 * FLOATS
        assert rows["all-reduce"]["bytes"] in (4 * FLOATS, 2 * 4 * FLOATS)  # XLA may see that they are one


def test_collectives_in_loops_are_told():
    def body(rows):
        return jax.lax.fori_loop(0, 3, lambda _, held: 0.5 * parallel.mean(held), rows)

    for rows in counted(body):
        assert (rows["all-reduce"]["count"], rows["all-reduce"]["in_loops"]) == (1, 1)


def test_a_step_without_collectives_says_so():
    for rows in counted(lambda rows: 2 * rows):
        assert rows == {"none": {"collective": "none", "count": 0, "bytes": 0, "repeated": 0, "in_loops": 0}}


@pytest.mark.parametrize("collective, share", [("all-reduce", 1.5), ("all-gather", 0.75), ("none", 0.0)])
def test_a_ring_of_four_sends_these_shares(collective, share):
    assert communication.sent(collective, 1000 if share else 0, 4) == 1000 * share


def test_one_device_waits_for_no_other():
    assert communication.step_seconds(0.5, 1e9, 1, 1e9) == 0.5
    assert communication.step_seconds(0.5, 1e9, 2, 2e9) == 1.0


def test_the_step_of_inverse_graphics_sends_its_gradient_once():
    rows = communication.measure({"work": "inverse_graphics", "scale": "small", "devices": 2})
    assert [row["source"] for row in rows] == ["traced", "compiled"]
    assert {row["collective"] for row in rows} == {"all-reduce"}  # no batch is gathered
    assert {(row["repeated"], row["in_loops"]) for row in rows} == {(0, 0)}
    _, _, (state, *_) = next(communication.training_steps.steps_of("inverse_graphics", "small", 2))
    gradient = sum(4 * leaf.size for leaf in jax.tree.leaves(state["params"]))
    # Beside it only the loss and its terms, single numbers.
    assert all(gradient < row["bytes"] <= gradient + 4 * 12 for row in rows)
