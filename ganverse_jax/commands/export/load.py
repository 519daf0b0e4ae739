"""Run the network in this folder. Needs jax, flatbuffers, numpy and safetensors, not GANverse-JAX.

python load.py reads sample_inputs.npz and compares with sample_outputs.npz. From Python: load()(**inputs),
float32 arrays [b ...] of any batch b, as "inputs" of config.json names them.
"""

import json
from pathlib import Path

import jax
import jax.export
import numpy as np
from safetensors.numpy import load_file

HERE = Path(__file__).resolve().parent


def load(folder=HERE):
    """run(**inputs) -> {name: array [b ...]}. ValueError for inputs of other names."""
    folder = Path(folder)
    names = list(json.loads((folder / "config.json").read_text(encoding="utf-8"))["inputs"])
    program = jax.jit(jax.export.deserialize(bytearray((folder / "program.jax_export").read_bytes())).call)
    params = jax.device_put(load_file(folder / "model.safetensors"))

    def run(**inputs):
        if set(inputs) != set(names):
            raise ValueError(f"inputs {sorted(inputs)}: give {', '.join(names)}, see config.json")
        found = program(params, *(np.asarray(inputs[name], np.float32) for name in names))
        return {name: np.asarray(value) for name, value in found.items()}

    return run


if __name__ == "__main__":
    found, wanted = load()(**np.load(HERE / "sample_inputs.npz")), np.load(HERE / "sample_outputs.npz")
    for name, value in found.items():
        print(f"{name} {value.shape}: off by {np.abs(value - wanted[name]).max():.1e} at most")
