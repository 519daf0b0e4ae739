"""A run's folder with an untrained GAN, StyleGAN-R and inverse graphics network, of 32 pixels."""

import functools

import jax
import numpy as np

from ganverse_jax.models.stylegan2.networks import Discriminator, Generator
from ganverse_jax.models.stylegan2.stored import (
    LoadedGenerator,
    arguments_of,
    save_discriminator,
    save_generator,
)
from ganverse_jax.models.stylegan2.style_space import style_layout
from ganverse_jax.models.stylegan_r.latent_mapper import LatentMapper
from ganverse_jax.models.stylegan_r.neural_renderer import NeuralRenderer, save_neural_renderer
from ganverse_jax.runtime.checkpoint import fingerprint, write_json
from tests.models.inverse_graphics.untrained import NETWORK, write_network

SIZE, VIEW_DIMS, TEXTURE = 32, 4, (NETWORK["texture_size"], 2 * NETWORK["texture_size"])


def _random(module, *inputs, **options):
    """Variables of the module's shapes: compiling an init would take longer than the test."""
    shapes = jax.eval_shape(functools.partial(module.init, **options), jax.random.key(0), *inputs)
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(leaf.dtype) / 4, shapes)


@functools.cache
def untrained_generator() -> LoadedGenerator:
    module = Generator(resolution=SIZE, z_dim=6, w_dim=6, mapping_layers=1, channel_base=128, channel_max=8)
    variables = _random(module, np.zeros((1, 6), np.float32))
    return LoadedGenerator(module, variables, np.full(6, 0.3, np.float32), fingerprint(variables), {})


@functools.cache
def _renderer() -> NeuralRenderer:
    generator = untrained_generator()
    layout = style_layout(generator.module)
    vertices = 10 * 4 ** NETWORK["icosphere_level"] + 2
    mapper = LatentMapper(
        view_size=layout.view_size, content_size=layout.size - layout.view_size, view_dims=VIEW_DIMS,
        num_vertices=vertices, hidden=(8,), channels=4, channels_max=4,
    )  # fmt: skip
    one = np.ones(1, np.float32)
    picture = np.zeros((1, SIZE, SIZE, 3), np.float32)
    inputs = (
        (one, one, one),
        np.zeros((1, vertices, 3)),
        np.zeros((1, *TEXTURE, 3)),
        picture,
        picture[..., :1],
    )
    params = {"mapper": _random(mapper, *inputs)["params"], "generator": generator.variables["params"]}
    constants = {"statistics": mapper.neutral_statistics(), "noise": generator.variables["noise"]}
    return NeuralRenderer(mapper, generator, layout, params, constants | {"w_avg": generator.w_avg})


def write_run(workdir, *, made_from: str = "mine"):
    """inverse_graphics, stylegan_r and gan in `workdir`; made_from: the GAN that the renderer names."""
    write_network(workdir / "inverse_graphics", fingerprint="mine")
    save_neural_renderer(workdir / "stylegan_r", _renderer(), {"made_from": made_from})
    generator = untrained_generator()
    stored = arguments_of(generator.module), generator.variables, generator.w_avg, {}
    save_generator(workdir / "gan" / "generator.safetensors", *stored)
    critic = Discriminator(resolution=SIZE, channel_base=128, channel_max=8)
    trained = {"params": _random(critic, np.zeros((1, SIZE, SIZE, 3), np.float32))["params"]}
    save_discriminator(workdir / "gan" / "discriminator.safetensors", arguments_of(critic), trained, {})
    write_json(workdir / "gan" / "summary.json", {"truncation": 0.7, "crop": None})
    return workdir
