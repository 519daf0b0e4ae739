"""Counts what devices send each other in a training step, and estimates how training scales from that.

    python -m benchmarks.communication                  # all steps, 1, 2, 4 and 8 devices
    python -m benchmarks.communication --only=inverse_graphics --devices=2

"compiled": collectives in the program that XLA makes of a small step for so many virtual CPU devices: how
many, their bytes, how many have an operand that another has too, and how many stand in loops (a loop's body
is counted once). "traced": the same of the step as JAX traces it, small and at the sizes of configs/car.py
(of the GAN, configs/bird.py): where the compiled small step has the bytes of the traced one, XLA adds
nothing, and the large one's may be taken as traced. Sent per device and step: a ring's all-reduce 2 (n-1)/n
of the bytes, all-gather and reduce-scatter (n-1)/n of the larger side.
Prints a table and writes benchmarks/results/communication_<device>.json.
"""

import argparse
import collections
import json
import math
import re
import sys

import jax

from benchmarks import training_steps
from benchmarks.records import add_flags, json_printed, measured

COLLECTIVES = ("all-reduce", "all-gather", "reduce-scatter", "collective-permute", "all-to-all")
PRIMITIVES = {
    "psum": "all-reduce",
    "psum2": "all-reduce",
    "psum_invariant": "all-reduce",
    "pmax": "all-reduce",
    "pmin": "all-reduce",
    "all_gather": "all-gather",
    "all_gather_invariant": "all-gather",
    "reduce_scatter": "reduce-scatter",
    "ppermute": "collective-permute",
    "all_to_all": "all-to-all",
}
# name: (devices, bytes/s that the ring's slowest link carries one way, vendors' figures)
LINKS = {
    "8 in a host, NVLink 4": (8, 450e9),
    "8 in a host, PCIe 4.0 x16": (8, 32e9),
    "64, 400 Gbit/s between hosts": (64, 50e9),
    "64, 100 Gbit/s between hosts": (64, 12.5e9),
    "64, 10 Gbit/s between hosts": (64, 1.25e9),
}
COMPUTE = (0.1, 1.0)  # seconds
_CALL = re.compile(rf"= (.*?) ({'|'.join(COLLECTIVES)})(?:-start)?\((.*?)\)")
_SHAPE = re.compile(r"\b([a-z]+)(\d+)(?:e\dm\d\w*)?\[([\d,]*)\]")


def compiled_collectives(text):
    """The collectives of an HLO program's text: [{"collective", "bytes", "operands", "in_loop"}].

    bytes: of the larger side (an all-gather's result, a reduce-scatter's operands).
    """
    found, in_entry = [], False
    for line in text.splitlines():
        if line and not line[0].isspace() and line.rstrip().endswith("{"):
            in_entry = line.startswith("ENTRY")
        elif call := _CALL.search(line):
            result, kind, operands = call.groups()
            size = max(_bytes_of(result), _bytes_of(operands))
            names = re.findall(r"%[\w.-]+", operands)
            found.append({"collective": kind, "bytes": size, "operands": names, "in_loop": not in_entry})
    return found


def _bytes_of(text):
    shapes = _SHAPE.findall(text)
    widths = [1 if kind == "pred" else int(bits) / 8 for kind, bits, _ in shapes]
    sizes = [math.prod(map(int, filter(None, dims.split(",")))) for _, _, dims in shapes]
    return int(sum(map(math.prod, zip(widths, sizes, strict=True))))


def traced_collectives(jaxpr, in_loop=False, path=""):
    """As `compiled_collectives`, of a jaxpr and all that it calls; path: the calls that lead to it."""
    found = []
    for equation in jaxpr.eqns:
        kind = PRIMITIVES.get(equation.primitive.name)
        if kind:
            sides = ([v.aval for v in equation.invars], [v.aval for v in equation.outvars])
            size = max(sum(aval.size * aval.dtype.itemsize for aval in side) for side in sides)
            names = [f"{path}/{id(v)}" for v in equation.invars if not hasattr(v, "val")]
            found.append({"collective": kind, "bytes": size, "operands": names, "in_loop": in_loop})
        inner = in_loop or equation.primitive.name in ("scan", "while", "cond")
        for called in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda one: hasattr(one, "eqns") or hasattr(one, "jaxpr")
        ):
            if hasattr(called, "eqns") or hasattr(called, "jaxpr"):
                inside = getattr(called, "jaxpr", called)
                found += traced_collectives(inside, inner, f"{path}/{id(equation)}")
    return found


def summed(collectives):
    """One row for each kind: count, bytes, how many share an operand with another, how many are in loops."""
    operands = collections.Counter(name for one in collectives for name in set(one["operands"]))
    rows = []
    for kind in COLLECTIVES:
        some = [one for one in collectives if one["collective"] == kind]
        if some:
            repeated = sum(any(operands[name] > 1 for name in one["operands"]) for one in some)
            totals = {"bytes": sum(one["bytes"] for one in some), "repeated": repeated}
            in_loops = sum(one["in_loop"] for one in some)
            rows.append({"collective": kind, "count": len(some)} | totals | {"in_loops": in_loops})
    return rows or [{"collective": "none", "count": 0, "bytes": 0, "repeated": 0, "in_loops": 0}]


def sent(collective, size, devices):
    """Bytes that a device sends in a ring for a collective of `size` bytes (of its larger side)."""
    rounds = 2 if collective == "all-reduce" else 1
    return rounds * (devices - 1) / devices * size


def step_seconds(compute, size, devices, bandwidth):
    """Seconds of a step: `compute` on each device, then an all-reduce of `size` bytes in a ring whose slowest
    link has `bandwidth` bytes/s. Nothing overlaps, and latencies count nothing."""
    return compute + sent("all-reduce", size, devices) / bandwidth


def print_scaling(rows):
    """For each step at its full size and each kind of link: seconds to send, and what share of the time of
    steps of `COMPUTE` seconds is computed in."""
    for row in rows:
        if row.get("scale") == "paper" and row["bytes"]:
            for link, (devices, bandwidth) in LINKS.items():
                size = row["bytes"]
                spent = step_seconds(0.0, size, devices, bandwidth)
                shares = [f"{c / step_seconds(c, size, devices, bandwidth):.1%} of {c} s" for c in COMPUTE]
                print(f"{row['step']:20} {link:30} {1e3 * spent:8.2f} ms  {', '.join(shares)}", flush=True)


def measure(case):
    """Rows of a step: case = {"work", "scale", "devices"}; scale "small" is compiled too."""
    rows = []
    for name, step, operands in training_steps.steps_of(case["work"], case["scale"], case["devices"]):
        sources = {"traced": traced_collectives(jax.make_jaxpr(step)(*operands).jaxpr)}
        if case["scale"] == "small":
            sources["compiled"] = compiled_collectives(step.lower(*operands).compile().as_text())
        for source, found in sources.items():
            shown = {"source": source, "scale": case["scale"], "step": name, "devices": case["devices"]}
            for row in summed(found):
                rows.append(
                    shown | row | {"sent": round(sent(row["collective"], row["bytes"], case["devices"]))}
                )
    return rows


def measure_case(case):
    """`measure` in a process of its own, which has so many virtual CPU devices."""
    flags = f"--xla_force_host_platform_device_count={case['devices']} --xla_backend_optimization_level=0"
    environment = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    found = json_printed(
        [sys.executable, "-m", "benchmarks.communication", "--case", json.dumps(case)], environment
    )
    return found if isinstance(found, list) else [case | found]


def print_row(row):
    if "error" in row:
        return print(row, flush=True)
    where = f"{row['source']:8} {row['scale']:6} {row['step']:24} {row['devices']:2} devices"
    text = f"{where}  {row['count']:4} x {row['collective']:14} {row['bytes'] / 1e6:9.3f} MB"
    text += f"  sent {row['sent'] / 1e6:9.3f} MB  {row['repeated']} repeated  {row['in_loops']} in loops"
    print(text, flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=training_steps.STEPS, default=list(training_steps.STEPS))
    parser.add_argument("--scale", nargs="+", choices=("small", "paper"), default=["paper", "small"])
    parser.add_argument("--devices", nargs="+", type=int, default=[1, 2, 4, 8])
    add_flags(parser, "communication")
    options = parser.parse_args()
    if options.case:
        return print(json.dumps(measure(json.loads(options.case))))
    cases = [
        {"work": work, "scale": scale, "devices": devices}
        for scale in options.scale
        for work in options.only
        # What is traced does not depend on the number of devices, but for what each sends.
        for devices in (options.devices if scale == "small" else options.devices[-1:])
    ]
    print_scaling(measured(options.name, map(measure_case, cases), print_row, options.out))


if __name__ == "__main__":
    main()
