"""A trained inverse graphics network from its file, checked: mistakes are told of the file, not a photo."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flax.errors
import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.models.inverse_graphics.network import RESNETS, InverseGraphics
from ganverse_jax.models.inverse_graphics.resnet import STRIDE
from ganverse_jax.runtime.checkpoint import load_weights

FILE = "network.safetensors"
# What flax raises for settings of a wrong type or size; a RuntimeError is JAX's own.
_WRONG_SETTINGS = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, AssertionError)
_WRONG_SETTINGS += (flax.errors.FlaxError,)
CAMERAS = ("azimuth", "elevation", "log_distance")


def load_folder(
    folder: str | Path, make: str, *, shapes_only: bool = False
) -> tuple[InverseGraphics, dict[str, Any], dict[str, Any]]:
    """(network, {"network", "cameras"} parameters, metadata) from the stage's own folder.

    make: how a person has it made, for messages; shapes_only: for the errors alone, see `load_weights`.
    Raises FileNotFoundError; ValueError for a file that is no such network: other or mistyped metadata,
    parameters that are missing, of another shape, or not finite. Both name the file and the remedy.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"no weights at {path}; {make}, or correct --workdir (or --network, where it is given)"
        )
    params, metadata = load_weights(path, shapes_only=shapes_only)
    if not {"network", "fov_degrees"} <= set(metadata):
        raise ValueError(
            f"{path} is no inverse graphics network; point to an inverse_graphics stage's folder"
        )
    try:
        _check_metadata(metadata)
        module = _module(metadata)
        _check_cameras(params.get("cameras"))
        _check_parameters(module, params.get("network"), metadata)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; give another --network, or delete the file and {make}") from error
    return module, params, metadata


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_metadata(metadata: Mapping[str, Any]) -> None:
    fov, framing = metadata["fov_degrees"], metadata.get("framing")
    if not isinstance(metadata["network"], dict):
        raise ValueError(f"its network settings are {metadata['network']!r}, not an object")
    if not _is_number(fov) or not 0 < fov < 180:
        raise ValueError(f"its fov_degrees is {fov!r}, not a number between 0 and 180")
    if framing is None:  # of an earlier version
        return
    size, share, centre = (
        map(framing.get, ("size", "share", "centre")) if isinstance(framing, dict) else [None] * 3
    )
    pairs = all(isinstance(pair, list) and len(pair) == 2 for pair in (size, centre))
    if (
        not pairs
        or not all(isinstance(side, int) and side > 0 for side in size)
        or not all(map(_is_number, [share, *centre]))
        or not 0 < share <= 1
    ):
        raise ValueError(
            f"its framing is {framing!r}, not a size [h, w] in pixels, a share in 0..1 and a centre [x, y]"
        )


def _module(metadata: Mapping[str, Any]) -> InverseGraphics:
    unknown = sorted(set(metadata["network"]) - set(InverseGraphics.__dataclass_fields__))
    if unknown:
        raise ValueError(f"its network has settings that this version does not know: {', '.join(unknown)}")
    return InverseGraphics(**metadata["network"])


def _check_cameras(cameras: Any) -> None:
    """azimuth, elevation and log_distance [k] and, where learned, offset [k 2]."""
    if not isinstance(cameras, Mapping) or not set(CAMERAS) <= set(cameras):
        raise ValueError(f"it lacks the cameras' {', '.join(CAMERAS)}")
    views = (np.size(cameras["azimuth"]),)
    wanted = dict.fromkeys(CAMERAS, views) | ({"offset": (*views, 2)} if "offset" in cameras else {})
    _check_arrays({name: cameras[name] for name in wanted}, wanted, "cameras")


def _check_parameters(module: InverseGraphics, params: Any, metadata: Mapping[str, Any]) -> None:
    if not isinstance(params, Mapping):
        raise ValueError("it lacks the network's parameters")
    try:
        size = (metadata.get("framing") or {"size": _smallest(module)})["size"]
        pictures = (jax.ShapeDtypeStruct((1, *size, channels), jnp.float32) for channels in (3, 1))
        wanted = jax.eval_shape(lambda *of: module.init(jax.random.key(0), *of), *pictures)["params"]
    except _WRONG_SETTINGS as error:
        raise ValueError(
            f"its network settings make no network ({(str(error) or repr(error)).splitlines()[0]})"
        ) from error
    shapes = {name: leaf.shape for name, leaf in flax.traverse_util.flatten_dict(wanted, sep="/").items()}
    _check_arrays(flax.traverse_util.flatten_dict(params, sep="/"), shapes, "network")


def _smallest(module: InverseGraphics) -> tuple[int, int]:
    """Sides of the smallest picture that the network takes, for a file that does not tell its pictures'."""
    stride = STRIDE if module.encoder_architecture in RESNETS else 2 ** len(module.encoder_blocks)
    return 4 * stride, 4 * stride


def _check_arrays(arrays: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], what: str) -> None:
    """Raise ValueError unless `arrays` are those of `shapes`, floating and finite."""
    absent, unknown = sorted(set(shapes) - set(arrays)), sorted(set(arrays) - set(shapes))
    if absent or unknown:
        told = f"lacks {absent[:3]}" if absent else f"has {unknown[:3]}, which these settings do not"
        raise ValueError(f"its {what} {told} ({len(absent)} absent, {len(unknown)} unknown)")
    for name, shape in shapes.items():
        array = np.asarray(arrays[name])
        if array.shape != shape or array.dtype.kind != "f" or not array.size:
            raise ValueError(f"its {what}/{name} is {array.dtype} {array.shape}, not floating {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"its {what}/{name} holds NaN or infinity: its training diverged")
