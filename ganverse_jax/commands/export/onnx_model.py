"""A network as ONNX, by jax2onnx."""

import importlib.util
import logging
import warnings
from pathlib import Path

import numpy as np

from ganverse_jax.commands.export.networks import Network

FILE = "model.onnx"
# Two engines sum in other orders: 1e-6 of numbers of about 1, through some twenty layers.
TOLERANCE = 1e-4


def check_installed() -> None:
    """Raise ImportError, with the remedy, where what writes or runs ONNX is missing."""
    missing = [name for name in ("onnx", "onnxruntime", "jax2onnx") if importlib.util.find_spec(name) is None]
    if missing:
        # It asks for an orbax-checkpoint older than ours, and uses none.
        raise ImportError(
            f"--onnx needs {', '.join(missing)}; pip install 'ganverse-jax[onnx]', then "
            "pip install --no-deps 'jax2onnx>=0.17.1'; or leave out --onnx"
        )


def write_onnx(
    folder: Path, network: Network, inputs: dict[str, np.ndarray], outputs: dict[str, np.ndarray]
) -> None:
    """model.onnx, the parameters inside, of any batch: inputs and outputs by their names.

    inputs, outputs: a sample of Flax's. Raises ValueError where onnxruntime gives another output for it.
    """
    import onnxruntime

    _convert(folder / FILE, network, list(outputs))
    session = onnxruntime.InferenceSession(folder / FILE, providers=["CPUExecutionProvider"])
    for name, found in zip(outputs, session.run(list(outputs), inputs), strict=True):
        error = np.abs(found - outputs[name]).max()
        if not error < TOLERANCE:
            raise ValueError(
                f"{network.name} as ONNX gives {name} {error:.1e} off Flax's (at most {TOLERANCE:.0e} is "
                "right); leave out --onnx, or try another version of jax2onnx"
            )


def _convert(file: Path, network: Network, outputs: list[str]) -> None:
    for talkative in ("jax2onnx", "onnx_ir"):  # of examples that are not installed, of values without a type
        logging.getLogger(talkative).setLevel(logging.ERROR)
    import jax2onnx

    def positional(*inputs):
        found = network.apply(network.params, *inputs)
        return tuple(found[name] for name in outputs)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Explicitly requested dtype float64", UserWarning)  # jax2onnx's own
        jax2onnx.to_onnx(
            positional,
            [("b", *signal.shape) for signal in network.inputs.values()],
            model_name=network.name,
            return_mode="file",
            output_path=file,
            input_names=list(network.inputs),
            output_names=outputs,
        )
