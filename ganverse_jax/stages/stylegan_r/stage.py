"""Stage: StyleGAN-R, the generator turned into a 3D neural renderer (Sec. 3.3, arXiv:2010.09125).

Reads gan/, perception/ (where there is one), multiview/ and inverse_graphics/. Writes to
<workdir>/stylegan_r: mapper.safetensors and generator.safetensors (fine-tuned), mapper_warmed_up.safetensors,
figures.npz, summary.json.
Curves are logged as stages "stylegan_r_warmup" (Eq. 5) and "stylegan_r_finetune" (Eq. 6).
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganverse_jax.data.masks.folder import asked_together
from ganverse_jax.losses import cycle
from ganverse_jax.models.stylegan_r.latent_mapper import LatentMapper
from ganverse_jax.models.stylegan_r.neural_renderer import (
    NeuralRenderer,
    load_neural_renderer,
    save_mapper,
    save_neural_renderer,
)
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.pipeline.stage import Run, Stage
from ganverse_jax.runtime import hosts
from ganverse_jax.runtime.checkpoint import write_json, write_npz
from ganverse_jax.stages.perception.cost import announce
from ganverse_jax.stages.stylegan_r import figures, measures
from ganverse_jax.stages.stylegan_r import step as steps
from ganverse_jax.stages.stylegan_r.inputs import Inputs, load_inputs
from ganverse_jax.stages.stylegan_r.properties import Properties
from ganverse_jax.stages.stylegan_r.settings import Settings
from ganverse_jax.stages.stylegan_r.training import NAME, Trained, build_mapper, train

WARMED_UP = "mapper_warmed_up.safetensors"  # before fine-tuning; it belongs to the GAN's own generator
NUM_DUAL, NUM_SWEPT, NUM_SWAPPED = 8, 3, 3


def run(run: Run, settings: Settings) -> dict[str, Any]:
    """The stage on what earlier stages left; returns the summary."""
    started = time.perf_counter()
    inputs = load_inputs(run, settings)
    return train_and_measure(run, settings, inputs, load_seconds=time.perf_counter() - started)


def train_and_measure(
    run: Run, settings: Settings, inputs: Inputs, *, load_seconds: float = 0.0
) -> dict[str, Any]:
    """Warm the mapper up, fine-tune mapper and generator, measure before and after, write everything."""
    folder, phases = run.workdir / NAME, {"warmup": settings.warmup, "finetune": settings.finetune}
    trained = train(run, settings, inputs)
    hosts.leave_rest_to_first()
    started = time.perf_counter()
    summary = {f"{name}_steps": phase.num_steps for name, phase in phases.items()}
    summary |= {"num_examples": len(inputs.train), "num_test": len(inputs.test)}
    renderer = _renderer(trained, inputs, trained.tuned)
    _write_figures(folder, renderer, inputs, settings.sweep_steps)
    card = {"made_from": inputs.generator.fingerprint}
    card |= {name: plain(phase) for name, phase in phases.items()}
    save_neural_renderer(folder, renderer, card)
    save_mapper(folder / WARMED_UP, _renderer(trained, inputs, trained.warm), card)
    summary |= _code_figures(trained, inputs) | _compare(renderer, trained, inputs)
    measured = {"load": load_seconds, "measure": time.perf_counter() - started}
    summary["time"] = {f"{name}_seconds": value for name, value in (trained.seconds | measured).items()}
    write_json(folder / "summary.json", summary)
    run.metrics.write_anew(NAME, settings.finetune.num_steps, **summary["after_finetuning"])
    return summary


def recomputed(run: Run, settings: Settings) -> dict[str, dict[str, Any]]:
    """summary.json's figures anew, see `Stage`."""
    folder, inputs = run.workdir / NAME, load_inputs(run, settings)
    tuned = load_neural_renderer(folder)
    warm = load_neural_renderer(folder, mapper=WARMED_UP, generator=inputs.generator)
    takes_camera = inputs.generator.camera is not None
    _, fresh = build_mapper(settings.mapper, inputs.train, run.seed, takes_camera=takes_camera)
    constants = inputs.constants | {"statistics": tuned.constants["statistics"]}
    params = {"fresh": {"mapper": fresh["params"]}, "warm": warm.params, "tuned": tuned.params}
    trained = Trained(tuned.mapper, constants, **params, seconds={})
    renderer = _renderer(trained, inputs, trained.tuned)
    counts = {"num_examples": len(inputs.train), "num_test": len(inputs.test)}
    figures = _code_figures(trained, inputs) | _compare(renderer, trained, inputs)
    return {"summary.json": counts | figures}


def _renderer(trained: Trained, inputs: Inputs, params: dict[str, Any]) -> NeuralRenderer:
    """The renderer of such parameters."""
    parts = (trained.module, inputs.generator, inputs.layout, params, trained.constants)
    return NeuralRenderer(*parts, height=inputs.test.images.shape[1])


def _compare(renderer: NeuralRenderer, trained: Trained, inputs: Inputs) -> dict[str, Any]:
    """Figures before and after fine-tuning: Eq. 6, camera obedience and leaks of swaps, on held-out examples.

    All pictures are drawn before any is segmented, so that a person is asked once for their masks.
    """
    data, asked = inputs.test, _question(inputs.test)
    phases = {"before_finetuning": trained.warm, "after_finetuning": trained.tuned}
    pictures = {}
    for phase, params in phases.items():
        renderer.params = params
        pictures |= {(phase, name): shown for name, shown in
                     measures.measured_pictures(renderer, data, asked).items()}  # fmt: skip
    told = f"renders of {len(data)} held-out examples before and after fine-tuning"
    one = next(iter(pictures.values()))
    announce(NAME, len(pictures) * len(data), told, lambda: one[: renderer.batch_size], inputs.segment,
             fewer="stylegan_r.num_test")  # fmt: skip
    masks = dict(zip(pictures, asked_together(inputs.segment, pictures.values()), strict=True))
    cycle_terms, found = _cycle_terms(trained, inputs), {}
    # From the training examples: a view has too few held-out ones to tell its azimuth.
    reference = measures.view_azimuths(inputs.regress, inputs.train) if inputs.regress else None
    for phase, params in phases.items():
        drawn, inside = ({name: part[phase, name] for of, name in part if of == phase}
                         for part in (pictures, masks))  # fmt: skip
        cycle_figures = {f"cycle_{name}": value for name, value in cycle_terms(params, asked).items()}
        swaps = measures.swap_measures(drawn, inside, data.images[asked.rows])
        found[phase] = cycle_figures | swaps | measures.camera_measures(
            drawn, inside, inputs.dibr, data, asked, inputs.regress, reference)  # fmt: skip
    return found


def _question(data: Properties) -> measures.Question:
    """Fixed partners and views of the held-out examples."""
    rows, num_views = np.arange(len(data)), len(data.cameras)
    views = (data.view_id + 1 + rows % max(num_views - 1, 1)) % num_views
    return measures.Question(rows, data.partners(0, rows), views)


def _code_figures(trained: Trained, inputs: Inputs) -> dict[str, float]:
    """Eq. 5 on held-out examples, before (the mean code) and after warm-up, and how the gates share the code.

    view_unexplained, content_unexplained: mean squared error over that of the mean code (1 - R^2).
    """
    module = trained.module

    @jax.jit
    def terms(params, batch):
        variables = {"params": params, "statistics": trained.constants["statistics"]}
        ready = steps.unpack(batch)
        view, content, _ = module.apply(variables, *(ready[name] for name in steps.PROPERTY_INPUTS))
        errors = {
            "view": cycle.squared_distance(view, ready["view_style"]),
            "content": cycle.squared_distance(content, ready["content_style"]),
        }
        gates = module.apply(variables, method=LatentMapper.gates)
        return steps.warmup_losses(module, variables, ready) | errors, gates.mean(axis=1)

    (before, _), (after, shares) = (
        _of_single_examples(terms, params["mapper"], inputs.test.warmup_batch, np.arange(len(inputs.test)))
        for params in (trained.fresh, trained.warm)
    )
    both = (("before", before), ("after", after))
    found = {f"{name}_{when}": values[name] for when, values in both for name in ("code", "entropy")}
    learned = ("view", "content") if module.view_dims else ("content",)
    found |= {f"{name}_unexplained": after[name] / before[name] for name in learned}
    found |= {f"gate_{name}": share for name, share in zip(measures.PROPERTIES, shares, strict=True)}
    return {name: float(value) for name, value in found.items()}


def _cycle_terms(trained: Trained, inputs: Inputs) -> Callable:
    """terms(params, question): the means of fine-tuning's losses on the examples asked for."""

    @jax.jit
    def terms(params_and_constants, batch):
        ready = steps.unpack(batch)
        return steps.finetune_losses(trained.module, inputs.networks, *params_and_constants, ready)[0]

    def means(params: dict, asked: measures.Question) -> dict[str, float]:
        rows = asked.rows, asked.partners
        found = _of_single_examples(terms, (params, trained.constants), inputs.test.paper_batch, *rows)
        return {name: float(value) for name, value in found.items()}

    return means


def _of_single_examples(terms: Callable, params: Any, batch_of: Callable, *rows: np.ndarray) -> Any:
    """Means of what terms(params, batch) gives on each example alone, the batch_of each of `rows` [n]: those
    of all at once, in the memory of one."""
    params = jax.device_put(params)
    every = [
        jax.device_get(terms(params, batch_of(*(row[i : i + 1] for row in rows))))
        for i in range(len(rows[0]))
    ]
    return jax.tree.map(lambda *values: np.mean(values, axis=0), *every)


def _write_figures(folder: Path, neural: NeuralRenderer, inputs: Inputs, sweep_steps: int) -> None:
    """figures.npz; one example of each object comes first, as neighbours in the set are views of one."""
    data = inputs.test
    _, first = np.unique(data.object_id, return_index=True)
    rows = np.concatenate([first, np.setdiff1d(np.arange(len(data)), first)])
    arrays = figures.dual_renderer(neural, inputs.dibr, data, rows[:NUM_DUAL])
    sweeps = figures.SWEEPS if neural.mapper.takes_distance else ("azimuth", "elevation")
    arrays |= figures.camera_sweeps(neural, data, rows[:NUM_SWEPT], sweep_steps, sweeps)
    arrays |= figures.swaps(neural, data, np.resize(rows, NUM_SWAPPED))  # again from the first where few
    write_npz(folder / "figures.npz", **arrays)


STAGE = Stage(
    NAME,
    "StyleGAN-R",
    Settings,
    run,
    needs=lambda settings: ("gan", "perception", "multiview_dataset", "inverse_graphics"),
    figures=("warmup_steps", "finetune_steps"),
    trains=lambda settings: True,
    recomputed=recomputed,
)
