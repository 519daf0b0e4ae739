"""Times the training step of inverse graphics at the paper's size: configs/car.py, pictures of 512x384.

    python benchmarks/inverse_graphics.py                  # everything this device can show
    python benchmarks/inverse_graphics.py --only compiled  # memory and work at batch 16, nothing is run
    python benchmarks/inverse_graphics.py --only profile --profile=FOLDER  # a trace for TensorBoard, Perfetto

The step is the stage's own, on random weights (VGG16's too), random pictures and the masks of an ellipsoid;
642 and 2562 vertices; "late" has the perceptual term (step 3000 on), "early" has not. "compiled": what XLA
plans for batch 16 on this device: memory, operations, traffic. "step": a CPU runs batch 1 and 2, a GPU batch
16 in float32 and bfloat16. "part": one part alone, with its gradient. The paper: 200,000 steps in 120 hours,
2.16 s each, on four V100 (Sec. 4.1). XLA counts the body of a loop once, and on a CPU the encoder's weight
gradients are loops: their work is missing from "tflop" and "gflops" there, as is what a custom call does.
Prints a table and writes benchmarks/results/inverse_graphics_<device>.json.
"""

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

# Scripts find modules beside them first, and here are benchmarks called like packages.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import rasterizer
from benchmarks.rasterizer import BANDWIDTH, json_printed, peak_bytes, write_results
from benchmarks.stylegan2 import PEAK_FLOPS, seconds
from configs import car
from ganverse_jax import stages
from ganverse_jax.models.features.lpips import LPIPS, SMALLEST
from ganverse_jax.models.features.perceptual import lpips_perceptual
from ganverse_jax.models.inverse_graphics.network import Encoder, InverseGraphics, TextureHead
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.runtime import parallel
from ganverse_jax.scene.cameras import initial_cameras, select_cameras
from ganverse_jax.stages.inverse_graphics import step as ig_step
from ganverse_jax.stages.inverse_graphics.stage import init_network

EXPERIMENT = stages.experiment_of(car.get_config().to_dict())
SETTINGS = EXPERIMENT.stages["inverse_graphics"]
FOV_Y = float(np.radians(EXPERIMENT.world.fov_degrees))
VIEWS = EXPERIMENT.stages["viewpoints"].num_views
TOP, BOTTOM = EXPERIMENT.stages["gan"].crop
SIZE = (BOTTOM - TOP, 512)  # h, w
VERTICES_LEVEL = {642: 3, 2562: 4}
PAPER_SECONDS = 120 * 3600 / SETTINGS.num_steps


def network_of(vertices, dtype="float32"):
    """The car config's network on another mesh and in another precision."""
    changes = {"icosphere_level": VERTICES_LEVEL[vertices], "compute_dtype": dtype}
    return InverseGraphics(**plain(SETTINGS.network) | changes)


def starting_state(network):
    """Random weights, and cameras in the 12 bins by turns."""
    cameras = initial_cameras(np.arange(VIEWS) % 12, EXPERIMENT.world.distance)
    params = {"network": init_network(network, SIZE, 0), "cameras": cameras}
    return ig_step.initial_state(params, ig_step.make_optimizer(SETTINGS))


def random_perceptual():
    """The config's perceptual distance on random weights."""
    if SETTINGS.perceptual.source != "lpips":
        raise ValueError(f"configs/car.py has another perceptual term, {SETTINGS.perceptual}; time that")
    picture = np.zeros((1, SMALLEST, SMALLEST, 3), np.float32)
    return lpips_perceptual(jax.jit(LPIPS().init)(jax.random.key(0), picture, picture)["params"])


def random_batch(batch):
    """Random pictures, and the masks of an ellipsoid as long as a car seen from each view."""
    rng, template = np.random.default_rng(0), InverseGraphics(template_scale=(0.45, 0.4, 0.95)).template
    views = np.arange(2 * batch, dtype=np.int32) % VIEWS
    cameras = initial_cameras(np.arange(VIEWS) % 12, EXPERIMENT.world.distance)
    vertices = np.broadcast_to(template.vertices, (2 * batch, *template.vertices.shape))
    texture = np.ones((2 * batch, 1, 1, 3), np.float32)
    mesh = vertices, template.faces, template.uv, template.uv_faces, texture
    rendered = rasterizer.render(*mesh, select_cameras(cameras, views, FOV_Y), *SIZE)
    masks = np.asarray(255 * rendered.mask[..., 0], np.uint8)
    images = rng.integers(0, 256, (batch, 2, *SIZE, 3), np.uint8)
    return {"images": images, "masks": masks.reshape(batch, 2, *SIZE), "views": views.reshape(batch, 2)}


def make_step(network, is_late):
    """The stage's step on one device, jitted, by position: (state, batch, key)."""
    # The perceptual term from the first step on, or not at all.
    settings = dataclasses.replace(SETTINGS, perceptual_start=0)
    made = ig_step.make_step_at(
        network, ig_step.make_optimizer(settings), parallel.data_mesh(1), settings, fov_y=FOV_Y,
        perceptual=random_perceptual() if is_late else None,
    )  # fmt: skip
    return jax.jit(lambda state, batch, key: made(0)(state, batch, key=key), donate_argnums=0)


def plan_of(compiled):
    """Memory at most, operations and traffic of a compiled function, by XLA's own account."""
    memory, cost = compiled.memory_analysis(), compiled.cost_analysis() or {}
    arguments, outputs = memory.argument_size_in_bytes, memory.output_size_in_bytes
    temporaries = memory.temp_size_in_bytes
    peak = arguments + outputs - memory.alias_size_in_bytes + temporaries
    sizes = {"arguments_gb": arguments, "outputs_gb": outputs, "temporaries_gb": temporaries, "peak_gb": peak}
    row = {name: size / 1e9 for name, size in sizes.items()}
    return row | {"tflop": cost.get("flops", 0.0) / 1e12, "traffic_gb": cost.get("bytes accessed", 0.0) / 1e9}


def floors(row):
    """Least seconds at the vendor's peak rates, on a GPU whose rates are known."""
    kind, halves = jax.devices()[0].device_kind, row.get("dtype") == "float32"  # TF32 is half of bfloat16
    for device in PEAK_FLOPS.keys() & BANDWIDTH.keys():
        if device in kind:
            row["least_by_operations"] = 1e12 * row["tflop"] * (1 + halves) / PEAK_FLOPS[device]
            row["least_by_traffic"] = 1e9 * row["traffic_gb"] / BANDWIDTH[device]
    return row


def timed(run, calls):
    """Median and least time of a call after one that is not counted, and on a CPU the time its cores
    worked, a mean, which says more where other jobs run."""
    jax.block_until_ready(run())
    start, row = time.process_time(), {}
    row["seconds"], row["least_seconds"] = seconds(run, calls)
    if jax.default_backend() == "cpu":
        row["core_seconds"] = (time.process_time() - start) / (calls + 1)
    return row


def measure_compiled(vertices, is_late, batch, dtype):
    """What XLA plans for a step; nothing of it is allocated or run."""
    network = network_of(vertices, dtype)
    shapes = {"images": (batch, 2, *SIZE, 3), "masks": (batch, 2, *SIZE), "views": (batch, 2)}
    batch = {
        name: jax.ShapeDtypeStruct(shape, np.int32 if name == "views" else np.uint8)
        for name, shape in shapes.items()
    }
    state = jax.eval_shape(lambda: starting_state(network))
    lowered = make_step(network, is_late).lower(state, batch, jax.eval_shape(lambda: jax.random.key(0)))
    start = time.perf_counter()
    compiled = lowered.compile()
    return {"compile_seconds": time.perf_counter() - start} | floors(plan_of(compiled) | {"dtype": dtype})


def measure_step(vertices, is_late, batch, dtype, calls, profile=None):
    """Time of a step, on the state that the step before left; profile: a folder for a trace of `calls`
    steps."""
    network, data, key = network_of(vertices, dtype), random_batch(batch), jax.random.key(0)
    held, data = [jax.device_put(starting_state(network))], jax.device_put(data)
    start = time.perf_counter()
    compiled = make_step(network, is_late).lower(held[0], data, key).compile()
    row = {"compile_seconds": time.perf_counter() - start}

    def run():
        held[0], metrics = compiled(held[0], data, key)
        return held[0], metrics

    _, metrics = run()
    if not np.isfinite(float(metrics["loss"])):
        raise FloatingPointError(f"the loss of the first step is {metrics['loss']}")
    if profile:
        with jax.profiler.trace(profile):
            jax.block_until_ready([run() for _ in range(calls)])
        print(f"trace written to {profile}", file=sys.stderr)
    row |= timed(run, calls)
    row |= {"peak_gb": peak_bytes() / 1e9, "tflop": plan_of(compiled)["tflop"]}
    return row | {
        "gflops": 1e3 * row["tflop"] / row["seconds"],
        "times_paper": PAPER_SECONDS / row["seconds"] * batch / SETTINGS.batch_size,
    }


def parts(network, batch):
    """name: (function, operands) of the step's parts; gradients are with respect to the first operand."""
    state, data = starting_state(network), random_batch(batch)
    params, optimizer, perceptual = (
        state["params"]["network"],
        ig_step.make_optimizer(SETTINGS),
        random_perceptual(),
    )
    dtype = jnp.bfloat16 if network.compute_dtype == "bfloat16" else None
    images = data["images"].reshape(-1, *SIZE, 3).astype(np.float32) / 255
    masks = data["masks"].reshape(-1, *SIZE, 1).astype(np.float32) / 255
    camera = select_cameras(state["params"]["cameras"], data["views"].reshape(-1), FOV_Y)
    encoder = Encoder(network.encoder_width, network.encoder_blocks, dtype)
    texture = TextureHead(network.texture_size, network.texture_channels, network.symmetric, dtype)
    code, colour = np.ones((batch, network.code_size), np.float32), np.full((batch, 3), 0.5, np.float32)
    prediction = jax.jit(network.apply)({"params": params}, images[::2], masks[::2])

    def draw(made):
        rendered = ig_step.render_prediction(network, prediction._replace(**made), camera, SIZE)
        return rendered.rgb, rendered.mask

    def update(gradient, state):
        updates, moments = optimizer.update(gradient, state["optimizer"], state["params"])
        return optax.apply_updates(state["params"], updates), moments

    seen = np.concatenate([images[::2], masks[::2]], axis=-1)
    made = {"vertices": prediction.vertices, "texture": prediction.texture}
    yield "encoder", lambda p, x: encoder.apply({"params": p}, x), (params["encoder"], seen)
    yield (
        "texture head",
        lambda p, *x: texture.apply({"params": p}, *x),
        (params["texture"], code, colour),
    )
    yield "render of both views", draw, (made,)
    yield "perceptual", lambda fake, *x: perceptual(x[0], fake, x[1]), (masks * images, images, masks)
    yield "optimizer", update, (state["params"], state)


def measure_parts(vertices, batch, dtype, calls):
    """Rows of every part, forward and backward (the optimizer has no backward)."""
    rows = []
    for name, function, operands in parts(network_of(vertices, dtype), batch):

        def slope(first, *rest, function=function):
            outputs, pull = jax.vjp(lambda x: function(x, *rest), first)
            return outputs, pull(jax.tree.map(jnp.ones_like, outputs))

        compiled = jax.jit(function if name == "optimizer" else slope).lower(*operands).compile()
        operands, row = jax.device_put(operands), {"part": name}
        row |= timed(lambda compiled=compiled, operands=operands: compiled(*operands), calls)
        row |= {name: value for name, value in plan_of(compiled).items() if name in ("tflop", "traffic_gb")}
        rows.append(row | {"gflops": 1e3 * row["tflop"] / row["seconds"]})
    return rows


MEASURES = {"compiled": measure_compiled, "step": measure_step, "part": measure_parts}
NAMES = {"part": ("vertices", "batch", "dtype")}


def plan(only, profile):
    """Cases for this device: (work, *arguments of its measure)."""
    on_cpu, planned = jax.default_backend() == "cpu", []
    dtypes, calls = (["float32"], 3) if on_cpu else (["float32", "bfloat16"], 20)
    for vertices in VERTICES_LEVEL:
        for is_late in (False, True):
            for dtype in dtypes:
                planned.append(("compiled", vertices, is_late, SETTINGS.batch_size, dtype))
                for batch in (1, 2) if on_cpu else (SETTINGS.batch_size,):
                    planned.append(("step", vertices, is_late, batch, dtype, calls))
    planned += [("part", 642, 1 if on_cpu else SETTINGS.batch_size, dtype, calls) for dtype in dtypes]
    if profile:
        batch = 1 if on_cpu else SETTINGS.batch_size
        planned.append(("step", 642, True, batch, dtypes[-1], 3, str(Path(profile).resolve())))
    is_profile = [len(case) > 6 for case in planned]
    kinds = ["profile" if traced else case[0] for case, traced in zip(planned, is_profile, strict=True)]
    return [case for case, kind in zip(planned, kinds, strict=True) if not only or kind in only]


def print_row(row):
    if "error" in row:
        return print(row, flush=True)
    kind = "" if "is_late" not in row else "late " if row["is_late"] else "early"
    text = f"{row['work']:9} {row['vertices']:5} vertices x {row['batch']:2} {row['dtype']:9}"
    text += f" {row.get('part', kind):20}"
    if "seconds" in row:
        text += f" {row['seconds']:8.3f} s ({row['least_seconds']:.3f})"
    for name, unit in (("peak_gb", "GB at most"), ("tflop", "TFLOP"), ("traffic_gb", "GB moved")):
        text += f"  {row[name]:7.2f} {unit}" if name in row else ""
    for name, unit in (("gflops", "GFLOP/s"), ("times_paper", "x the paper's objects/s")):
        text += f"  {row[name]:7.2f} {unit}" if name in row else ""
    for name in ("least_by_operations", "least_by_traffic"):
        text += f"  {name.replace('_', ' ')} {row[name]:.3f} s" if name in row else ""
    print(text, flush=True)


def measure_case(work, *arguments):
    """The rows of a case, measured in a process of its own: a peak only ever rises."""
    shown = dict(zip(NAMES.get(work, ("vertices", "is_late", "batch", "dtype")), arguments, strict=False))
    found = json_printed([sys.executable, __file__, "--case", json.dumps([work, *arguments])])
    return [{"work": work, **shown, **row} for row in (found if isinstance(found, list) else [found])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=[*MEASURES, "profile"])
    parser.add_argument("--profile", metavar="FOLDER", help="write a trace of a few late steps there")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        work, *arguments = json.loads(options.case)
        return print(json.dumps(MEASURES[work](*arguments)))
    rows = []
    for case in plan(options.only, options.profile):
        for row in measure_case(*case):
            rows.append(row)
            print_row(row)
    write_results("inverse_graphics", rows)


if __name__ == "__main__":
    main()
