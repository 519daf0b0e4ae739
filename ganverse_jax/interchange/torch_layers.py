"""Checked arrays of a PyTorch state dict by name; convolutions with their batch normalisation folded in."""

import os
from collections.abc import Mapping

import numpy as np

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.pickles.torch_state import read_torch_state


def read_weights(
    path: str | os.PathLike, how_to_get: str, *, shapes_only: bool = False
) -> dict[str, np.ndarray]:
    """The arrays of the state dict at `path`; shapes_only: see `read_torch_state`.

    Raises FileNotFoundError with `how_to_get` when there is none, and ImportedFileError for another file.
    """
    try:
        return read_torch_state(path, shapes_only=shapes_only)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"no weights at {path}; {how_to_get}") from error


def named_array(state: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...], what: str) -> np.ndarray:
    """The array `name` of `shape`; ImportedFileError, beginning with `what`, names one that is missing,
    misshapen or not finite."""
    if name not in state:
        raise ImportedFileError(f"{what} ({name} is not among the {len(state)} arrays)")
    found = state[name]
    if found.shape != shape:
        raise ImportedFileError(f"{what} ({name} has shape {found.shape}, expected {shape})")
    if not np.isfinite(found).all():
        raise ImportedFileError(f"{what} ({name} holds NaN or infinity)")
    return found


def folded_convolution(
    state: Mapping[str, np.ndarray],
    convolution: str,
    normalisation: str,
    shape: tuple[int, ...],
    *,
    epsilon: float,
    what: str,
) -> dict[str, np.ndarray]:
    """Kernel of `shape` [h w in out] and bias that equal a bias-free convolution, then its batch
    normalisation at inference."""
    height, width, inputs, outputs = shape
    kernel = named_array(state, f"{convolution}.weight", (outputs, inputs, height, width), what)
    scale, shift, mean, variance = (
        named_array(state, f"{normalisation}.{part}", (outputs,), what).astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    if variance.min() < 0:
        raise ImportedFileError(f"{what} ({normalisation}.running_var is negative, {variance.min():g})")
    gain = scale / np.sqrt(variance + epsilon)
    return {
        "kernel": (kernel.transpose(2, 3, 1, 0) * gain).astype(np.float32),
        "bias": (shift - mean * gain).astype(np.float32),
    }
