"""Trained GANs as files: one safetensors file per network, with what is needed to rebuild it."""

import dataclasses
import os
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import linen as nn

from ganverse_jax.models.stylegan2.camera_input import CameraInput
from ganverse_jax.models.stylegan2.networks import Discriminator, Generator
from ganverse_jax.models.stylegan2.style_space import (
    StyleLayout,
    mix_styles,
    mix_ws,
    style_layout,
    styles_of,
    unflatten_styles,
)
from ganverse_jax.runtime.checkpoint import fingerprint, load_weights, save_weights

_BUNDLE = {"generator": ("noise", "w_avg"), "discriminator": ()}


class LoadedGenerator(NamedTuple):
    """A generator ready to use: ``module.apply(variables, ...)``; ``w_avg`` is [w_dim].

    ``fingerprint`` names these weights: annotations, data sets and networks refer to it. camera: of a
    generator that takes one, whose mapping lies among its parameters. view_mask: bool [n], which dimensions
    of the full flat code (`style_layout` with include_torgb) are the view's, where they are not the first
    four layers' (`launch.view_dims`).
    """

    module: Generator
    variables: dict[str, Any]
    w_avg: np.ndarray
    fingerprint: str
    metadata: dict[str, Any]
    camera: CameraInput | None = None
    view_mask: np.ndarray | None = None

    def view_styles_mask(self) -> dict[str, np.ndarray]:
        """`view_mask` by style: {name: bool [width]}."""
        return unflatten_styles(self.view_mask, style_layout(self.module, include_torgb=True))

    def view_dims(self, layout: StyleLayout) -> np.ndarray:
        """Where `view_mask` holds in a flat code of `layout`: indices [n]."""
        masks = self.view_styles_mask()
        return np.flatnonzero(np.concatenate([masks[name] for name in layout.names]))

    def mixed_styles(self, variables, view_w: jax.Array, content_w: jax.Array) -> dict[str, jax.Array]:
        """All styles {name: [b width]} of contents [b w] in views [b w], whichever way the two are mixed."""
        view, content = self.module.broadcast(view_w), self.module.broadcast(content_w)
        if self.view_mask is not None:
            both = (styles_of(self.module, variables, ws) for ws in (view, content))
            return mix_styles(*both, self.view_styles_mask())
        turned = self.camera and self.camera.ws(view_w, content, self.w_avg)
        return styles_of(self.module, variables, mix_ws(view, content) if turned is None else turned)

    def cameras_of(self, numbers: np.ndarray) -> np.ndarray:
        """Cameras [n 2] of real pictures, one for each number [n]; [n 0] where the generator takes none."""
        table = np.zeros((1, 0), np.float32) if self.camera is None else self.camera.cameras
        return table[np.asarray(numbers) % len(table)]

    def seen_from(self, variables, w_avg, ws: jax.Array, cameras: jax.Array) -> jax.Array:
        """ws [b num_ws w] of contents, as seen from `cameras_of` [b 2 or 0]. Pure, for compiled functions."""
        if self.camera is None:
            return ws
        return self.camera.ws(self.camera.codes(variables["params"], cameras), ws, w_avg)


class LoadedDiscriminator(NamedTuple):
    """A discriminator ready to use: ``module.apply(variables, images)``."""

    module: Discriminator
    variables: dict[str, Any]
    metadata: dict[str, Any]


def arguments_of(module: nn.Module) -> dict[str, Any]:
    """Keyword arguments that rebuild a module."""
    names = (field.name for field in dataclasses.fields(module) if field.name not in ("parent", "name"))
    return {name: getattr(module, name) for name in names}


def save_generator(
    path: str | os.PathLike,
    settings: dict,
    variables: dict,
    w_avg: np.ndarray,
    metadata: dict,
    *,
    camera: CameraInput | None = None,
    view_mask: np.ndarray | None = None,
    dtype=None,
) -> None:
    """Write a generator; ``settings`` are the keyword arguments of `Generator`."""
    bundle = {"params": variables["params"], "noise": variables["noise"], "w_avg": w_avg}
    content = {"kind": "generator", "settings": settings, "card": metadata}
    if camera is not None:
        bundle["cameras"] = camera.cameras
        content["camera"] = {"layers": camera.layers, "mapping_layers": camera.mapping_layers}
    if view_mask is not None:
        bundle["view_mask"] = view_mask.astype(np.uint8)
    save_weights(path, bundle, content, dtype=dtype)


def save_discriminator(
    path: str | os.PathLike, settings: dict, variables: dict, metadata: dict, *, dtype=None
) -> None:
    """Write a discriminator; ``settings`` are the keyword arguments of `Discriminator`."""
    bundle = {"params": variables["params"]}
    save_weights(path, bundle, {"kind": "discriminator", "settings": settings, "card": metadata}, dtype=dtype)


def load_generator(path: str | os.PathLike, *, shapes_only: bool = False) -> LoadedGenerator:
    """Read a generator; ValueError when the file holds something else or does not fit its settings.

    shapes_only: without its numbers and fingerprint, see `load_weights`.
    """
    bundle, metadata = _load(path, "generator", shapes_only)
    variables = {"params": bundle["params"], "noise": bundle["noise"]}
    module = Generator(**metadata["settings"])
    camera = metadata.get("camera")
    camera = camera and CameraInput(**camera, cameras=bundle["cameras"])
    mask = bundle.get("view_mask")
    mask = None if mask is None else mask.astype(bool)
    name = "" if shapes_only else fingerprint(bundle)
    return LoadedGenerator(module, variables, bundle["w_avg"], name, metadata["card"], camera, mask)


def load_discriminator(path: str | os.PathLike, *, shapes_only: bool = False) -> LoadedDiscriminator:
    """Read a discriminator, as `load_generator`; ValueError when the file holds something else."""
    bundle, metadata = _load(path, "discriminator", shapes_only)
    return LoadedDiscriminator(
        Discriminator(**metadata["settings"]), {"params": bundle["params"]}, metadata["card"]
    )


def _load(path: str | os.PathLike, kind: str, shapes_only: bool) -> tuple[dict, dict]:
    bundle, metadata = load_weights(path, shapes_only=shapes_only)
    if metadata.get("kind") != kind:
        raise ValueError(f"{Path(path)} holds a {metadata.get('kind')!r}, not a {kind}; check the path")
    absent = {"params", *_BUNDLE[kind]} - set(bundle) | {"settings", "card"} - set(metadata)
    if absent:
        raise ValueError(f"{Path(path)} lacks {sorted(absent)}; write it again, or check the path")
    for name, leaf in jax.tree_util.tree_leaves_with_path(bundle):
        if not np.isfinite(leaf).all():
            raise ValueError(
                f"{Path(path)} holds NaN or infinity in {jax.tree_util.keystr(name)}; use an earlier file"
            )
    return bundle, metadata
