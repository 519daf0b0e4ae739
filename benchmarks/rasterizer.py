"""Times the rasterizer: forward, backward and peak memory, all implementations in one run.

    python benchmarks/rasterizer.py                  # the comparison and the scaling table
    python benchmarks/rasterizer.py --only headline  # 16 x 1280 faces at 256 x 256, and `render`
    python benchmarks/rasterizer.py --only agree     # values and gradients against "reference", on one input
    python benchmarks/rasterizer.py --jaxrenderer jr/bin/python  # compared as well: rasterizer_jaxrenderer.py

Figures are the medians of repeated calls, the fastest beside them. Backward is the pullback alone, on
the residuals of a forward pass. Peak memory is of a fresh process per case, less what it held before
the first call. On a GPU of known memory bandwidth, the floor is the time to read every input and write every
output once, and its share of the measured time is given.
Prints a table and writes benchmarks/results/rasterizer_<device>.json.
"""

import argparse
import itertools
import json
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
from benchmarks.records import BANDWIDTH, add_flags, json_printed, measured, peak_bytes

FACES_LEVEL = {80: 1, 1280: 3, 5120: 4, 20480: 5}
CPU_HEADLINE = (16, 1280, 256, 256)
ONE_IMAGE = (1, 1280, 256, 256)
GPU_HEADLINE = (16, 1280, 512, 384)
AGREEING = (2, 1280, 128, 128)  # the reference holds every pair of a pixel and a face
SMALL = (1, 80, 32, 32)
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


def drawn(name, case, implementation):
    """(outputs, gradients) of a workload by one kernel; cotangents are the same for every kernel."""
    function, operands = workload(name, case, implementation)

    @jax.jit
    def both(*operands):
        outputs, pull = jax.vjp(function, *operands)
        rng = np.random.default_rng(1)
        return outputs, pull(jax.tree.map(lambda x: jnp.asarray(rng.normal(size=x.shape), x.dtype), outputs))

    return jax.device_get(both(*operands))


def compare(name, case, implementation):
    """A row: how far a kernel's values and gradients lie from the reference's on the same input.

    A pixel within a rounding of an edge may go to another face; "differing" is the share of pixels
    whose values differ by more than 1e-3. The errors are of values in the other pixels, at most, and of the
    gradients, of which the norm of the difference over the norm.
    """
    names = {"primitives": (("values", "mask"), ("vertices", "colours"))}
    names |= {"render": (("rgb", "mask"), ("vertices", "texture"))}
    found, expected = (drawn(name, case, kernel) for kernel in (implementation, "reference"))
    row, values = {}, [np.abs(a - b) for a, b in zip(found[0], expected[0], strict=True)]
    # One axis of channels for both: a mask may have none.
    values = [error.reshape(*case[:1], *case[2:], -1).max(axis=-1) for error in values]
    differing = np.maximum(*values) > 1e-3
    row["differing"] = float(differing.mean())
    for output, error in zip(names[name][0], values, strict=True):
        row[f"{output}_error"] = float(error[~differing].max())
    for operand, a, b in zip(names[name][1], found[1], expected[1], strict=True):
        row[f"{operand}_gradient_error"] = float(np.linalg.norm(a - b) / np.linalg.norm(b))
    return row


def measure(name, case, implementation, budget=2.0):
    """One row of the table."""
    if name.startswith("agree_"):
        row = {"work": name, "implementation": implementation, "batch": case[0], "faces": case[1]}
        row |= {"height": case[2], "width": case[3]}
        return row | compare(name.removeprefix("agree_"), case, implementation)
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


def measure_apart(*arguments):
    """`measure` in a process of its own: a peak only ever rises, and one failure is one row."""
    names = dict(zip(("work", "case", "implementation"), arguments, strict=False))
    row = json_printed([sys.executable, __file__, "--case", json.dumps(arguments)])
    return names | row if "error" in row else row


def print_row(row):
    if "error" in row:
        return print(f"{row['work']:11} {row['implementation']:11} {row['case']}: {row['error']}", flush=True)
    size = f"{row['batch']:3} x {row['faces']:5} x {row['height']}x{row['width']}"
    if "differing" in row:
        errors = "  ".join(f"{k.replace('_', ' ')} {v:.1e}" for k, v in row.items() if k.endswith("error"))
        text = f"{row['work']:16} {row['implementation']:6} {size:22} {row['differing']:.3%} of pixels differ"
        return print(f"{text}; {errors}", flush=True)
    passes = [k for k in ("forward", "backward") if f"{k}_ms" in row]
    times = "   ".join(f"{row[k + '_ms']:8.2f} ({row[k + '_least_ms']:.2f})" for k in passes)
    memory = f"{row['peak_mib']:7.0f}" if "peak_mib" in row else ""
    floor = (
        f"  forward at {row['floor_ms'] / row['forward_ms']:.0%} of the floor" if "floor_ms" in row else ""
    )
    print(f"{row['work']:11} {row['implementation']:11} {size:22} {times}  {memory}{floor}", flush=True)


def plan(options):
    """Cases by part: (work, (batch, faces, height, width), implementation)."""
    on_cpu = jax.default_backend() == "cpu"
    own = options.implementation or ("cpu" if on_cpu else "pallas")
    if options.small:
        timed = [("primitives", SMALL, own)]
        return {"agree": [("agree_render", SMALL, own)], "headline": timed, "compare": [], "scaling": timed}
    headline, works = CPU_HEADLINE if on_cpu else GPU_HEADLINE, ("primitives", "render")
    kernels = dict.fromkeys((own, "xla"))
    return {
        "agree": [(f"agree_{work}", AGREEING, kernel) for work in works for kernel in kernels],
        "headline": [(work, headline, own) for work in works],
        "compare": [
            *((work, headline, "xla") for work in works),
            *(("primitives", ONE_IMAGE, kernel) for kernel in kernels),
        ],
        "scaling": [("primitives", case, own) for case in SCALING],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=["agree", "headline", "compare", "scaling"])
    parser.add_argument("--implementation", help="instead of the platform's own")
    parser.add_argument("--jaxrenderer", metavar="PYTHON", help="an interpreter that has jaxrenderer")
    parser.add_argument("--budget", type=float, default=2.0, help="seconds per figure")
    parser.add_argument("--small", action="store_true", help="one image of 32 x 32, to try it")
    add_flags(parser, "rasterizer")
    options = parser.parse_args()
    if options.case:
        return print(json.dumps(measure(*json.loads(options.case))))
    print(
        "work        kernel      batch x faces x image   forward ms (least)   backward ms (least)  peak MiB"
    )
    planned = plan(options)
    cases = [case for part in options.only or planned for case in planned[part]]
    found = ([measure_apart(*case, options.budget)] for case in cases)
    peers = ([measure_jaxrenderer(python)] for python in (options.jaxrenderer,) if python)
    measured(options.name, itertools.chain(found, peers), print_row, options.out)


if __name__ == "__main__":
    main()
