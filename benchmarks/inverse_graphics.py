"""Times the training step of inverse graphics at the paper's size: configs/car.py, pictures of 512x384.

    python benchmarks/inverse_graphics.py                  # everything this device can show
    python benchmarks/inverse_graphics.py --only compiled  # memory and work at batch 16, nothing is run
    python benchmarks/inverse_graphics.py --only memory    # the late step's, whole and in parts
    python benchmarks/inverse_graphics.py --only profile --profile=FOLDER  # a trace for TensorBoard, Perfetto

The step is the stage's own, on random weights (VGG16's too), random pictures and the masks of an ellipsoid;
642 and 2562 vertices; "late" has the perceptual term (step 3000 on), "early" has not. "compiled": what XLA
plans for batch 16 on this device: memory, operations, traffic. "step": a CPU runs batch 1 and 2, a GPU batch
16 in float32 and bfloat16. "part": one part alone, with its gradient. "profile": which kernels the time of a
late step goes to; --profile keeps the trace. The paper: 200,000 steps in 120 hours, 2.16 s each, on four V100
(Sec. 4.1). XLA counts the body of a loop once: operations are counted of the step without micro-batches and
with LPIPS in one part, but on a CPU the encoder's weight gradients are loops, whose work is missing from
"tflop" and "gflops" there, as is what a custom call does; "traffic_gb" is of the step as it is.
Prints a table and writes benchmarks/results/inverse_graphics_<device>.json.
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

# Scripts find modules beside them first, and here are benchmarks called like packages.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.paper_step import (
    lowered_step,
    make_step,
    parts,
    random_batch,
    scale_of,
    starting_state,
)
from benchmarks.profiles import kernels_of
from benchmarks.records import BANDWIDTH, PEAK_FLOPS, add_flags, json_printed, measured, peak_bytes
from benchmarks.stylegan2 import seconds

BATCH = scale_of().settings.batch_size
PAPER_SECONDS = 120 * 3600 / scale_of().settings.num_steps
AT_ONCE = (None, scale_of().settings.perceptual_at_once)  # pictures that LPIPS compares
SPLIT = ("micro_batches", "perceptual_at_once")  # settings that change the memory and the time alone
SHOWN = ("work", "part", "vertices", "is_late", "batch", "dtype", *SPLIT)


def scale(case):
    """At which size a case is measured, and how split."""
    return scale_of(case["small"], **{name: case[name] for name in SPLIT if name in case})


def whole_tflop(case):
    """Operations of a case's step, counted before compiling, without the loops of its parts."""
    whole = scale_of(case["small"], micro_batches=1, perceptual_at_once=None)
    lowered = lowered_step(whole, case["vertices"], case["is_late"], case["batch"], case["dtype"])
    return (lowered.cost_analysis() or {}).get("flops", 0.0) / 1e12


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


def measure_compiled(case):
    """What XLA plans for a step; nothing of it is allocated or run."""
    lowered = lowered_step(scale(case), case["vertices"], case["is_late"], case["batch"], case["dtype"])
    start = time.perf_counter()
    compiled = lowered.compile()
    row = {"compile_seconds": time.perf_counter() - start} | plan_of(compiled)
    row |= {"tflop": whole_tflop(case), "dtype": case["dtype"]}
    return [floors(row)]


def ready_step(case):
    """A step to call again and again, on the state that the call before left, and its seconds to compile."""
    chosen = scale(case)
    network, key = chosen.network(case["vertices"], case["dtype"]), jax.random.key(0)
    held = [jax.device_put(starting_state(chosen, network))]
    data = jax.device_put(random_batch(chosen, case["batch"]))
    start = time.perf_counter()
    compiled = make_step(chosen, network, case["is_late"]).lower(held[0], data, key).compile()
    spent = time.perf_counter() - start

    def run():
        held[0], metrics = compiled(held[0], data, key)
        return held[0], metrics

    _, metrics = run()
    if not np.isfinite(float(metrics["loss"])):
        raise FloatingPointError(f"the loss of the first step is {metrics['loss']}")
    return run, spent


def measure_step(case):
    """Time and memory of a step."""
    run, spent = ready_step(case)
    row = {"compile_seconds": spent} | timed(run, case["calls"])
    row |= {"peak_gb": peak_bytes() / 1e9, "tflop": whole_tflop(case)}
    rates = {"gflops": 1e3 * row["tflop"] / row["seconds"]}
    if not case["small"]:
        rates["times_paper"] = PAPER_SECONDS / row["seconds"] * case["batch"] / BATCH
    return [row | rates]


def measure_profile(case):
    """Which kernels the time of a step goes to; case["folder"]: where the trace stays."""
    run, _ = ready_step(case)
    with tempfile.TemporaryDirectory() as passing:
        folder = case.get("folder") or passing
        with jax.profiler.trace(folder):
            begin = time.perf_counter()
            jax.block_until_ready([run() for _ in range(case["calls"])])
            spent = time.perf_counter() - begin
        row = kernels_of(folder, case["calls"])
    return [{"seconds": spent / case["calls"], "least_seconds": spent / case["calls"]} | row]


def measure_parts(case):
    """Rows of every part, forward and backward (the optimizer has no backward)."""
    rows, chosen = [], scale(case)
    for name, function, operands in parts(
        chosen, chosen.network(case["vertices"], case["dtype"]), case["batch"]
    ):

        def slope(first, *rest, function=function):
            outputs, pull = jax.vjp(lambda x: function(x, *rest), first)
            return outputs, pull(jax.tree.map(jnp.ones_like, outputs))

        compiled = jax.jit(function if name == "optimizer" else slope).lower(*operands).compile()
        operands, row = jax.device_put(operands), {"part": name}
        row |= timed(lambda compiled=compiled, operands=operands: compiled(*operands), case["calls"])
        row |= {name: value for name, value in plan_of(compiled).items() if name in ("tflop", "traffic_gb")}
        rows.append(row | {"gflops": 1e3 * row["tflop"] / row["seconds"]})
    return rows


MEASURES = {
    "compiled": measure_compiled,
    "memory": measure_compiled,
    "step": measure_step,
    "part": measure_parts,
    "profile": measure_profile,
}


def plan(options):
    """Cases for this device: what the measure of case["work"] takes; what is wanted most first."""
    on_cpu = jax.default_backend() == "cpu"
    dtypes, calls = (["float32"], 3) if on_cpu else (["float32", "bfloat16"], 20)
    whole, sizes, meshes = BATCH, (1, 2) if on_cpu else (BATCH,), (642, 2562)
    if options.small:
        calls, whole, sizes, meshes = 1, 2, (2,), (42,)
    base = {"small": options.small, "calls": calls, "vertices": meshes[0], "is_late": True}
    late = [base | {"work": "step", "batch": size, "dtype": dtype} for dtype in dtypes for size in sizes]
    first = late[-len(sizes)]  # in the fastest precision
    folder = {"folder": str(Path(options.profile).resolve())} if options.profile else {}
    planned = [*late, first | {"work": "profile", "calls": min(calls, 3)} | folder]
    steps = [case | {"is_late": False} for case in late]
    steps += [case | {"vertices": mesh} for mesh in meshes[1:] for case in late + steps]
    planned += steps + [first | {"work": "part", "dtype": dtype} for dtype in dtypes]
    compiled = [base | {"batch": whole, "dtype": dtype} for dtype in dtypes]
    counts = [count for count in (1, 2, 4, 8) if whole % count == 0]
    splits = [dict(zip(SPLIT, one, strict=True)) for one in itertools.product(counts, AT_ONCE)]
    planned += [case | {"work": "memory"} | split for case in compiled for split in splits]
    planned += [
        case | {"work": "compiled", "vertices": mesh, "is_late": is_late}
        for mesh in meshes
        for is_late in (False, True)
        for case in compiled
    ]
    return [case for case in planned if not options.only or case["work"] in options.only]


def print_row(row):
    if "error" in row:
        return print(row, flush=True)
    kind = "" if "part" in row else "late " if row["is_late"] else "early"
    text = f"{row['work']:9} {row['vertices']:5} vertices x {row['batch']:2} {row['dtype']:9}"
    text += f" {row.get('part', kind):20}"
    text += "".join(f" {name.replace('_', ' ')} {row[name]}" for name in SPLIT if name in row)
    if "seconds" in row:
        text += f" {row['seconds']:8.3f} s ({row['least_seconds']:.3f})"
    for name, unit in (("peak_gb", "GB at most"), ("tflop", "TFLOP"), ("traffic_gb", "GB moved")):
        text += f"  {row[name]:7.2f} {unit}" if name in row else ""
    for name, unit in (("gflops", "GFLOP/s"), ("times_paper", "x the paper's objects/s")):
        text += f"  {row[name]:7.2f} {unit}" if name in row else ""
    for name in ("least_by_operations", "least_by_traffic"):
        text += f"  {name.replace('_', ' ')} {row[name]:.3f} s" if name in row else ""
    print(text, flush=True)
    for kernel in row.get("kernels", ()):
        print(f"    {kernel['share']:6.1%} {1e3 * kernel['seconds']:9.3f} ms  {kernel['name']}", flush=True)


def measure_case(case):
    """The rows of a case, measured in a process of its own: a peak only ever rises."""
    shown = {name: case[name] for name in SHOWN if name in case}
    found = json_printed([sys.executable, __file__, "--case", json.dumps(case)])
    return [shown | row for row in (found if isinstance(found, list) else [found])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=MEASURES)
    parser.add_argument("--profile", metavar="FOLDER", help="keep the trace of a few late steps there")
    parser.add_argument("--small", action="store_true", help="32 x 32, a small network, to try it")
    add_flags(parser, "inverse_graphics")
    options = parser.parse_args()
    if options.case:
        case = json.loads(options.case)
        return print(json.dumps(MEASURES[case["work"]](case)))
    measured(options.name, map(measure_case, plan(options)), print_row, options.out)


if __name__ == "__main__":
    main()
