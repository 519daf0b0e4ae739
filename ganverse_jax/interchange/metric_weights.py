"""Weights of the networks that metrics use, from files the user points at: Inception-v3 (FID) and LPIPS.

Nothing of them is shipped. Shapes are compared with this code's own networks, so that a wrong file is told by
the first array that does not fit.
"""

import os
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.torch_state import read_torch_state
from ganverse_jax.models.inception import SIDE, Inception
from ganverse_jax.models.lpips import LAYERS, TAPS

_EPSILON = 1e-3  # of Inception's batch normalisation
FID_CLASSES = 1008
GET_INCEPTION = (
    "get pt_inception-2015-12-05-6726825d.pth from the releases of github.com/mseitzer/pytorch-fid (Google's "
    "Inception of 2015-12-05; Apache-2.0)"
)
GET_LPIPS = (
    "get torchvision's vgg16-397923af.pth (BSD-3-Clause; trained on ImageNet) and weights/v0.1/vgg.pth of "
    "github.com/richzhang/PerceptualSimilarity (BSD-2-Clause)"
)


class InceptionWeights(NamedTuple):
    """Parameters of :class:`Inception`, and whether the classifier has the 1008 outputs of FID's network."""

    params: dict[str, Any]
    is_fid: bool


def load_inception(path: str | os.PathLike) -> InceptionWeights:
    """Read an Inception-v3 state dict in torchvision's layout, batch normalisation folded in.

    pytorch-fid's file gives FID; torchvision's own ImageNet weights are read too, but figures taken with them
    are comparable to themselves only (`is_fid` is False). Raises FileNotFoundError, or ImportedFileError
    naming the array that is missing, misshapen or not finite.
    """
    state = _read(path, GET_INCEPTION)
    expected = jax.eval_shape(Inception().init, jax.random.key(0), jnp.zeros((1, SIDE, SIDE, 3)))["params"]

    def layer(path_, shape):
        name = ".".join(entry.key for entry in path_)
        return _folded(state, name, shape["kernel"].shape, str(path))

    params = jax.tree_util.tree_map_with_path(layer, expected, is_leaf=lambda node: "kernel" in node)
    classes = state["fc.weight"].shape[0] if "fc.weight" in state else None
    return InceptionWeights(params, classes == FID_CLASSES)


def _folded(state, name: str, shape: tuple[int, ...], where: str) -> dict[str, np.ndarray]:
    """Convolution with bias that equals convolution `name`, then its batch normalisation."""
    height, width, inputs, outputs = shape
    what = f"{where}: no Inception-v3; {GET_INCEPTION}"
    kernel = _array(state, f"{name}.conv.weight", (outputs, inputs, height, width), what)
    scale, shift, mean, variance = (
        _array(state, f"{name}.bn.{part}", (outputs,), what).astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    if variance.min() < 0:
        raise ImportedFileError(f"{where}: {name}.bn.running_var is negative ({variance.min():g}); damaged")
    gain = scale / np.sqrt(variance + _EPSILON)
    return {
        "kernel": (kernel.transpose(2, 3, 1, 0) * gain).astype(np.float32),
        "bias": (shift - mean * gain).astype(np.float32),
    }


def load_lpips(vgg: str | os.PathLike, linear: str | os.PathLike) -> dict[str, Any]:
    """Parameters of :class:`~ganverse_jax.models.lpips.LPIPS` from torchvision's VGG16 and LPIPS v0.1's
    linear layers.

    Raises FileNotFoundError, or ImportedFileError naming the array that is missing, misshapen or not finite.
    """
    trunk, weights = _read(vgg, GET_LPIPS), _read(linear, GET_LPIPS)
    params: dict[str, Any] = {}
    inputs = 3
    for index, outputs in LAYERS.items():
        what = f"{vgg}: no VGG16; {GET_LPIPS}"
        kernel = _array(trunk, f"features.{index}.weight", (outputs, inputs, 3, 3), what)
        bias = _array(trunk, f"features.{index}.bias", (outputs,), what)
        params[f"conv{index}"] = {"kernel": kernel.transpose(2, 3, 1, 0), "bias": bias}
        inputs = outputs
    for number, index in enumerate(TAPS):
        what = f"{linear}: no LPIPS layers; {GET_LPIPS}"
        found = _array(weights, f"lin{number}.model.1.weight", (1, LAYERS[index], 1, 1), what)
        params[f"linear{number}"] = found.reshape(-1)
    return params


def _read(path: str | os.PathLike, how_to_get: str) -> dict[str, np.ndarray]:
    try:
        return read_torch_state(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"no weights at {path}; {how_to_get}") from error


def _array(state, name: str, shape: tuple[int, ...], what: str) -> np.ndarray:
    if name not in state:
        raise ImportedFileError(f"{what} ({name} is not among the {len(state)} arrays)")
    found = state[name]
    if found.shape != shape:
        raise ImportedFileError(f"{what} ({name} has shape {found.shape}, expected {shape})")
    if not np.isfinite(found).all():
        raise ImportedFileError(f"{what} ({name} holds NaN or infinity)")
    return found
