"""A network as ONNX, by jax2onnx."""

import importlib.metadata
import importlib.util
import logging
import warnings
from pathlib import Path

import jax
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

    inputs, outputs: a sample of Flax's. Raises ValueError where jax2onnx makes no program of it, or where
    onnxruntime gives another output.
    """
    import onnxruntime

    try:
        data = _converted(network, list(outputs))
    except Exception as error:  # whatever a jax2onnx of another age than jax stumbles over
        raise _failure(network, f"{type(error).__name__}: {error}") from error
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for name, found in zip(outputs, session.run(list(outputs), inputs), strict=True):
        error = np.abs(found - outputs[name]).max()
        if not error < TOLERANCE:
            raise _failure(network, f"{name} is {error:.1e} off Flax's, at most {TOLERANCE:.0e} is right")
    (folder / FILE).write_bytes(data)


def _failure(network: Network, reason: str) -> ValueError:
    versions = " and ".join(f"{name} {importlib.metadata.version(name)}" for name in ("jax2onnx", "jax"))
    told = f"{versions} make no right ONNX of {network.name} ({reason.splitlines()[0]})"
    return ValueError(f"{told}; leave out --onnx, or try another version of jax2onnx")


def _converted(network: Network, outputs: list[str]) -> bytes:
    for talkative in ("jax2onnx", "onnx_ir"):  # of examples that are not installed, of values without a type
        logging.getLogger(talkative).setLevel(logging.ERROR)
    import jax2onnx

    def positional(*inputs):
        found = network.apply(network.params, *inputs)
        return tuple(found[name] for name in outputs)

    # Without jit's own equations, of which jax2onnx 0.17.1 cannot make ONNX on jax 0.12.
    with warnings.catch_warnings(), jax.disable_jit():
        warnings.filterwarnings("ignore", "Explicitly requested dtype float64", UserWarning)  # jax2onnx's own
        made = jax2onnx.to_onnx(
            positional,
            [("b", *signal.shape) for signal in network.inputs.values()],
            model_name=network.name,
            input_names=list(network.inputs),
            output_names=outputs,
        )
    return made.SerializeToString()  # written by jax2onnx itself, large arrays lie in a file of their own
