"""A network as files: its parameters, and a program of jax.export."""

from pathlib import Path

import flax.traverse_util
import jax
import jax.export
import jax.numpy as jnp
import numpy as np

from ganverse_jax.commands.export.networks import Network
from ganverse_jax.runtime.checkpoint import save_weights

WEIGHTS, PROGRAM = "model.safetensors", "program.jax_export"
PLATFORMS = ("cpu", "cuda")


def write_program(folder: Path, network: Network) -> None:
    """model.safetensors (names joined by "/") and program.jax_export, which takes it as a flat dict.

    The program has a symbolic batch, and is lowered for `PLATFORMS`. The parameters are arguments: they are
    stored once, in the form that lasts, and the same program serves others of the same shapes.
    """
    save_weights(folder / WEIGHTS, network.params, {"format": "ganverse-jax", "network": network.name})
    flat = flax.traverse_util.flatten_dict(network.params, sep="/")
    shapes = {name: jax.ShapeDtypeStruct(np.shape(x), np.asarray(x).dtype) for name, x in flat.items()}
    (batch,) = jax.export.symbolic_shape("b")
    inputs = [jax.ShapeDtypeStruct((batch, *x.shape), jnp.float32) for x in network.inputs.values()]

    def program(flat, *inputs):
        return network.apply(flax.traverse_util.unflatten_dict(flat, sep="/"), *inputs)

    exported = jax.export.export(jax.jit(program), platforms=PLATFORMS)(shapes, *inputs)
    (folder / PROGRAM).write_bytes(exported.serialize())


def run_network(network: Network, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What Flax makes of `inputs` [n ...]: {name: [n ...]}."""
    found = jax.jit(network.apply)(network.params, *inputs.values())
    return {name: np.asarray(value) for name, value in found.items()}
