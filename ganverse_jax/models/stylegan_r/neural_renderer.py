"""StyleGAN-R in use: camera, shape, texture and background to an image (Sec. 3.3, arXiv:2010.09125).

Trained parameters are {"mapper", "generator"}; fixed beside them, as `constants`, are the mapper's
"statistics", the generator's "noise" buffers and "w_avg". Styles outside W* (the intermediate toRGBs) have
no w to come from: they are the affine of w_avg.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ganverse_jax.models.stylegan2.networks import Generator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator, arguments_of, load_generator, save_generator
from ganverse_jax.models.stylegan2.style_space import (
    StyleLayout,
    complete_styles,
    flatten_styles,
    style_layout,
    styles_of,
)
from ganverse_jax.models.stylegan_r.latent_mapper import LatentMapper
from ganverse_jax.runtime.batched import in_batches, pictures_at_once
from ganverse_jax.runtime.checkpoint import load_weights, save_weights

MAPPER_FILE, GENERATOR_FILE = "mapper.safetensors", "generator.safetensors"


def make_synthesise(generator: LoadedGenerator, layout: StyleLayout, height: int | None = None) -> Callable:
    """synthesise(generator_params, constants, view [b n], content [b m]) -> images [b h w 3] near [0, 1].

    Of the first layers, view and content are parts of W*. Where the generator takes a camera, the view is
    azimuth and elevation [b 2] and the content all of W*: styles are affine in w, so that what g_v adds to w
    adds to them. Where it has view dimensions, the view replaces these in a content that is all of W*.
    height: rows of the picture, in the middle of the square the network draws (384 of 512 for the paper's
    car); all of it when None.
    """
    module = generator.module
    height = height or module.resolution
    top = (module.resolution - height) // 2

    def synthesise(params, constants, view, content):
        variables = {"params": params, "noise": constants["noise"]}
        w_avg = jnp.asarray(constants["w_avg"])[None]
        mean = others = styles_of(module, variables, w_avg)
        if generator.camera is not None:
            ws = generator.seen_from(variables, w_avg, module.broadcast(w_avg), view)
            others = styles_of(module, variables, ws)
            code = content + flatten_styles(others, layout) - flatten_styles(mean, layout)
        elif generator.view_mask is not None:
            code = content.at[:, generator.view_dims(layout)].set(view)
        else:
            code = jnp.concatenate([view, content], axis=-1)
        styles = complete_styles(code, layout, others)
        image = module.apply(variables, styles, method=Generator.from_styles)
        return 0.5 * (image[:, top : top + height] + 1.0)

    return synthesise


def render_codes(
    mapper: LatentMapper, synthesise: Callable, params, constants, camera, shape, texture, image, mask
) -> tuple[Float[Array, "b h w 3"], Float[Array, "b m"]]:
    """Four properties to (images in about [0, 1], background codes g_b(B)): mapper, then generator.

    camera: as `LatentMapper` reads it, columns [b]; shape: displacements [b v 3]; texture [b th tw 3], image
    [b h w 3] and mask [b h w 1] in [0, 1], of which the background is taken.
    """
    variables = {"params": params["mapper"], "statistics": constants["statistics"]}

    view, content, background = mapper.apply(variables, camera, shape, texture, image, mask)
    return synthesise(params["generator"], constants, view, content), background


class NeuralRenderer:
    """StyleGAN-R with its weights: NumPy in, NumPy out, in compiled batches of one size.

    Args:
      mapper: its module; generator: how it takes views (its own weights are not read); layout: which styles
        make up W*; height: see `make_synthesise`.
      params: {"mapper", "generator"}; constants: {"statistics", "noise", "w_avg"}.
      batch_size: images per compiled call, the last batch is padded; None: by their size.
    """

    def __init__(
        self,
        mapper: LatentMapper,
        generator: LoadedGenerator,
        layout: StyleLayout,
        params: dict[str, Any],
        constants: dict[str, Any],
        *,
        height: int | None = None,
        batch_size: int | None = None,
    ):
        self.mapper, self.generator, self.layout, self.height = mapper, generator, layout, height
        side = generator.module.resolution
        self.params, self.batch_size = params, batch_size or pictures_at_once(side, side, most=32)
        self.constants = {name: constants[name] for name in ("statistics", "noise", "w_avg")}
        synthesise = make_synthesise(generator, layout, height)

        def map_with(params, constants, *inputs, method):
            variables = {"params": params["mapper"], "statistics": constants["statistics"]}
            return mapper.apply(variables, *inputs, method=method)

        @jax.jit
        def read(params, constants, images, masks):
            background = (images.astype(jnp.float32) / 255.0, masks.astype(jnp.float32)[..., None] / 255.0)
            return map_with(params, constants, *background, method=LatentMapper.background_code)

        @jax.jit
        def draw(params, constants, cameras, shapes, textures, backgrounds):
            inputs = tuple(cameras[:, i] for i in range(3)), shapes, textures.astype(jnp.float32), backgrounds
            codes = map_with(params, constants, *inputs, method=LatentMapper.codes)
            return jnp.clip(synthesise(params["generator"], constants, *codes), 0.0, 1.0)

        self._read, self._draw = read, draw

    def __call__(
        self,
        cameras: Float[np.ndarray, "n 3"],
        shapes: Float[np.ndarray, "n v 3"],
        textures: Float[np.ndarray, "n th tw 3"],
        images: np.ndarray,
        masks: np.ndarray,
    ) -> Float[np.ndarray, "n h w 3"]:
        """Images in [0, 1] for cameras (azimuth, elevation, distance), displacements, textures in [0, 1].

        The background is that of pictures `images` uint8 [n h w 3] with object masks `masks` uint8 [n h w].
        """
        return self.from_codes(cameras, shapes, textures, self.background_codes(images, masks))

    def background_codes(self, images: np.ndarray, masks: np.ndarray) -> Float[np.ndarray, "n m"]:
        """g_b of the backgrounds of pictures with object masks, as `__call__` takes them."""
        return in_batches(
            partial(self._read, self.params, self.constants), images, masks, size=self.batch_size
        )

    def from_codes(
        self,
        cameras: Float[np.ndarray, "n 3"],
        shapes: Float[np.ndarray, "n v 3"],
        textures: Float[np.ndarray, "n th tw 3"],
        backgrounds: Float[np.ndarray, "n m"],
    ) -> Float[np.ndarray, "n h w 3"]:
        """`__call__` with backgrounds as codes, which can be mixed."""
        inputs = (np.asarray(cameras, np.float32), shapes, textures, backgrounds)
        return in_batches(partial(self._draw, self.params, self.constants), *inputs, size=self.batch_size)


def save_mapper(path: str | os.PathLike, renderer: NeuralRenderer, metadata: dict[str, Any]) -> None:
    """Write the renderer's mapper, with what rebuilds it; metadata as `save_neural_renderer`."""
    bundle = {"params": renderer.params["mapper"], "statistics": renderer.constants["statistics"]}
    code = {"names": list(renderer.layout.names), "height": renderer.height}
    settings = arguments_of(renderer.mapper)
    described = {"kind": "latent_mapper", "settings": settings, "code": code, "card": metadata}
    save_weights(path, bundle, described)


def save_neural_renderer(
    folder: str | os.PathLike, renderer: NeuralRenderer, metadata: dict[str, Any]
) -> None:
    """Write mapper.safetensors and generator.safetensors, with what rebuilds both.

    metadata should name the generator (fingerprint) the renderer was made from.
    """
    folder, constants = Path(folder), renderer.constants
    save_mapper(folder / MAPPER_FILE, renderer, metadata)
    variables = {"params": renderer.params["generator"], "noise": constants["noise"]}
    made_of = renderer.generator
    stored = arguments_of(made_of.module), variables, constants["w_avg"], metadata
    views = {"camera": made_of.camera, "view_mask": made_of.view_mask}
    save_generator(folder / GENERATOR_FILE, *stored, **views)


def load_neural_renderer(
    folder: str | os.PathLike,
    *,
    mapper: str = MAPPER_FILE,
    generator: LoadedGenerator | None = None,
    batch_size: int | None = None,
) -> NeuralRenderer:
    """Read what `save_neural_renderer` wrote, or another mapper of the folder, before another generator.

    ValueError for a file of another kind, or FileNotFoundError.
    """
    path = Path(folder) / mapper
    bundle, metadata = load_weights(path)
    if metadata.get("kind") != "latent_mapper":
        raise ValueError(f"{path} holds {metadata.get('kind')!r}, no mapper; run stylegan_r")
    settings = metadata["settings"]
    module = LatentMapper(**settings | {"hidden": tuple(settings["hidden"])})
    loaded = load_generator(Path(folder) / GENERATOR_FILE) if generator is None else generator
    params = {"mapper": bundle["params"], "generator": loaded.variables["params"]}
    constants = {
        "statistics": bundle["statistics"],
        "noise": loaded.variables["noise"],
        "w_avg": loaded.w_avg,
    }
    layouts = (style_layout(loaded.module, include_torgb=include) for include in (False, True))
    layout = next(layout for layout in layouts if list(layout.names) == metadata["code"]["names"])
    options = {"height": metadata["code"]["height"], "batch_size": batch_size}
    return NeuralRenderer(module, loaded, layout, params, constants, **options)
