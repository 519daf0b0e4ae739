"""Stage: StyleGAN-R, the generator turned into a 3D neural renderer (Sec. 3.3, arXiv:2010.09125).

Reads gan/, perception/ (where there is one), multiview/ and inverse_graphics/. Writes to
<workdir>/stylegan_r: mapper.safetensors and generator.safetensors (fine-tuned), figures.npz, summary.json.
Curves are logged as stages "stylegan_r_warmup" (Eq. 5) and "stylegan_r_finetune" (Eq. 6).
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganverse_jax.losses import cycle
from ganverse_jax.models.stylegan_r.latent_mapper import LatentMapper
from ganverse_jax.models.stylegan_r.neural_renderer import NeuralRenderer, save_neural_renderer
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.pipeline.stage import Run, Stage
from ganverse_jax.runtime.checkpoint import write_json, write_npz
from ganverse_jax.stages.stylegan_r import figures, measures
from ganverse_jax.stages.stylegan_r import step as steps
from ganverse_jax.stages.stylegan_r.inputs import Inputs, load_inputs
from ganverse_jax.stages.stylegan_r.settings import Settings
from ganverse_jax.stages.stylegan_r.training import NAME, Trained, train

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
    started = time.perf_counter()
    summary = {f"{name}_steps": phase.num_steps for name, phase in phases.items()}
    summary |= {"num_examples": len(inputs.train), "num_test": len(inputs.test)}
    summary |= _code_figures(trained, inputs)
    renderer, comparison = _compare(trained, inputs)
    summary |= comparison
    _write_figures(folder, renderer, inputs, settings.sweep_steps)
    card = {"made_from": inputs.generator.fingerprint}
    card |= {name: plain(phase) for name, phase in phases.items()}
    save_neural_renderer(folder, renderer, card)
    measured = {"load": load_seconds, "measure": time.perf_counter() - started}
    summary["time"] = {f"{name}_seconds": value for name, value in (trained.seconds | measured).items()}
    write_json(folder / "summary.json", summary)
    run.metrics.write_anew(NAME, settings.finetune.num_steps, **summary["after_finetuning"])
    return summary


def _compare(trained: Trained, inputs: Inputs) -> tuple[NeuralRenderer, dict[str, Any]]:
    """The fine-tuned renderer, and the figures before and after fine-tuning."""
    parts = (trained.module, inputs.generator.module, inputs.layout, trained.warm, trained.constants)
    renderer = NeuralRenderer(*parts, height=inputs.test.images.shape[1])
    cycle_terms = _cycle_terms(trained, inputs)
    before = _render_figures(renderer, cycle_terms, inputs)
    renderer.params = trained.tuned
    after = _render_figures(renderer, cycle_terms, inputs)
    return renderer, {"before_finetuning": before, "after_finetuning": after}


def _code_figures(trained: Trained, inputs: Inputs) -> dict[str, float]:
    """Eq. 5 on held-out examples, before (the mean code) and after warm-up, and how the gates share the code.

    view_unexplained, content_unexplained: mean squared error over that of the mean code (1 - R^2).
    """
    module = trained.module

    @jax.jit
    def terms(params, batch):
        variables = {"params": params, "statistics": trained.constants["statistics"]}
        ready = steps.unpack(batch)
        view, content = module.apply(variables, *(ready[name] for name in steps.PROPERTY_INPUTS))
        errors = {
            "view": cycle.code_distance(view, ready["view_style"]),
            "content": cycle.code_distance(content, ready["content_style"]),
        }
        gates = module.apply(variables, method=LatentMapper.gates)
        return steps.warmup_losses(module, variables, ready) | errors, gates.mean(axis=1)

    batch = inputs.test.warmup_batch(np.arange(len(inputs.test)))
    (before, _), (after, shares) = (
        jax.device_get(terms(params["mapper"], batch)) for params in (trained.fresh, trained.warm)
    )
    both = (("before", before), ("after", after))
    found = {f"{name}_{when}": values[name] for when, values in both for name in ("code", "entropy")}
    found |= {f"{name}_unexplained": after[name] / before[name] for name in ("view", "content")}
    found |= {f"gate_{name}": share for name, share in zip(measures.PROPERTIES, shares, strict=True)}
    return {name: float(value) for name, value in found.items()}


def _cycle_terms(trained: Trained, inputs: Inputs) -> Callable:
    """terms(params, batch): the losses of fine-tuning on a host batch, compiled once."""

    @jax.jit
    def terms(params, constants, batch):
        ready = steps.unpack(batch)
        return steps.finetune_losses(trained.module, inputs.networks, params, constants, ready)

    return lambda params, batch: jax.device_get(terms(params, trained.constants, batch))


def _render_figures(neural: NeuralRenderer, cycle_terms: Callable, inputs: Inputs) -> dict[str, float]:
    """Eq. 6, camera obedience and leaks of swaps, on held-out examples; fixed partners and views."""
    data = inputs.test
    rows, num_views = np.arange(len(data)), len(data.cameras)
    partners = data.partners(0, rows)
    views = (data.view_id + 1 + rows % max(num_views - 1, 1)) % num_views
    found = cycle_terms(neural.params, data.finetune_batch(rows, partners))
    cycle_figures = {f"cycle_{name}": float(value) for name, value in found.items()}
    swaps = measures.swap_measures(neural, inputs.segment, data, rows, partners)
    # From the training examples: a view has too few held-out ones to tell its azimuth.
    reference = measures.view_azimuths(inputs.regress, inputs.train) if inputs.regress else None
    camera = measures.camera_measures(
        neural, inputs.dibr, inputs.segment, data, rows, views, inputs.regress, reference
    )
    return cycle_figures | swaps | camera


def _write_figures(folder: Path, neural: NeuralRenderer, inputs: Inputs, sweep_steps: int) -> None:
    """figures.npz; one example of each object comes first, as neighbours in the set are views of one."""
    data = inputs.test
    _, first = np.unique(data.object_id, return_index=True)
    rows = np.concatenate([first, np.setdiff1d(np.arange(len(data)), first)])
    arrays = figures.dual_renderer(neural, inputs.dibr, data, rows[:NUM_DUAL])
    arrays |= figures.camera_sweeps(neural, data, rows[:NUM_SWEPT], sweep_steps)
    arrays |= figures.swaps(neural, data, rows[:NUM_SWAPPED])
    write_npz(folder / "figures.npz", **arrays)


STAGE = Stage(
    NAME,
    "StyleGAN-R",
    Settings,
    run,
    needs=lambda settings: ("gan", "perception", "multiview_dataset", "inverse_graphics"),
    figures=("warmup_steps", "finetune_steps"),
)
