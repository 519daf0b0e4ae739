"""What a training of inverse graphics starts from: fresh parameters, and files that a person gets."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import linen as nn

from ganverse_jax.interchange import resnet_weights
from ganverse_jax.interchange.metric_weights import GET_LPIPS, GET_VGG, load_linear, load_vgg
from ganverse_jax.interchange.resnet_weights import load_resnet
from ganverse_jax.models.inverse_graphics.network import RESNETS, InverseGraphics
from ganverse_jax.pipeline import remedies
from ganverse_jax.stages.inverse_graphics.settings import Training


def init_network(module: nn.Module, size: tuple[int, int], seed: int) -> dict[str, Any]:
    """Fresh parameters of a network of images and masks of size (h, w); jitted, which is much faster than
    eager."""
    shapes = (np.zeros((1, *size, 3), np.float32), np.zeros((1, *size, 1), np.float32))
    return jax.device_get(jax.jit(module.init)(jax.random.key(seed), *shapes)["params"])


def starting_network(
    module: InverseGraphics, size: tuple[int, int], seed: int, encoder_weights: str | None
) -> dict[str, Any]:
    """`init_network`, with the encoder from torchvision's file `encoder_weights` where it is a ResNet.

    Raises as `load_resnet`.
    """
    depth = RESNETS.get(module.encoder_architecture)
    imported = {} if depth is None else {"encoder": load_resnet(encoder_weights, depth)}
    return init_network(module, size, seed) | imported


def absent(training: Training, stage: str) -> list[str]:
    """What is not there of the files that a training of `stage` starts from, see `Stage`."""
    told, perceptual = [], training.perceptual
    if perceptual.source == "lpips":
        told += remedies.absent(f"{stage}.perceptual.vgg", perceptual.vgg, GET_VGG, _look(load_vgg))
        told += remedies.absent(f"{stage}.perceptual.lpips", perceptual.lpips, GET_LPIPS, _look(load_linear))
        other = "'discriminator' (the GAN's own features) or 'none' takes no such files"
        told += [f"{stage}.perceptual.source = 'lpips': {other}"] * bool(told)
    if training.encoder_weights:
        depth = RESNETS[training.network.encoder_architecture]
        how_to_get, look = resnet_weights.how_to_get(depth), _look(load_resnet, depth=depth)
        told += remedies.absent(f"{stage}.encoder_weights", training.encoder_weights, how_to_get, look)
    return told


def reads(training: Training, stage: str) -> dict[str, Path]:
    """The files that a training of `stage` starts from, see `Stage`."""
    found, perceptual = {}, training.perceptual
    if perceptual.source == "lpips":
        files = {"vgg": perceptual.vgg, "lpips": perceptual.lpips}
        found = {f"{stage}.perceptual.{name}": Path(path) for name, path in files.items()}
    if training.encoder_weights:
        found[f"{stage}.encoder_weights"] = Path(training.encoder_weights)
    return found


def _look(load: Callable, **options: Any) -> Callable:
    return partial(load, shapes_only=True, **options)
