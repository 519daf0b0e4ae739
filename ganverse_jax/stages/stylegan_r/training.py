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
from ganverse_jax.stages.stylegan_r.settings import Finetune, Mapper, Settings, Warmup

NAME = "stylegan_r"


@dataclasses.dataclass(frozen=True)
class Training:
    """Both phases of one run; see `runtime.loop.Loop`."""

    run: Run
    settings: Settings

    def fit(
        self,
        name: str,
        phase: Warmup | Finetune,
        params: dict,
        constants: dict,
        make_step: Callable,
        batch_at: Callable,
    ) -> dict:
        """Train `params` through one phase (or on from its newest checkpoint); returns them on the host.

        make_step(optimizer) gives the step for `with_constants`; batch_at(rows) the host batch of the
        drawn rows.
        """
        optimizer = steps.make_optimizer(vars(phase.learning_rates), phase.num_steps, phase.decay)
        step = steps.with_constants(make_step(optimizer), self.run.mesh, constants)
        key = jax.random.fold_in(jax.random.key(self.run.seed), len(name))
        loop = self.run.loop(f"{NAME}_{name}", self.settings, num_steps=phase.num_steps, key=key,
                             checkpoints=f"{NAME}/{name}")  # fmt: skip
        state = jax.device_get(jax.jit(steps.new_state, static_argnums=1)(params, optimizer))
        state = loop.fit(state, lambda index: step, lambda index: batch_at((self.run.seed, len(name), index)))
        return jax.device_get(state["params"])

    def warm_up(
        self, phase: Warmup, mapper: LatentMapper, params: dict, constants: dict, data: Properties
    ) -> dict:
        """Eq. 5 on {"mapper"}; the code term has weight 1, "entropy" that of the phase."""

        def make_step(optimizer):
            return steps.make_warmup_step(mapper, optimizer, phase.weights.entropy)

        def batch_at(key):
            return data.warmup_batch(data.rows(key, phase.batch_size))

        return self.fit("warmup", phase, params, {"statistics": constants["statistics"]}, make_step, batch_at)

    def fine_tune(
        self,
        phase: Finetune,
        mapper: LatentMapper,
        networks: steps.CycleNetworks,
        params: dict,
        constants: dict,
        data: Properties,
    ) -> dict:
        """Eq. 6 on {"mapper", "generator"}."""

        def make_step(optimizer):
            return steps.make_finetune_step(mapper, networks, optimizer, phase.weights)

        def batch_at(key):
            rows = data.rows(key, phase.batch_size)
            return data.finetune_batch(rows, data.partners(key, rows))

        return self.fit("finetune", phase, params, constants, make_step, batch_at)


def build_mapper(settings: Mapper, data: Properties, seed: int) -> tuple[LatentMapper, dict[str, Any]]:
    """A fresh mapper for these examples: (module, {"params", "statistics"})."""
    module = LatentMapper(
        view_size=data.view_styles.shape[1],
        content_size=data.content_styles.shape[1],
        num_vertices=data.shapes.shape[1],
        **plain(settings),
    )
    cameras = tuple(data.cameras.T[:3])
    statistics = measured_statistics(
        data.view_styles, data.content_styles, data.shapes, cameras, settings.view_dims
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
    """Both phases, the warm-up and then fine-tuning.

    Raises ValueError when a batch does not split over the devices.
    """
    for name in ("warmup", "finetune"):
        size = getattr(settings, name).batch_size
        parallel.check_divisible(size, run.mesh.size, f"stylegan_r.{name}.batch_size")
    module, variables = build_mapper(settings.mapper, inputs.train, run.seed)
    constants = inputs.constants | {"statistics": variables["statistics"]}
    training = Training(run, settings)
    started, fresh = time.perf_counter(), {"mapper": variables["params"]}
    warm = training.warm_up(settings.warmup, module, fresh, constants, inputs.train)
    warm |= {"generator": inputs.generator.variables["params"]}
    warmed = time.perf_counter()
    tuned = training.fine_tune(settings.finetune, module, inputs.networks, warm, constants, inputs.train)
    seconds = {"warmup": warmed - started, "finetune": time.perf_counter() - warmed}
    return Trained(module, constants, fresh, warm, tuned, seconds)
