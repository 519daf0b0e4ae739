"""The two phases of StyleGAN-R around `Loop.fit`: first the mapper, then mapper and generator together."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from ganverse_jax.models.stylegan_r.latent_mapper import LatentMapper, measured_statistics
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.runtime import parallel
from ganverse_jax.stages.stylegan_r import step as steps
from ganverse_jax.stages.stylegan_r.inputs import Inputs
from ganverse_jax.stages.stylegan_r.properties import Properties
from ganverse_jax.stages.stylegan_r.settings import Mapper, Settings

NAME = "stylegan_r"


def fit(
    run: Run,
    settings: Settings,
    name: str,
    params: dict,
    constants: dict,
    make_step: Callable,
    batch_at: Callable,
) -> dict:
    """Train `params` through the phase `name` (or on from its newest checkpoint); returns them on the host.

    make_step(optimizer) gives the step for `with_constants`; batch_at(key) a host batch, pure in the key.
    """
    phase = getattr(settings, name)
    rates = {group: rate for group, rate in vars(phase.learning_rates).items() if group in params}
    optimizer = steps.make_optimizer(rates, phase.num_steps, phase.decay)
    step = steps.with_constants(make_step(optimizer), run.mesh, constants)
    key = jax.random.fold_in(jax.random.key(run.seed), len(name))
    loop = run.loop(f"{NAME}_{name}", settings, num_steps=phase.num_steps, key=key,
                    checkpoints=f"{NAME}/{name}")  # fmt: skip
    state = jax.device_get(jax.jit(steps.new_state, static_argnums=1)(params, optimizer))
    state = loop.fit(state, lambda index: step, lambda index: batch_at((run.seed, len(name), index)))
    return jax.device_get(state["params"])


def build_mapper(
    settings: Mapper, data: Properties, seed: int, *, takes_camera: bool = False
) -> tuple[LatentMapper, dict[str, Any]]:
    """A fresh mapper for these examples: (module, {"params", "statistics"}). takes_camera: of the
    generator, whose own mapping is g_v then."""
    arguments = plain(settings) | ({"view_dims": 0} if takes_camera else {"distance": False})
    module = LatentMapper(
        view_size=data.view_styles.shape[1],
        content_size=data.content_styles.shape[1],
        num_vertices=data.shapes.shape[1],
        **arguments,
    )
    cameras = tuple(data.cameras.T[:3])
    statistics = measured_statistics(
        data.view_styles, data.content_styles, data.shapes, cameras, module.view_dims, module.distance
    )
    example = steps.unpack(data.warmup_batch(np.zeros(1, int)))
    inputs = (example[name] for name in steps.PROPERTY_INPUTS)
    # "rbg" compiles three times as fast as the default for some 25 weights.
    params = jax.device_get(jax.jit(module.init)(jax.random.key(seed, impl="rbg"), *inputs)["params"])
    return module, {"params": params, "statistics": statistics}


@dataclasses.dataclass(frozen=True)
class Trained:
    """What `train` leaves: the mapper and the constants; seconds of each phase.

    Parameters: fresh {"mapper"}; warm (after the warm-up) and tuned (after fine-tuning) with "generator" too.
    """

    module: LatentMapper
    constants: dict[str, Any]
    fresh: dict[str, Any]
    warm: dict[str, Any]
    tuned: dict[str, Any]
    seconds: dict[str, float]


def train(run: Run, settings: Settings, inputs: Inputs) -> Trained:
    """Eq. 5 on {"mapper"}, where the code term has weight 1, then Eq. 6 on {"mapper", "generator"}.

    Raises ValueError when a batch does not split over the devices.
    """
    sizes = {name: getattr(settings, name).batch_size for name in ("warmup", "finetune")}
    for name, size in sizes.items():
        micro = settings.micro_batches if name == "finetune" else 1
        parallel.check_divisible(size, run.mesh.size, f"stylegan_r.{name}.batch_size", micro)
    mine = {name: parallel.local_rows(size, run.mesh) for name, size in sizes.items()}
    takes_camera = inputs.generator.camera is not None
    module, variables = build_mapper(settings.mapper, inputs.train, run.seed, takes_camera=takes_camera)
    constants = inputs.constants | {"statistics": variables["statistics"]}
    started, fresh, data = time.perf_counter(), {"mapper": variables["params"]}, inputs.train

    def warmup_step(optimizer):
        return steps.make_warmup_step(module, optimizer, settings.warmup.weights.entropy)

    def warmup_batch(key):
        return data.warmup_batch(data.rows(key, sizes["warmup"])[mine["warmup"]])

    def finetune_step(optimizer):
        weights, micro = settings.finetune.weights, settings.micro_batches
        return steps.make_finetune_step(module, inputs.networks, optimizer, weights, micro)

    def finetune_batch(key):
        rows, part = data.rows(key, sizes["finetune"]), mine["finetune"]
        if settings.finetune.swap:
            jitter = np.radians(settings.finetune.camera_jitter), settings.finetune.distance_jitter
            return data.swapped_batch(key, rows, *jitter, part)
        return data.paper_batch(rows[part], data.partners(key, rows)[part])

    statistics = {"statistics": constants["statistics"]}
    warm = fit(run, settings, "warmup", fresh, statistics, warmup_step, warmup_batch)
    warm |= {"generator": inputs.generator.variables["params"]}
    warmed = time.perf_counter()
    players = warm if inputs.discriminator is None else warm | {"discriminator": inputs.discriminator}
    tuned = fit(run, settings, "finetune", players, constants, finetune_step, finetune_batch)
    seconds = {"warmup": warmed - started, "finetune": time.perf_counter() - warmed}
    return Trained(module, constants, fresh, warm, tuned, seconds)
