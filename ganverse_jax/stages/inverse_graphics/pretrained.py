"""A finished network in place of a training: from a shipped set, or a folder that a run left."""

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.inverse_graphics.stored import FILE, load_folder
from ganverse_jax.pipeline import remedies
from ganverse_jax.runtime.shipped import weights_folder
from ganverse_jax.stages.inverse_graphics.given import NAME

SETTING = f"{NAME}.pretrained"
HOW_TO_GET = f"train it with --stages={NAME}"
# A view's camera moves by some degrees in a training; other views are off by a quarter turn in the mean.
MAX_DEGREES = 30.0


def folder_of(name: str) -> Path:
    """Where the network of a shipped set, of a workdir, or of an inverse_graphics stage's own folder lies."""
    folder = weights_folder(name)
    return folder / NAME if (folder / NAME).is_dir() else folder


def absent(name: str) -> list[str]:
    """What is not there of the network, see `Stage`."""
    look = partial(load_folder, make=HOW_TO_GET, shapes_only=True)
    return remedies.absent(SETTING, folder_of(name), HOW_TO_GET, look)


def reads(name: str) -> dict[str, Path]:
    """The network's file, see `Stage`."""
    return {SETTING: folder_of(name) / FILE}


def take(
    name: str, folder: Path, views: Mapping[str, np.ndarray], fingerprint: str | None
) -> tuple[InverseGraphics, dict[str, Any], dict[str, Any]]:
    """Copy the network into a stage's folder; (network, parameters, metadata).

    views: the cameras (radians, [k]) that a training on the run's k views would start from; fingerprint: of
    the run's GAN, None where its pictures are no GAN's. Raises as `load_folder`; ValueError for a network
    that another GAN's pictures, or other views, trained: its cameras would be those of other codes.
    """
    source = folder_of(name)
    module, params, metadata = load_folder(source, HOW_TO_GET)
    told = f"{SETTING} = {name!r}"
    if fingerprint is not None and metadata.get("fingerprint") != fingerprint:
        raise ValueError(
            f"{told} was trained on pictures of the GAN {metadata.get('fingerprint')}, and this run's is "
            f"{fingerprint}; set gan.pretrained to the GAN that it came with, or {SETTING} to None to train"
        )
    remedy = f"give its own annotation (viewpoints), or set {SETTING} to None to train"
    found, wanted = params["cameras"]["azimuth"], views["azimuth"]
    if len(found) != len(wanted):
        raise ValueError(f"{told} has cameras of {len(found)} views, and this run {len(wanted)}; {remedy}")
    apart = np.degrees(np.abs(np.angle(np.exp(1j * (np.float64(found) - wanted))))).mean()
    if apart > MAX_DEGREES:
        raise ValueError(
            f"{told} has cameras whose azimuths stand {apart:.0f} degrees off this run's views in the mean; "
            + remedy
        )
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / FILE, folder / FILE)
    return module, params, metadata
