"""Times the rasterizer: forward, backward and peak memory, all implementations in one run.

    python benchmarks/rasterizer.py                  # the comparison and the scaling table
    python benchmarks/rasterizer.py --only headline  # 16 x 1280 faces at 256 x 256, and `render`
    python benchmarks/rasterizer.py --jaxrenderer jr/bin/python  # compared as well: rasterizer_jaxrenderer.py

Figures are the medians of repeated calls, the fastest beside them. Backward is the pullback alone, on
the residuals of a forward pass. Peak memory is of a fresh process per case, less what it held before
the first call. On a GPU of known memory bandwidth, the floor is the time to read every input and write every
output once, and its share of the measured time is given.
Prints a table and writes benchmarks/results/rasterizer_<device>.json.
"""

import argparse
import datetime
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

# Scripts find modules beside them first, and here that is a benchmark called like the package.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import rasterizer

RESULTS = Path(__file__).parent / "results"
FACES_LEVEL = {1280: 3, 5120: 4, 20480: 5}
BANDWIDTH = {"H100": 3.35e12, "H200": 4.8e12, "A100": 2.0e12, "RTX 4090": 1.0e12}  # bytes/s, vendors' figures
CPU_HEADLINE = (16, 1280, 256, 256)
ONE_IMAGE = (1, 1280, 256, 256)
GPU_HEADLINE = (16, 1280, 512, 384)
SCALING = [
    *((batch, 1280, 256, 256) for batch in (1, 4, 16)),
    *((4, 1280, size, size) for size in (128, 512, 1024)),
    *((4, faces, 256, 256) for faces in (5120, 20480)),
    (1, 20480, 1024, 1024),
]


def scene(batch, num_faces, height, width):
    """Bumpy spheres seen from `batch` sides; they cover about half of the image."""
    mesh = rasterizer.icosphere(FACES_LEVEL[num_faces])
    rng = np.random.default_rng(0)
    bumps = 1 + 0.15 * np.sin(3 * np.asarray(mesh.vertices) + rng.uniform(0, 6, (batch, 1, 3)))
    vertices = jnp.asarray(0.9 * bumps * np.asarray(mesh.vertices), jnp.float32)
    angles = jnp.linspace(0.0, 6.0, batch, dtype=jnp.float32)
    camera = rasterizer.Camera(angles, 0.3 * jnp.sin(angles), jnp.full(batch, 4.2), np.float32(np.pi / 6))
    colours = jnp.asarray(rng.uniform(size=(batch, vertices.shape[1], 3)), jnp.float32)
    texture = jnp.asarray(rng.uniform(size=(batch, 256, 256, 3)), jnp.float32)
    return mesh, vertices, camera, colours, texture


def workload(name, case, implementation):
    """A function of differentiable operands, and these: "primitives" or "render"."""
    height, width = case[2:]
    mesh, vertices, camera, colours, texture = scene(*case)
    options = {"implementation": implementation}
    if name == "render":

        def render(vertices, texture):
            out = rasterizer.render(
                vertices, mesh.faces, mesh.uv, mesh.uv_faces, texture, camera, height, width, **options
            )
            return out.rgb, out.mask

        return render, (vertices, texture)
    clip = rasterizer.transform(vertices, camera, height, width)

    def primitives(clip, colours):
        fragments = rasterizer.rasterize(clip, mesh.faces, height, width, **options)
        values = rasterizer.interpolate(colours, mesh.faces, fragments, **options)
        return values, rasterizer.silhouette(clip, mesh.faces, fragments, **options)

    return primitives, (clip, colours)


def milliseconds(run, budget):
    """Median and least time of a call, over as many calls as fit the budget in seconds (at least 3)."""
    jax.block_until_ready(run())
    times, end = [], time.perf_counter() + budget
    while len(times) < 3 or (time.perf_counter() < end and len(times) < 200):
        start = time.perf_counter()
        jax.block_until_ready(run())
        times.append(1e3 * (time.perf_counter() - start))
    return float(np.median(times)), min(times)


def measure(name, case, implementation, budget=2.0):
    """One row of the table."""
    function, operands = workload(name, case, implementation)
    before = peak_bytes()
    forward = jax.jit(function)
    saving = jax.jit(lambda *x: jax.vjp(function, *x))
    outputs, pull = jax.block_until_ready(saving(*operands))
    backward = jax.jit(lambda pull, cotangents: pull(cotangents))
    rng = np.random.default_rng(1)
    cotangents = jax.tree.map(lambda x: jnp.asarray(rng.normal(size=x.shape), x.dtype), outputs)
    row = {
        "work": name,
        "implementation": implementation,
        **dict(zip(("batch", "faces"), case[:2], strict=True)),
    }
    row |= {"height": case[2], "width": case[3]}
    row["forward_ms"], row["forward_least_ms"] = milliseconds(lambda: forward(*operands), budget)
    row["backward_ms"], row["backward_least_ms"] = milliseconds(lambda: backward(pull, cotangents), budget)
    row["peak_mib"] = (peak_bytes() - before) / 2**20
    size = sum(x.nbytes for x in jax.tree.leaves((operands, outputs)))
    for device, bandwidth in BANDWIDTH.items():
        if device in jax.devices()[0].device_kind:
            row["floor_ms"] = 1e3 * size / bandwidth
    return row


def measure_jaxrenderer(python):
    """The row of jaxrenderer on one image, forward only, by the interpreter that has it."""
    mesh, vertices, camera, colours, _ = scene(*ONE_IMAGE)
    names = {"work": "primitives", "implementation": "jaxrenderer", "batch": 1, "faces": ONE_IMAGE[1]}
    names |= {"height": ONE_IMAGE[2], "width": ONE_IMAGE[3], "case": ONE_IMAGE}
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(
            file, vertices=vertices[0], faces=mesh.faces, colours=colours[0], eye=camera.eye()[0],
            fov_y=camera.fov_y, height=ONE_IMAGE[2], width=ONE_IMAGE[3],
        )  # fmt: skip
        file.flush()
        script = Path(__file__).with_name("rasterizer_jaxrenderer.py")
        return names | json_printed([python, str(script), file.name])


def peak_bytes():
    """Most memory in use so far: the device's own count, or the process's on a CPU."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and "peak_bytes_in_use" in stats:
        return stats["peak_bytes_in_use"]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure_apart(*arguments):
    """`measure` in a process of its own: a peak only ever rises, and one failure is one row."""
    names = dict(zip(("work", "case", "implementation"), arguments, strict=False))
    row = json_printed([sys.executable, __file__, "--case", json.dumps(arguments)])
    return names | row if "error" in row else row


def json_printed(command):
    """The JSON in the last line that a command prints, or its last words as "error"."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["no message"])[-1][:200]}
    return json.loads(done.stdout.splitlines()[-1])


def description():
    """Where, when and with what the figures were taken."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    command = ["git", "-C", str(RESULTS.parent), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False)
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "device": jax.devices()[0].device_kind,
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "jax": jax.__version__,
        "python": platform.python_version(),
    }


def write_results(name, rows):
    """To results/<name>_<device>.json, with where and how they were taken."""
    device = jax.devices()[0]
    kind = "cpu" if device.platform == "cpu" else device.device_kind.replace(" ", "_")
    path = RESULTS / f"{name}_{kind}.json"
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps({**description(), "rows": rows}, indent=1) + "\n")
    print(f"written to {path}")


def print_row(row):
    if "error" in row:
        return print(f"{row['work']:11} {row['implementation']:11} {row['case']}: {row['error']}", flush=True)
    size = f"{row['batch']:3} x {row['faces']:5} x {row['height']}x{row['width']}"
    passes = [k for k in ("forward", "backward") if f"{k}_ms" in row]
    times = "   ".join(f"{row[k + '_ms']:8.2f} ({row[k + '_least_ms']:.2f})" for k in passes)
    memory = f"{row['peak_mib']:7.0f}" if "peak_mib" in row else ""
    floor = (
        f"  forward at {row['floor_ms'] / row['forward_ms']:.0%} of the floor" if "floor_ms" in row else ""
    )
    print(f"{row['work']:11} {row['implementation']:11} {size:22} {times}  {memory}{floor}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=["headline", "compare", "scaling"])
    parser.add_argument("--implementation", help="for headline and scaling; default: the platform's own")
    parser.add_argument("--jaxrenderer", metavar="PYTHON", help="an interpreter that has jaxrenderer")
    parser.add_argument("--budget", type=float, default=2.0, help="seconds per figure")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        return print(json.dumps(measure(*json.loads(options.case))))
    on_cpu = jax.default_backend() == "cpu"
    own = options.implementation or ("cpu" if on_cpu else "pallas")
    headline = CPU_HEADLINE if on_cpu else GPU_HEADLINE
    plan = {
        "headline": [("primitives", headline, own), ("render", headline, own)],
        "compare": [
            ("primitives", headline, "xla"),
            ("render", headline, "xla"),
            ("primitives", ONE_IMAGE, own),
            ("primitives", ONE_IMAGE, "xla"),
        ],
        "scaling": [("primitives", case, own) for case in SCALING],
    }
    print(
        "work        kernel      batch x faces x image   forward ms (least)   backward ms (least)  peak MiB"
    )
    rows = []
    for part in options.only or plan:
        for arguments in plan[part]:
            rows.append(measure_apart(*arguments, options.budget))
            print_row(rows[-1])
    if options.jaxrenderer:
        rows.append(measure_jaxrenderer(options.jaxrenderer))
        print_row(rows[-1])
    write_results("rasterizer", rows)


if __name__ == "__main__":
    main()
