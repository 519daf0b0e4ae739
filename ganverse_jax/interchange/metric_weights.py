"""Weights of the networks that metrics use, from files the user points at: Inception-v3 (FID) and LPIPS.

Nothing of them is shipped. Shapes are compared with this code's own networks, so that a wrong file is told by
the first array that does not fit.
"""

import os
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ganverse_jax.interchange.torch_layers import folded_convolution, named_array, read_weights
from ganverse_jax.models.features.inception import SIDE, Inception
from ganverse_jax.models.features.lpips import LAYERS, TAPS

_EPSILON = 1e-3  # of Inception's batch normalisation
FID_CLASSES = 1008
GET_INCEPTION = (
    "get pt_inception-2015-12-05-6726825d.pth from the releases of github.com/mseitzer/pytorch-fid (Google's "
    "Inception of 2015-12-05; Apache-2.0)"
)
GET_VGG = "get torchvision's vgg16-397923af.pth (BSD-3-Clause; trained on ImageNet)"
GET_LPIPS = "get weights/v0.1/vgg.pth of github.com/richzhang/PerceptualSimilarity (BSD-2-Clause)"


class InceptionWeights(NamedTuple):
    """Parameters of `Inception`, and whether the classifier has the 1008 outputs of FID's network."""

    params: dict[str, Any]
    is_fid: bool


def load_inception(path: str | os.PathLike, *, shapes_only: bool = False) -> InceptionWeights:
    """Read an Inception-v3 state dict in torchvision's layout, batch normalisation folded in.

    pytorch-fid's file gives FID; torchvision's own ImageNet weights are read too, but figures taken with them
    are comparable to themselves only (`is_fid` is False). shapes_only: for the errors alone, see
    `read_torch_state`. Raises FileNotFoundError, or ImportedFileError
    naming the array that is missing, misshapen or not finite.
    """
    state = read_weights(path, GET_INCEPTION, shapes_only=shapes_only)
    what = f"{path}: no Inception-v3; {GET_INCEPTION}"
    expected = jax.eval_shape(Inception().init, jax.random.key(0), jnp.zeros((1, SIDE, SIDE, 3)))["params"]

    def layer(path_, shape):
        name = ".".join(entry.key for entry in path_)
        shape, names = shape["kernel"].shape, (f"{name}.conv", f"{name}.bn")
        return folded_convolution(state, *names, shape, epsilon=_EPSILON, what=what)

    params = jax.tree_util.tree_map_with_path(layer, expected, is_leaf=lambda node: "kernel" in node)
    classes = state["fc.weight"].shape[0] if "fc.weight" in state else None
    return InceptionWeights(params, classes == FID_CLASSES)


def load_lpips(vgg: str | os.PathLike, linear: str | os.PathLike) -> dict[str, Any]:
    """Parameters of `models.features.lpips.LPIPS` from torchvision's VGG16 and LPIPS v0.1's
    linear layers.

    Raises as `load_vgg` and `load_linear`.
    """
    return load_vgg(vgg) | load_linear(linear)


def load_vgg(path: str | os.PathLike, *, shapes_only: bool = False) -> dict[str, Any]:
    """The convolutions of torchvision's VGG16; shapes_only: for the errors alone, see `read_torch_state`.

    Raises FileNotFoundError, or ImportedFileError naming the array that is missing, misshapen or not finite.
    """
    state, what = read_weights(path, GET_VGG, shapes_only=shapes_only), f"{path}: no VGG16; {GET_VGG}"
    params, inputs = {}, 3
    for index, outputs in LAYERS.items():
        kernel = named_array(state, f"features.{index}.weight", (outputs, inputs, 3, 3), what)
        bias = named_array(state, f"features.{index}.bias", (outputs,), what)
        params[f"conv{index}"] = {"kernel": kernel.transpose(2, 3, 1, 0), "bias": bias}
        inputs = outputs
    return params


def load_linear(path: str | os.PathLike, *, shapes_only: bool = False) -> dict[str, Any]:
    """LPIPS' linear layers; parameters and errors as `load_vgg`'s."""
    state = read_weights(path, GET_LPIPS, shapes_only=shapes_only)
    what = f"{path}: no LPIPS layers; {GET_LPIPS}"
    return {
        f"linear{number}": named_array(
            state, f"lin{number}.model.1.weight", (1, LAYERS[index], 1, 1), what
        ).reshape(-1)
        for number, index in enumerate(TAPS)
    }
