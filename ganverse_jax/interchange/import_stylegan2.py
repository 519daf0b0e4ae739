"""StyleGAN2 weights of others into a folder that the `gan` stage reads, from NumPy archives.

The archives hold a PyTorch state dict (NVIDIA's names) as plain arrays, so nothing is ever executed:
``np.savez(file, **{name: tensor.numpy() for name, tensor in network.state_dict().items()})``.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.checkpoint import read_npz
from ganverse_jax.interchange.torch_stylegan2 import (
    discriminator_from_torch_state,
    generator_from_torch_state,
)
from ganverse_jax.models.pretrained import save_discriminator, save_generator
from ganverse_jax.models.stylegan2 import Discriminator, Generator


def import_networks(
    generator: str | os.PathLike, discriminator: str | os.PathLike, out: str | os.PathLike
) -> dict[str, Any]:
    """Write <out>/generator.safetensors and discriminator.safetensors; returns their settings.

    Both files are checked whole before anything is written. Raises ValueError naming the file when
    it is no such network, has a wrong shape or holds values that are not finite.
    """
    g_state, d_state = read_npz(generator), read_npz(discriminator)
    bundle = generator_from_torch_state(g_state)
    g_settings = generator_settings(bundle["params"])
    module = Generator(**g_settings)
    expected = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, module.z_dim)))
    _check(generator, bundle["params"], expected["params"])
    d_params = discriminator_from_torch_state(d_state)
    widths = ("resolution", "channel_base", "channel_max")
    d_settings = {name: g_settings[name] for name in widths} | {"mbstd_group": 4}
    critic = Discriminator(**d_settings)
    size = critic.resolution
    expected = jax.eval_shape(critic.init, jax.random.key(0), jnp.zeros((1, size, size, 3)))
    _check(discriminator, d_params, expected["params"])
    card = {"imported_from": [Path(generator).name, Path(discriminator).name]}
    out = Path(out)
    variables = {"params": bundle["params"], "noise": bundle["noise"]}
    save_generator(out / "generator.safetensors", g_settings, variables, bundle["w_avg"], card)
    save_discriminator(out / "discriminator.safetensors", d_settings, {"params": d_params}, card)
    return {"generator": g_settings, "discriminator": d_settings}


def generator_settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of :class:`Generator` read off its parameters' shapes."""
    widths = {
        int(name[1:]): int(block["torgb"]["weight"].shape[2])
        for name, block in params.items()
        if name.startswith("b")
    }
    resolution = max(widths)
    mapping = params["mapping"]
    z_dim, w_dim = mapping["fc0"]["weight"].shape
    return {
        "resolution": resolution,
        "z_dim": int(z_dim),
        "w_dim": int(w_dim),
        "mapping_layers": len(mapping),
        "channel_base": widths[resolution] * resolution,
        "channel_max": max(widths.values()),
    }


def _check(path, params, expected) -> None:
    found = {jax.tree_util.keystr(key): leaf for key, leaf in jax.tree_util.tree_leaves_with_path(params)}
    wanted = {jax.tree_util.keystr(key): leaf for key, leaf in jax.tree_util.tree_leaves_with_path(expected)}
    if found.keys() != wanted.keys():
        odd = sorted(found.keys() ^ wanted.keys())[:3]
        raise ValueError(
            f"{path}: parameters {odd} are missing or not StyleGAN2's; export the whole state dict"
        )
    for name, leaf in found.items():
        if leaf.shape != wanted[name].shape:
            raise ValueError(f"{path}: {name} has shape {leaf.shape}, expected {wanted[name].shape}")
        if not np.isfinite(leaf).all():
            raise ValueError(f"{path}: {name} holds values that are not finite; the file is damaged")
