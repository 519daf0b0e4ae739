"""What the benchmarks share: a case in a process of its own, its peak memory, and where the figures go."""

import argparse
import datetime
import json
import os
import platform
import resource
import subprocess
from pathlib import Path

# Benchmarks ask JAX for its device and measure in processes of their own: they must not take a GPU's memory.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax

RESULTS = Path(__file__).parent / "results"
BANDWIDTH = {"H100": 3.35e12, "H200": 4.8e12, "A100": 2.0e12, "RTX 4090": 1.0e12}  # bytes/s, vendors' figures
PEAK_FLOPS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # bf16, vendors' figures


def peak_bytes():
    """Most memory in use so far: the device's own count, or the process's on a CPU."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and "peak_bytes_in_use" in stats:
        return stats["peak_bytes_in_use"]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def json_printed(command, environment=None):
    """The JSON in the last line that a command prints, or its last words as "error".

    environment: variables besides this process's own.
    """
    variables = os.environ | (environment or {})
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1][:200]
        return {"error": last if done.returncode > 0 else f"ended by signal {-done.returncode}: {last}"}
    return json.loads(done.stdout.splitlines()[-1])


def commit():
    """The checkout's commit, shortened; "" outside git."""
    command = ["git", "-C", str(RESULTS.parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


def description():
    """Where, when and with what the figures were taken."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "device": jax.devices()[0].device_kind,
        "platform": jax.devices()[0].platform,
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "jax": jax.__version__,
        "python": platform.python_version(),
    }


def add_flags(parser, name):
    """--out and --name, and the hidden --case of a process that measures one case."""
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON")
    parser.add_argument("--name", default=name, help="of the JSON, before the device's")
    parser.add_argument("--case", help=argparse.SUPPRESS)


def path_of(name, out=RESULTS):
    """OUT/<name>_<device>.json."""
    device = jax.devices()[0]
    kind = "cpu" if device.platform == "cpu" else device.device_kind.replace(" ", "_")
    return Path(out) / f"{name}_{kind}.json"


def write_rows(path, rows):
    """Rows so far, with where and how they were taken; whole, or as before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps({**description(), "rows": rows}, indent=1) + "\n")
    beside.replace(path)


def write_results(name, rows, out=RESULTS):
    """`write_rows` to `path_of`, and a line that says so."""
    path = path_of(name, out)
    write_rows(path, rows)
    print(f"written to {path}")


def measured(name, found, show, out=RESULTS):
    """All rows of `found`, lists of rows; each shown and written as soon as it is there."""
    rows, path = [], path_of(name, out)
    for some in found:
        for row in some:
            rows.append(row)
            show(row)
        write_rows(path, rows)
    print(f"written to {path}", flush=True)
    return rows


if __name__ == "__main__":
    print(json.dumps(description()))
