"""Run the network in this folder. Needs jax, numpy and flatbuffers (by which jax reads programs), no more.

python load.py reads sample_inputs.npz and compares with sample_outputs.npz. From Python: load()(**inputs),
float32 arrays [b ...] of any batch b, as "inputs" of config.json names them.
"""

import json
from pathlib import Path

import jax
import jax.export
import numpy as np

HERE = Path(__file__).resolve().parent


def parameters(file):
    """{name: array} of a safetensors file: its header's length, the header (JSON), the numbers."""
    data = Path(file).read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    header.pop("__metadata__", None)

    def array(dtype, shape, data_offsets):
        first, last = data_offsets
        kind = f"<{dtype[0].lower()}{int(dtype[1:]) // 8}"  # F32: <f4
        return np.frombuffer(data[begin + first : begin + last], kind).reshape(shape)

    return {name: array(**entry) for name, entry in header.items()}


def load(folder=HERE):
    """run(**inputs) -> {name: array [b ...]}. ValueError for inputs of other names."""
    folder = Path(folder)
    names = list(json.loads((folder / "config.json").read_text(encoding="utf-8"))["inputs"])
    program = jax.jit(jax.export.deserialize(bytearray((folder / "program.jax_export").read_bytes())).call)
    params = jax.device_put(parameters(folder / "model.safetensors"))

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
