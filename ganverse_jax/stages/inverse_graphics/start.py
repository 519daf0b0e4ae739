"""What the inverse graphics network starts from: fresh parameters, and imported ones for a ResNet encoder."""

from typing import Any

import jax
import numpy as np

from ganverse_jax.interchange.resnet_weights import load_resnet
from ganverse_jax.models.inverse_graphics.network import RESNETS, InverseGraphics


def init_network(module: InverseGraphics, size: tuple[int, int], seed: int) -> dict[str, Any]:
    """Fresh parameters of the network for pictures of size (h, w); jitted, which is much faster than
    eager."""
    shapes = (np.zeros((1, *size, 3), np.float32), np.zeros((1, *size, 1), np.float32))
    return jax.device_get(jax.jit(module.init)(jax.random.key(seed), *shapes)["params"])


def starting_network(
    module: InverseGraphics, size: tuple[int, int], seed: int, encoder_weights: str | None
) -> dict[str, Any]:
    """`init_network`, with the encoder from torchvision's file `encoder_weights` where it is a ResNet.

    Raises FileNotFoundError for a file that is not there, ImportedFileError for one that is something else.
    """
    architecture = module.encoder_architecture
    imported = None
    if architecture in RESNETS:
        try:
            imported = load_resnet(encoder_weights, RESNETS[architecture])
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{error}; then correct inverse_graphics.encoder_weights") from error
    params = init_network(module, size, seed)
    return params if imported is None else params | {"encoder": imported}
