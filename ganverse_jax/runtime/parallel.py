"""Data parallelism: one jitted step over a named mesh of devices, written per device.

A step is a pure function ``step(state, batch, *, key) -> (state, metrics)`` that sees its own
slice of the batch and calls :func:`mean` on gradients and metrics. Random numbers are drawn per
global example (:func:`example_keys`), so that the number of devices does not change the result.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from ganverse_jax.runtime import hosts

AXIS = "data"


def data_mesh(num_devices: int | None = None) -> Mesh:
    """A one-dimensional mesh over the first ``num_devices`` devices of every process (all by default).

    Raises ValueError when more devices are asked for than a process has.
    """
    of_processes: dict[int, list] = {}
    for device in jax.devices():
        of_processes.setdefault(device.process_index, []).append(device)
    available = min(map(len, of_processes.values()))
    count = available if num_devices is None else num_devices
    if not 1 <= count <= available:
        raise ValueError(
            f"{count} devices asked for, {available} available; set num_devices (for "
            f"virtual CPU devices XLA_FLAGS=--xla_force_host_platform_device_count={count})"
        )
    devices = [device for own in of_processes.values() for device in own[:count]]
    mesh = jax.make_mesh((len(devices),), (AXIS,), axis_types=(AxisType.Auto,), devices=devices)
    if hosts.several():
        _connect(mesh)
    return mesh


def _connect(mesh: Mesh) -> None:
    """Let the processes' devices find each other now: later, where one comes half a minute after another (as
    it compiles longer), Gloo gives up."""
    hosts.wait()
    ones = shard(np.ones(len(mesh.local_devices), np.float32), mesh)
    summed = jax.shard_map(
        lambda one: jax.lax.psum(one, AXIS), mesh=mesh, in_specs=P(AXIS), out_specs=P(AXIS)
    )
    jax.block_until_ready(jax.jit(summed)(ones))


def check_divisible(batch_size: int, num_devices: int, setting: str, micro_batches: int = 1) -> None:
    """Raise ValueError unless ``batch_size`` splits evenly over the devices, and there into micro-batches."""
    if batch_size < 1:
        raise ValueError(f"{setting} = {batch_size}; set it to 1 or more")
    parts = num_devices * micro_batches
    if batch_size % parts:
        each = f" with {micro_batches} micro-batches each" if micro_batches > 1 else ""
        raise ValueError(
            f"{setting} = {batch_size} is not divisible by {num_devices} devices{each}; "
            f"set {setting} to a multiple of {parts}"
        )


def mean(tree: Any) -> Any:
    """Average over devices; only inside a step run by :func:`data_parallel`."""
    return jax.lax.pmean(tree, AXIS)


def in_micro_batches(function: Callable, batch: Any, count: int) -> Any:
    """The mean of what ``function(part)``, a tree of floats, gives for ``count`` equal parts of a batch.

    The batch is a device's, and its parts are taken one after the other: where ``function`` takes means over
    examples, the result is that of the whole batch, in the memory of a part.
    """
    if count == 1:
        return function(batch)
    parts = jax.tree.map(lambda rows: rows.reshape(count, -1, *rows.shape[1:]), batch)
    shapes = jax.eval_shape(function, jax.tree.map(lambda rows: rows[0], parts))
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    total, _ = jax.lax.scan(
        lambda sums, part: (jax.tree.map(jnp.add, sums, function(part)), None), zeros, parts
    )
    return jax.tree.map(lambda leaf: leaf / count, total)


def example_keys(key: jax.Array, indices: jax.Array) -> jax.Array:
    """One key per global example index [b], whatever device holds it."""
    return jax.vmap(jax.random.fold_in, (None, 0))(key, indices)


def local_rows(batch_size: int, mesh: Mesh) -> np.ndarray:
    """The rows [m] of a global batch that devices of this process hold, in order: in a run of one, all."""
    sharding = NamedSharding(mesh, P(AXIS))
    held = sharding.addressable_devices_indices_map((batch_size,)).values()
    return np.unique(np.concatenate([np.arange(batch_size)[index] for index in held]))


def shard(batch: Any, mesh: Mesh) -> Any:
    """Spread a batch, of which each process has its :func:`local_rows`, over the mesh by its leading axis."""
    sharding = NamedSharding(mesh, P(AXIS))
    if not hosts.several():
        return jax.device_put(batch, sharding)
    return jax.tree.map(lambda rows: jax.make_array_from_process_local_data(sharding, rows), batch)


def replicate(tree: Any, mesh: Mesh) -> Any:
    """Copy every leaf, of the first process where there are several, to every device of the mesh.

    The copy is forced: ``device_put`` may alias its source, and donating an alias would delete it.
    """
    sharding = NamedSharding(mesh, P())
    if hosts.several():
        place = jax.make_array_from_process_local_data
        return jax.tree.map(lambda leaf: place(sharding, leaf, leaf.shape), hosts.arrays_from_first(tree))
    return jax.tree.map(lambda leaf: jax.device_put(np.array(leaf), sharding), jax.device_get(tree))


def data_parallel(step: Callable, mesh: Mesh) -> Callable:
    """Jit ``step`` over the mesh: state and metrics replicated, batch split on its leading axis.

    The state's buffers are donated. ``check_vma`` is off because custom kernels carry no
    varying-axes annotation; gradients inside are therefore local until :func:`mean`.
    """

    def per_device(state, batch, key):
        return step(state, batch, key=key)

    sharded = jax.shard_map(
        per_device, mesh=mesh, in_specs=(P(), P(AXIS), P()), out_specs=(P(), P()), check_vma=False
    )
    jitted = jax.jit(sharded, donate_argnums=(0,))

    # On CPU several virtual devices deadlock unless every call is awaited (jax 0.10.2, DESIGN.md 4).
    block = mesh.size > 1 and mesh.devices.flat[0].platform == "cpu"

    def run(state, batch, *, key):
        result = jitted(state, batch, key)
        return jax.block_until_ready(result) if block else result

    return run
