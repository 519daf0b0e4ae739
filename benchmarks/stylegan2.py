"""Times StyleGAN2: synthesis at three sizes and training steps, against recorded and measured peers, and the
training step of the toy run's own GAN.

    python benchmarks/stylegan2.py                               # everything this device can show
    python benchmarks/stylegan2.py --only synthesis --flaxmodels fm/bin/python

`fm` is an environment with flaxmodels (see stylegan2_flaxmodels.py): measured in the same run, by turns.
The PyTorch figures are recorded ones (2 CPU cores, stylegan2-ada-pytorch's code on its plain fallback
kernels); V100 figures are that project's published training times. Prints a table and writes
benchmarks/results/stylegan2_<device>.json. A training step is the generator's and the discriminator's
main phases with R1 (every step), as the recorded figure; "lazy" is the mean over 16 steps of R1 every 16
and path length every 8, the way it trains. "toy" is the step of configs/toy_car.py's networks and settings.
"""

import argparse
import dataclasses
import itertools
import json
import sys
import time
from pathlib import Path

import jax
import numpy as np

# Scripts find modules beside them first, and here are benchmarks called like packages.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.records import PEAK_FLOPS, add_flags, json_printed, measured, peak_bytes
from configs import bird, toy_car
from ganverse_jax import stages
from ganverse_jax.models.stylegan2.networks import Discriminator, Generator
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.runtime import parallel
from ganverse_jax.stages.gan.adaptive import initial_adaptive
from ganverse_jax.stages.gan.settings import Settings
from ganverse_jax.stages.gan.step import Phases, initial_state, make_step_at, strided_order

# resolution: (channel_base, channel_max, batch of the synthesis row)
SIZES = {16: (256, 16, 4), 64: (4096, 128, 8), 256: (16384, 512, 8), 512: (16384, 512, 4)}
RECORDED = {
    "synthesis": {
        64: {"torch": (0.10, 0.12), "flaxmodels": 0.18},
        256: {"torch": 3.5, "flaxmodels": 4.2},
        512: {"torch": 2.9, "flaxmodels": 3.8},
    },
    "training": {64: {"torch": 2.2}},
}
V100_SECONDS_PER_KIMG = {128: 12.8, 256: 21.6, 512: 72.5}


def seconds(run, calls):
    """Median and least time of a call."""
    jax.block_until_ready(run())
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        jax.block_until_ready(run())
        times.append(time.perf_counter() - start)
    return float(np.median(times)), min(times)


def generator_of(resolution, dtype="float32"):
    """The benchmark's generator: 512-wide latents, 8 mapping layers."""
    base, most, _ = SIZES[resolution]
    shape = {"resolution": resolution, "channel_base": base, "channel_max": most}
    return Generator(z_dim=512, w_dim=512, mapping_layers=8, compute_dtype=dtype, **shape)


def measure_synthesis(resolution, batch, calls, dtype="float32"):
    """z to images, constant noise."""
    module = generator_of(resolution, dtype)
    z = jax.random.normal(jax.random.key(1), (batch, 512))
    variables = jax.jit(module.init)(jax.random.key(0), z)
    draw = jax.jit(module.apply).lower(variables, z).compile()
    row = {"work": "synthesis", "resolution": resolution, "batch": batch, "dtype": dtype}
    row["seconds"], row["least_seconds"] = seconds(lambda: draw(variables, z), calls)
    return row | _rates(row, (draw.cost_analysis() or {}).get("flops"))


def measure_training(resolution, batch, calls, dtype="float32"):
    """One G + D step with R1, and the mean step of the lazy schedule."""
    base, most, _ = SIZES[resolution]
    critic = Discriminator(resolution=resolution, channel_base=base, channel_max=most)
    settings = Settings(learning_rate=2e-3, batch_size=batch, compute_dtype=dtype, ema_rampup=0.05)
    networks = generator_of(resolution), critic
    row = {"work": "training", "resolution": resolution, "batch": batch, "dtype": dtype}
    every = dataclasses.replace(settings, r1_interval=1, path_length_interval=2)
    row["seconds"], row["least_seconds"] = step_seconds(networks, every, [1], calls)[0]
    lazy = dataclasses.replace(settings, r1_interval=16, path_length_interval=8)
    # All phases, those with path length, the main ones alone.
    kinds = [median for median, _ in step_seconds(networks, lazy, [0, 8, 1], calls)]
    row["lazy_seconds"] = float(np.dot([1, 1, 14], kinds) / 16)
    return row | {"images_per_second": batch / row["lazy_seconds"], "peak_mib": peak_bytes() / 2**20}


def measure_toy(resolution, batch, calls, dtype="float32"):
    """The mean step of configs/toy_car.py's own GAN (without its camera input), at a resolution."""
    toy = stages.experiment_of(toy_car.get_config().to_dict()).stages["gan"]
    if toy.path_length_weight:
        raise ValueError("configs/toy_car.py has a path-length term now; time its phase here too")
    changes = {"resolution": resolution}
    if dtype == "bfloat16":
        changes["conv_clamp"] = bird.get_config().gan.generator.conv_clamp  # which half precision needs
    networks = (
        Generator(**plain(toy.generator) | changes),
        Discriminator(**plain(toy.discriminator) | changes),
    )
    settings = dataclasses.replace(
        toy, generator=None, discriminator=None, camera=None, batch_size=batch, compute_dtype=dtype
    )
    row = {"work": "toy", "resolution": resolution, "batch": batch, "dtype": dtype}
    (main, row["least_seconds"]), (regularised, _) = step_seconds(networks, settings, [1, 0], calls)
    row["seconds"] = main
    row["lazy_seconds"] = main + (regularised - main) / settings.r1_interval
    return row | {"images_per_second": batch / row["lazy_seconds"], "peak_mib": peak_bytes() / 2**20}


def step_seconds(networks, settings, indices, calls):
    """Median and least time of the steps `indices` on random pictures. FloatingPointError at a loss that is
    none."""
    module, critic = networks
    mesh, batch, resolution = parallel.data_mesh(1), settings.batch_size, critic.resolution
    state, noise = initial_state(module, critic, key=jax.random.key(0))
    real = np.random.default_rng(0).integers(0, 256, (batch, resolution, resolution, 3), np.uint8)
    data = {"real": real, "index": strided_order(batch, 1, critic.mbstd_group).astype(np.int32)}
    step_at = make_step_at(Phases(module, critic, noise, settings), settings, mesh)
    held, data = [parallel.replicate(state | initial_adaptive(settings.augment), mesh)], jax.device_put(data)

    def run(index):
        held[0], metrics = step_at(index)(held[0], data, key=jax.random.key(2))
        return held[0], metrics

    for index in indices:
        losses = {name: float(value) for name, value in run(index)[1].items() if name.startswith("loss")}
        if not np.isfinite(list(losses.values())).all():
            raise FloatingPointError(f"step {index}, {resolution} px, {settings.compute_dtype}: {losses}")
    return [seconds(lambda index=index: run(index), calls) for index in indices]


def _rates(row, flops):
    rates = {"images_per_second": row["batch"] / row["seconds"], "peak_mib": peak_bytes() / 2**20}
    if flops:
        rates["gflops"] = flops / row["seconds"] / 1e9
        for device, peak in PEAK_FLOPS.items():
            if device in jax.devices()[0].device_kind:
                rates["of_peak"] = 1e9 * rates["gflops"] / peak
    return rates


def measure_apart(work, *arguments):
    """A row from a process of its own, or its error."""
    return json_printed([sys.executable, __file__, "--case", json.dumps([work, *arguments])])


def print_row(row):
    if "error" in row:
        return print(row, flush=True)
    size = f"{row['resolution']:4} px x {row['batch']:2} {row.get('dtype', ''):9}"
    text = f"{row['work']:10} {size} {row['seconds']:8.3f} s ({row['least_seconds']:.3f})"
    for name, unit in (("lazy_seconds", "s lazy"), ("images_per_second", "img/s"), ("gflops", "GFLOP/s")):
        text += f"  {row[name]:8.2f} {unit}" if name in row else ""
    if "of_peak" in row:
        text += f"  {row['of_peak']:.1%} of peak"
    for peer, figure in row.get("recorded", {}).items():
        text += f"  [{peer} recorded {figure} s]"
    if "flaxmodels_seconds" in row:
        text += f"  flaxmodels here {row['flaxmodels_seconds']:.3f} s: {row['times_flaxmodels']:.2f}x as fast"
    if "times_v100" in row:
        text += f"  {row['times_v100']:.1f} x a V100's published rate"
    print(text, flush=True)


def plan(small):
    """Rows for this device: (work, resolution, batch, calls, dtype)."""
    if small:
        return [(work, 16, 4, 1, "float32") for work in MEASURES]
    if jax.default_backend() == "cpu":
        sizes = {size: batch for size, (_, _, batch) in SIZES.items() if size > 16}
        rows = [("synthesis", size, batch, 20 if size == 64 else 5) for size, batch in sizes.items()]
        return [*rows, ("training", 64, 16, 5), ("toy", 64, 16, 5), ("toy", 128, 16, 3)]
    rows = [("synthesis", size, 32, 20, "bfloat16") for size in (64, 256, 512)]
    rows += [("training", size, 32, 10, "bfloat16") for size in (64, 256, 512)]
    toys = itertools.product((64, 128), (16, 64), ("float32", "bfloat16"))
    return [*rows, *(("toy", size, batch, 20, dtype) for size, batch, dtype in toys)]


def with_peers(row, flaxmodels, arguments):
    """A row with recorded and published figures, and flaxmodels' measured by that interpreter, if given."""
    work, resolution = row["work"], row["resolution"]
    on_cpu = jax.default_backend() == "cpu"
    row["recorded"] = RECORDED.get(work, {}).get(resolution, {}) if on_cpu else {}
    if not on_cpu and work == "training" and resolution in V100_SECONDS_PER_KIMG:
        row["times_v100"] = row["images_per_second"] * V100_SECONDS_PER_KIMG[resolution] / 1000
    if work == "synthesis" and flaxmodels:
        script = str(Path(__file__).with_name("stylegan2_flaxmodels.py"))
        base, most, _ = SIZES[resolution]
        peer = json_printed([flaxmodels, script, *map(str, (resolution, base, most, *arguments[:2]))])
        if "error" in peer:
            row["flaxmodels_error"] = peer["error"]
        else:
            row["flaxmodels_seconds"] = peer["seconds"]
            row["times_flaxmodels"] = peer["seconds"] / row["seconds"]
    return row


MEASURES = {"synthesis": measure_synthesis, "training": measure_training, "toy": measure_toy}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=MEASURES)
    parser.add_argument("--flaxmodels", metavar="PYTHON", help="an interpreter that has flaxmodels")
    parser.add_argument("--small", action="store_true", help="16 px, to try it")
    add_flags(parser, "stylegan2")
    options = parser.parse_args()
    if options.case:
        work, *arguments = json.loads(options.case)
        return print(json.dumps(MEASURES[work](*arguments)))

    def rows():
        for work, *arguments in plan(options.small):
            if options.only is None or work in options.only:
                row = {"work": work, "resolution": arguments[0]} | measure_apart(work, *arguments)
                yield [row if "error" in row else with_peers(row, options.flaxmodels, arguments[1:])]

    measured(options.name, rows(), print_row, options.out)


if __name__ == "__main__":
    main()
