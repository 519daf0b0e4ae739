"""The two phases of StyleGAN-R around `Loop.fit`: first the mapper, then mapper and generator together."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from ganverse_jax.models.stylegan_r.latent_mapper import LatentMapper, measured_statistics
from ganverse_jax.runtime import parallel
from ganverse_jax.runtime.loop import Loop, Metrics
from ganverse_jax.stages.stylegan_r import step as steps
from ganverse_jax.stages.stylegan_r.inputs import Inputs
from ganverse_jax.stages.stylegan_r.properties import Properties

STAGE = "stylegan_r"


@dataclasses.dataclass(frozen=True)
class Phase:
    """One phase of training.

    num_steps of Adam on batch_size images; learning rate of each group of parameters ("mapper", "generator");
    weight of each loss term; decay: the last fraction of the steps over which the rates fall to zero.
    """

    num_steps: int
    batch_size: int
    learning_rates: Mapping[str, float]
    weights: Mapping[str, float]
    decay: float = 0.0


@dataclasses.dataclass(frozen=True)
class Training:
    """Where and how both phases run; see `runtime.loop.Loop`."""

    workdir: Path
    seed: int
    mesh: Mesh
    metrics: Metrics
    log_every: int
    save_every: int

    def fit(
        self, name: str, phase: Phase, params: dict, constants: dict, make_step: Callable, batch_at: Callable
    ) -> dict:
        """Train `params` through one phase (or on from its newest checkpoint); returns them on the host.

        make_step(optimizer) gives the step for `with_constants`; batch_at(rows) the host batch of the
        drawn rows.
        """
        optimizer = steps.make_optimizer(dict(phase.learning_rates), phase.num_steps, phase.decay)
        step = steps.with_constants(make_step(optimizer), self.mesh, constants)
        loop = Loop(
            stage=f"{STAGE}_{name}",
            num_steps=phase.num_steps,
            key=jax.random.fold_in(jax.random.key(self.seed), len(name)),
            mesh=self.mesh,
            metrics=self.metrics,
            checkpoints=self.workdir / "checkpoints" / STAGE / name,
            log_every=self.log_every,
            save_every=self.save_every,
        )
        state = jax.device_get(jax.jit(steps.new_state, static_argnums=1)(params, optimizer))
        state = loop.fit(state, lambda index: step, lambda index: batch_at((self.seed, len(name), index)))
        return jax.device_get(state["params"])

    def warm_up(
        self, phase: Phase, mapper: LatentMapper, params: dict, constants: dict, data: Properties
    ) -> dict:
        """Eq. 5 on {"mapper"}; the code term has weight 1, "entropy" that of the phase."""

        def make_step(optimizer):
            return steps.make_warmup_step(mapper, optimizer, phase.weights["entropy"])

        def batch_at(key):
            return data.warmup_batch(data.rows(key, phase.batch_size))

        return self.fit("warmup", phase, params, {"statistics": constants["statistics"]}, make_step, batch_at)

    def fine_tune(
        self,
        phase: Phase,
        mapper: LatentMapper,
        networks: steps.CycleNetworks,
        params: dict,
        constants: dict,
        data: Properties,
    ) -> dict:
        """Eq. 6 on {"mapper", "generator"}."""

        def make_step(optimizer):
            return steps.make_finetune_step(mapper, networks, optimizer, dict(phase.weights))

        def batch_at(key):
            rows = data.rows(key, phase.batch_size)
            return data.finetune_batch(rows, data.partners(key, rows))

        return self.fit("finetune", phase, params, constants, make_step, batch_at)


def build_mapper(
    settings: Mapping[str, Any], data: Properties, seed: int
) -> tuple[LatentMapper, dict[str, Any], dict[str, Any]]:
    """A fresh mapper for these examples: (module, its keyword arguments, {"params", "statistics"}).

    settings: view_dims and, where defaults do not serve, hidden, channels, channels_max of `LatentMapper`.
    """
    full = {
        **settings,
        "view_size": data.view_styles.shape[1],
        "content_size": data.content_styles.shape[1],
        "num_vertices": data.shapes.shape[1],
    }
    full = {name: tuple(value) if name == "hidden" else value for name, value in full.items()}
    module = LatentMapper(**full)
    cameras = tuple(data.cameras.T[:3])
    statistics = measured_statistics(
        data.view_styles, data.content_styles, data.shapes, cameras, settings["view_dims"]
    )
    example = steps.unpack(data.warmup_batch(np.zeros(1, int)))
    inputs = (example[name] for name in steps.PROPERTY_INPUTS)
    # "rbg" compiles three times as fast as the default for some 25 weights.
    params = jax.device_get(jax.jit(module.init)(jax.random.key(seed, impl="rbg"), *inputs)["params"])
    return module, full, {"params": params, "statistics": statistics}


@dataclasses.dataclass(frozen=True)
class Trained:
    """What `train` leaves: the mapper, its keyword arguments and the constants; seconds of each phase.

    Parameters: fresh {"mapper"}; warm (after the warm-up) and tuned (after fine-tuning) with "generator" too.
    """

    module: LatentMapper
    settings: dict[str, Any]
    constants: dict[str, Any]
    fresh: dict[str, Any]
    warm: dict[str, Any]
    tuned: dict[str, Any]
    seconds: dict[str, float]


def train(
    workdir: Path,
    inputs: Inputs,
    *,
    phases: Mapping[str, Phase],
    mapper: Mapping[str, Any],
    seed: int,
    mesh: Mesh,
    metrics: Metrics,
    log_every: int = 50,
    save_every: int = 500,
) -> Trained:
    """Both phases, "warmup" then "finetune"; mapper: see `build_mapper`.

    Raises ValueError when a batch does not split over the devices.
    """
    for name, phase in phases.items():
        parallel.check_divisible(phase.batch_size, mesh.size, f"stylegan_r.{name}.batch_size")
    module, settings, variables = build_mapper(mapper, inputs.train, seed)
    constants = inputs.constants | {"statistics": variables["statistics"]}
    training = Training(workdir, seed, mesh, metrics, log_every, save_every)
    started, fresh = time.perf_counter(), {"mapper": variables["params"]}
    warm = training.warm_up(phases["warmup"], module, fresh, constants, inputs.train)
    warm |= {"generator": inputs.generator.variables["params"]}
    warmed = time.perf_counter()
    tuned = training.fine_tune(phases["finetune"], module, inputs.networks, warm, constants, inputs.train)
    seconds = {"warmup": warmed - started, "finetune": time.perf_counter() - warmed}
    return Trained(module, settings, constants, fresh, warm, tuned, seconds)
