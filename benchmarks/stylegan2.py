"""Times StyleGAN2: synthesis at three sizes and training steps, against recorded and measured peers.

    python benchmarks/stylegan2.py                               # everything this device can show
    python benchmarks/stylegan2.py --only synthesis --flaxmodels fm/bin/python

`fm` is an environment with flaxmodels (see stylegan2_flaxmodels.py): measured in the same run, by turns.
The PyTorch figures are recorded ones (2 CPU cores, stylegan2-ada-pytorch's code on its plain fallback
kernels); V100 figures are that project's published training times. Prints a table and writes
benchmarks/results/stylegan2_<device>.json. A training step is the generator's and the discriminator's
main phases with R1 (every step), as the recorded figure; "lazy" is the mean over 16 steps of R1 every 16
and path length every 8, the way it trains.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

# Scripts find modules beside them first, and here are benchmarks called like packages.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.rasterizer import json_printed, peak_bytes, write_results
from ganverse_jax.models.stylegan2.networks import Discriminator, Generator
from ganverse_jax.runtime import parallel
from ganverse_jax.stages.gan.settings import Settings
from ganverse_jax.stages.gan.step import Phases, initial_state, make_step_at, strided_order

# resolution: (channel_base, channel_max, batch of the synthesis row)
SIZES = {64: (4096, 128, 8), 256: (16384, 512, 8), 512: (16384, 512, 4)}
RECORDED = {
    "synthesis": {
        64: {"torch": (0.10, 0.12), "flaxmodels": 0.18},
        256: {"torch": 3.5, "flaxmodels": 4.2},
        512: {"torch": 2.9, "flaxmodels": 3.8},
    },
    "training": {64: {"torch": 2.2}},
}
V100_SECONDS_PER_KIMG = {128: 12.8, 256: 21.6, 512: 72.5}
PEAK_FLOPS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # bf16, vendors' figures


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
    module = generator_of(resolution)
    base, most, _ = SIZES[resolution]
    critic = Discriminator(resolution=resolution, channel_base=base, channel_max=most)
    mesh = parallel.data_mesh(1)
    settings = {"learning_rate": 2e-3, "batch_size": batch, "compute_dtype": dtype, "ema_rampup": 0.05}
    state, noise = initial_state(module, critic, key=jax.random.key(0))
    real = np.random.default_rng(0).integers(0, 256, (batch, resolution, resolution, 3), np.uint8)
    data = {"real": real, "index": strided_order(batch, 1, critic.mbstd_group).astype(np.int32)}
    state = parallel.replicate(state, mesh)

    def stepped(index, **intervals):
        chosen = Settings(**settings, **intervals)
        step = make_step_at(Phases(module, critic, noise, chosen), chosen, mesh)(index)
        held = [jax.tree.map(jnp.copy, state)]

        def run():
            held[0], metrics = step(held[0], data, key=jax.random.key(2))
            return held[0], metrics

        return seconds(run, calls)

    row = {"work": "training", "resolution": resolution, "batch": batch, "dtype": dtype}
    row["seconds"], row["least_seconds"] = stepped(1, r1_interval=1, path_length_interval=2)
    lazy = {"r1_interval": 16, "path_length_interval": 8}
    kinds = [stepped(index, **lazy)[0] for index in (0, 8, 1)]  # all phases, with path length, main phases
    row["lazy_seconds"] = float(np.dot([1, 1, 14], kinds) / 16)
    return row | {"images_per_second": batch / row["lazy_seconds"], "peak_mib": peak_bytes() / 2**20}


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


def plan():
    """Rows for this device: (work, resolution, batch, calls, dtype)."""
    if jax.default_backend() == "cpu":
        rows = [("synthesis", size, batch, 20 if size == 64 else 5) for size, (_, _, batch) in SIZES.items()]
        return [*rows, ("training", 64, 16, 5)]
    rows = [("synthesis", size, 32, 20, "bfloat16") for size in SIZES]
    return [*rows, *(("training", size, 32, 10, "bfloat16") for size in SIZES)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["synthesis", "training"])
    parser.add_argument("--flaxmodels", metavar="PYTHON", help="an interpreter that has flaxmodels")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        work, *arguments = json.loads(options.case)
        measure = measure_synthesis if work == "synthesis" else measure_training
        return print(json.dumps(measure(*arguments)))
    rows = []
    for work, resolution, *arguments in plan():
        if options.only not in (None, work):
            continue
        row = measure_apart(work, resolution, *arguments)
        if "error" not in row:
            on_cpu = jax.default_backend() == "cpu"
            row["recorded"] = RECORDED[work].get(resolution, {}) if on_cpu else {}
            if not on_cpu and work == "training" and resolution in V100_SECONDS_PER_KIMG:
                row["times_v100"] = row["images_per_second"] * V100_SECONDS_PER_KIMG[resolution] / 1000
            if work == "synthesis" and options.flaxmodels:
                script = str(Path(__file__).with_name("stylegan2_flaxmodels.py"))
                base, most, _ = SIZES[resolution]
                peer = json_printed(
                    [options.flaxmodels, script, *map(str, (resolution, base, most, *arguments[:2]))]
                )
                if "error" in peer:
                    row["flaxmodels_error"] = peer["error"]
                else:
                    row["flaxmodels_seconds"] = peer["seconds"]
                    row["times_flaxmodels"] = peer["seconds"] / row["seconds"]
        rows.append(row)
        print_row(row)
    write_results("stylegan2", rows)


if __name__ == "__main__":
    main()
