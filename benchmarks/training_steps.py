"""The steps that communication.py counts, on shapes alone: GAN, inverse graphics, StyleGAN-R."""

import jax
import numpy as np

from benchmarks import paper_step
from configs import bird, car
from ganverse_jax import stages
from ganverse_jax.models.stylegan2.networks import Discriminator, Generator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator
from ganverse_jax.models.stylegan2.style_space import style_layout
from ganverse_jax.models.stylegan_r.latent_mapper import LatentMapper
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.runtime import parallel
from ganverse_jax.stages.gan.adaptive import initial_adaptive
from ganverse_jax.stages.gan.step import Phases, initial_state
from ganverse_jax.stages.inverse_graphics.stage import init_network
from ganverse_jax.stages.stylegan_r import step as stylegan_r
from ganverse_jax.stages.stylegan_r.networks import TrainedInverseGraphics, make_networks

SMALL_GAN = dict(resolution=8, channel_base=64, channel_max=8)
SMALL_LATENTS = dict(z_dim=8, w_dim=8, mapping_layers=2)
CONFIG_E = dict(resolution=512, channel_base=16384, channel_max=512, z_dim=512, w_dim=512, mapping_layers=8)
SMALL_MAPPER = dict(view_dims=8, channels=4, channels_max=8)
KEY = jax.eval_shape(lambda: jax.random.key(0))


def jitted(step, devices):
    """A per-device step over the first so many devices, by position: (state, batch, key)."""
    run = parallel.data_parallel(step, parallel.data_mesh(devices))
    return jax.jit(lambda state, batch, key: run(state, batch, key=key))


def gan_steps(scale, devices):
    """The phases of a GAN's step, at the sizes of configs/bird.py."""
    settings = stages.experiment_of(bird.get_config().to_dict()).stages["gan"]
    sizes = plain(settings.generator), plain(settings.discriminator)
    if scale == "small":
        sizes = SMALL_GAN | SMALL_LATENTS, SMALL_GAN
    networks = Generator(**sizes[0]), Discriminator(**sizes[1])
    size = networks[1].resolution
    state, noise = jax.eval_shape(lambda: initial_state(*networks, key=jax.random.key(0)))
    noise = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), noise)
    state |= jax.eval_shape(lambda: initial_adaptive(settings.augment))
    phases, count = Phases(*networks, noise, settings), settings.batch_size
    batch = {"real": jax.ShapeDtypeStruct((count, size, size, 3), np.uint8)}
    batch["index"] = jax.ShapeDtypeStruct((count,), np.int32)
    for name in ("g_main", "g_reg", "d_main", "d_reg", "average"):
        yield f"gan {name}", jitted(getattr(phases, name), devices), (state, batch, KEY)


def inverse_graphics_steps(scale, devices):
    """The late step of configs/car.py; small, the early one: features of pictures are not learned."""
    chosen = paper_step.scale_of(scale == "small")
    network, is_late = chosen.network(42 if scale == "small" else 642), scale != "small"
    state = jax.eval_shape(lambda: paper_step.starting_state(chosen, network))
    step = paper_step.make_step(chosen, network, is_late, devices)
    batch = paper_step.batch_shapes(chosen, chosen.settings.batch_size)
    yield "inverse graphics", step, (state, batch, KEY)


def stylegan_r_steps(scale, devices):
    """Warm-up and fine-tuning of configs/car.py, whose generator is config e at 512 x 384."""
    settings = stages.experiment_of(car.get_config().to_dict()).stages["stylegan_r"]
    loaded, network, size = _renderer(scale)
    layout = style_layout(loaded.module, include_torgb=settings.include_torgb)
    own = plain(settings.mapper) | (SMALL_MAPPER if scale == "small" else {}) | {"distance": False}
    sizes = {"view_size": layout.view_size, "content_size": layout.content_size}
    mapper = LatentMapper(num_vertices=len(network.template.vertices), **sizes, **own)
    batches = _batches(settings, layout, network, size)
    example = jax.eval_shape(stylegan_r.unpack, batches["warmup"])
    inputs = [example[name] for name in stylegan_r.PROPERTY_INPUTS]
    params = {"mapper": jax.eval_shape(mapper.init, jax.random.key(0), *inputs)["params"]}
    constants = {"statistics": jax.eval_shape(mapper.neutral_statistics)}
    phase = settings.warmup
    optimizer = _optimizer(phase, params)
    step = stylegan_r.make_warmup_step(mapper, optimizer, phase.weights.entropy)
    state = jax.eval_shape(lambda: stylegan_r.new_state(params, optimizer))
    yield "stylegan_r warmup", jitted(step, devices), ((state, constants), batches["warmup"], KEY)

    phase, players = settings.finetune, params | {"generator": loaded.variables["params"]}
    constants |= {"noise": loaded.variables["noise"], "w_avg": loaded.w_avg, "segmenter": {}}
    constants |= {"inverse_graphics": jax.eval_shape(lambda: init_network(network, size, 0))}
    inverse = TrainedInverseGraphics(network, None, paper_step.FOV_Y)
    networks, tuning = (
        make_networks(loaded, layout, inverse, None, "render", size[0]),
        _optimizer(phase, players),
    )
    step = stylegan_r.make_finetune_step(mapper, networks, tuning, phase.weights)
    state = jax.eval_shape(lambda: stylegan_r.new_state(players, tuning))
    yield "stylegan_r finetune", jitted(step, devices), ((state, constants), batches["finetune"], KEY)


def _renderer(scale):
    """(generator, network of inverse graphics, size of pictures), as shapes."""
    chosen, is_small = paper_step.scale_of(scale == "small"), scale == "small"
    # Of 8 px all layers would be the view's.
    module = Generator(**(SMALL_GAN | SMALL_LATENTS | {"resolution": 16} if is_small else CONFIG_E))
    variables = jax.eval_shape(module.init, jax.random.key(0), np.zeros((1, module.z_dim), np.float32))
    loaded = LoadedGenerator(module, variables, np.zeros(module.w_dim, np.float32), "", {})
    if is_small:
        return loaded, chosen.network(42), (16, 16)
    return loaded, chosen.network(642), chosen.size


def _optimizer(phase, params):
    rates = {group: rate for group, rate in vars(phase.learning_rates).items() if group in params}
    return stylegan_r.make_optimizer(rates, phase.num_steps, phase.decay)


def _batches(settings, layout, network, size):
    """Shapes of both phases' batches."""
    v, texture = len(network.template.vertices), (network.texture_size, 2 * network.texture_size)

    def shapes(count, *pair):
        of = {
            "image": ((count, *size, 3), np.uint8),
            "mask": ((count, *size), np.uint8),
            "camera": ((count, *pair, 3), np.float32),
            "shape": ((count, *pair, v, 3), np.float32),
            "texture": ((count, *pair, *texture, 3), np.float16),
        }
        return {name: jax.ShapeDtypeStruct(*one) for name, one in of.items()}

    warm, tuned = settings.warmup.batch_size, settings.finetune.batch_size
    codes = {"view_style": layout.view_size, "content_style": layout.content_size}
    codes = {name: jax.ShapeDtypeStruct((warm, width), np.float32) for name, width in codes.items()}
    return {"warmup": shapes(warm) | codes, "finetune": shapes(tuned, 2)}


STEPS = {"gan": gan_steps, "inverse_graphics": inverse_graphics_steps, "stylegan_r": stylegan_r_steps}


def steps_of(work, scale, devices):
    """(name, jitted step, shapes of its operands) of a stage's steps; scale: "small" or "paper"."""
    return STEPS[work](scale, devices)
