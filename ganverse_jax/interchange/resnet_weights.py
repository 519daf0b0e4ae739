"""ImageNet weights of torchvision's ResNets, from a file the user points at."""

import os
from typing import Any

import jax
import numpy as np

from ganverse_jax.interchange.torch_layers import folded_convolution, read_weights
from ganverse_jax.models.inverse_graphics.resnet import ResNet

_EPSILON = 1e-5  # of torchvision's batch normalisation
FILES = {18: "resnet18-f37072fd.pth", 50: "resnet50-11ad3fa6.pth or resnet50-0676ba61.pth"}


def how_to_get(depth: int) -> str:
    """Which file to get, and its licence."""
    return f"get torchvision's {FILES[depth]} (BSD-3-Clause; trained on ImageNet)"


def load_resnet(path: str | os.PathLike, depth: int, *, shapes_only: bool = False) -> dict[str, Any]:
    """Parameters of `models.inverse_graphics.resnet.ResNet`, batch normalisation folded in; the mask's
    stem, which the file has not, is zero.

    shapes_only: for the errors alone, see `read_torch_state`. Raises FileNotFoundError, or ImportedFileError
    naming the array that is missing, misshapen or not finite.
    """
    state = read_weights(path, how_to_get(depth), shapes_only=shapes_only)
    what = f"{path}: no ResNet-{depth}; {how_to_get(depth)}"
    picture, mask = np.zeros((1, 64, 64, 3), np.float32), np.zeros((1, 64, 64, 1), np.float32)
    expected = jax.eval_shape(ResNet(depth).init, jax.random.key(0), picture, mask)["params"]

    def layer(names, shapes):
        *block, name = (entry.key for entry in names)
        if name == "mask_stem":
            return {"kernel": np.zeros(shapes["kernel"].shape, np.float32)}
        prefix = "".join(f"{part.replace('_', '.')}." for part in block)
        pair = ("downsample.0", "downsample.1") if name == "downsample" else (name, f"bn{name[-1]}")
        convolution, normalisation = (prefix + part for part in pair)
        shape = shapes["kernel"].shape
        return folded_convolution(state, convolution, normalisation, shape, epsilon=_EPSILON, what=what)

    return jax.tree_util.tree_map_with_path(layer, expected, is_leaf=lambda node: "kernel" in node)
