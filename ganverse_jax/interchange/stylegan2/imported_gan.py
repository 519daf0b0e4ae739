"""A StyleGAN2 of others as this code's parameters, checked whole: names, shapes and finite numbers."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.stylegan2.parameters import (
    discriminator_from_torch_state,
    generator_from_torch_state,
)
from ganverse_jax.models.stylegan2.networks import Discriminator, Generator

_MAX_RESOLUTION = 4096
_MAX_LAYERS = 64


class FoundNetworks(NamedTuple):
    """The networks of a file as PyTorch-named states {name: array}, and the code that wrote it.

    `ema` is the averaged generator, `generator` the trained one, None where the file has the former alone;
    clamps are None where nothing clamps; `mbstd_group` None means the whole batch.
    """

    family: str
    ema: Mapping[str, np.ndarray]
    discriminator: Mapping[str, np.ndarray]
    generator: Mapping[str, np.ndarray] | None = None
    generator_clamp: float | None = None
    discriminator_clamp: float | None = None
    mbstd_group: int | None = 4


class ImportedGAN(NamedTuple):
    """Networks ready to save: settings (keyword arguments) and parameters.

    `ema` and `generator` are bundles {"params", "noise", "w_avg"}, as in `FoundNetworks`.
    """

    generator_settings: dict[str, Any]
    discriminator_settings: dict[str, Any]
    ema: dict[str, Any]
    generator: dict[str, Any] | None
    discriminator: dict[str, Any]


def imported_gan(
    found: FoundNetworks, labels: tuple[str, str, str] = ("averaged generator", "discriminator", "generator")
) -> ImportedGAN:
    """States of PyTorch names to checked networks. Raises ImportedFileError naming one of `labels`."""
    averaged = generator_from_torch_state(found.ema)
    settings = generator_settings(averaged["params"]) | {"conv_clamp": found.generator_clamp}
    trained = None if found.generator is None else generator_from_torch_state(found.generator)
    for label, bundle in ((labels[0], averaged), (labels[2], trained)):
        if bundle is not None:
            _check(label, bundle, _generator_shapes(**settings))
    params = discriminator_from_torch_state(found.discriminator)
    critic = discriminator_settings(params)
    critic |= {"mbstd_group": found.mbstd_group, "conv_clamp": found.discriminator_clamp}
    if critic["resolution"] != settings["resolution"]:
        raise ImportedFileError(
            f"the generator draws {settings['resolution']} px, the discriminator takes "
            f"{critic['resolution']}; pass two networks of one training"
        )
    _check(labels[1], params, _discriminator_shapes(**critic))
    return ImportedGAN(settings, critic, averaged, trained, params)


def generator_settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of `Generator` read off its parameters' shapes."""
    widths = {r: _shape(params, f"b{r}", "torgb", "weight", axes=4)[2] for r in _resolutions(params)}
    mapping = params.get("mapping")
    layers = len(mapping) if isinstance(mapping, dict) else 0
    if not 0 < layers <= _MAX_LAYERS:
        raise ImportedFileError(f"a mapping network of {layers} layers; 1 to {_MAX_LAYERS} are read here")
    z_dim, w_dim = _shape(params, "mapping", "fc0", "weight", axes=2)
    return {"z_dim": z_dim, "w_dim": w_dim, "mapping_layers": layers} | _widths(widths)


def discriminator_settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """Resolution and widths of a `Discriminator` read off its parameters' shapes."""
    resolutions = _resolutions(params)
    widths = {r // 2: _shape(params, f"b{r}", "skip", "weight", axes=4)[3] for r in resolutions if r > 4}
    top = max(resolutions)
    return _widths(widths | {top: _shape(params, f"b{top}", "fromrgb", "weight", axes=4)[3]})


def _resolutions(params: Mapping[str, Any]) -> list[int]:
    """4, 8, ... as the blocks' names tell."""
    found = sorted(int(name[1:]) for name in params if re.fullmatch(r"b[1-9]\d{0,4}", name))
    expected = [4 << i for i in range(len(found))]
    if found != expected or not 8 <= max(found, default=0) <= _MAX_RESOLUTION:
        raise ImportedFileError(
            f"blocks of {found[:12]} px; expected 4, 8, ... up to at most {_MAX_RESOLUTION}: parameters are "
            "missing or not StyleGAN2's"
        )
    return found


def _widths(widths: Mapping[int, int]) -> dict[str, int]:
    top = max(widths)
    if min(widths.values()) < 1:
        raise ImportedFileError(f"layers without channels ({dict(widths)}); the file is damaged")
    return {"resolution": top, "channel_base": widths[top] * top, "channel_max": max(widths.values())}


def _shape(params: Mapping[str, Any], *path: str, axes: int) -> tuple[int, ...]:
    value: Any = params
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, np.ndarray) or value.ndim != axes:
        raise ImportedFileError(
            f"parameters {'.'.join(path)} are missing or not StyleGAN2's; export the whole state dict"
        )
    return value.shape


@lru_cache(maxsize=64)
def _generator_shapes(**settings: Any) -> dict[str, Any]:
    module = Generator(**settings)
    shapes = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, module.z_dim)))
    return dict(shapes) | {"w_avg": jax.ShapeDtypeStruct((module.w_dim,), jnp.float32)}


@lru_cache(maxsize=64)
def _discriminator_shapes(**settings: Any) -> dict[str, Any]:
    size = settings["resolution"]
    # One image: any stddev group divides it.
    return jax.eval_shape(Discriminator(**settings).init, jax.random.key(0), jnp.zeros((1, size, size, 3)))[
        "params"
    ]


def _check(label: str, tree: Any, expected: Any) -> None:
    found = {jax.tree_util.keystr(key): leaf for key, leaf in jax.tree_util.tree_leaves_with_path(tree)}
    wanted = {jax.tree_util.keystr(key): leaf for key, leaf in jax.tree_util.tree_leaves_with_path(expected)}
    if found.keys() != wanted.keys():
        odd = sorted(found.keys() ^ wanted.keys())[:3]
        raise ImportedFileError(
            f"{label}: parameters {odd} are missing or not StyleGAN2's; export the whole state dict"
        )
    for name, leaf in found.items():
        if leaf.shape != wanted[name].shape:
            raise ImportedFileError(f"{label}: {name} has shape {leaf.shape}, expected {wanted[name].shape}")
        if not np.isfinite(leaf).all():
            raise ImportedFileError(f"{label}: {name} holds values that are not finite; the file is damaged")
