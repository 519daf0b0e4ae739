"""Everything that a GPU is wanted for, in one command, what matters most first.

    python -m benchmarks.on_gpu                        # ten minutes
    python -m benchmarks.on_gpu --minutes=30 --out=FOLDER --only=rasterizer,paper_step
    python -m benchmarks.on_gpu --small                # minutes on a CPU: tries the command itself

Parts: the tests that need a GPU; the rasterizer's kernels compared with "reference" on one input (values and
gradients) and timed; StyleGAN2's rates; the step of configs/car.py in float32 and bfloat16 with time, memory
and the kernels that take it; the toy GAN's rate at 64 and 128 px; more sizes of the rasterizer; what XLA
plans for the late step, whole and in parts. Each is a process of its own, with its share of the time that is
left: a part that fails or runs out of time is recorded with its reason and the rows it has, and the next
begins. After each, OUT/on_gpu_<device>.json and .md (tables) are written; OUT/on_gpu.log has what the parts
printed. The same command goes on: parts that are done at this commit on this device are not run again.
Without a GPU the same parts run at a CPU's sizes, and the kernels' tests interpreted.
"""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

from benchmarks.records import RESULTS, json_printed
from ganverse_jax.pages.markup import markdown_table

ROOT = Path(__file__).resolve().parent.parent
LEAST_SECONDS = 5  # with less a part does not begin
GRACE_SECONDS = 5  # between being asked to end and being killed
REASON_LENGTH = 300


class Part(NamedTuple):
    """command: arguments of Python, by `ROOT`; share: of the time, against the other parts'; result: the file
    that it leaves in OUT, a benchmark's JSON or a JUnit XML."""

    name: str
    title: str
    share: float
    command: tuple[str, ...]
    result: str


def parts_of(out, small, device):
    """All parts for a device, in order."""
    has_gpu, kind = device["platform"] != "cpu", kind_of(device)
    flags = ("--out", str(out), *(("--small",) if small else ()))

    def benchmark(name, title, share, program, *arguments):
        command = (f"benchmarks/{program}.py", *arguments, *flags, "--name", name)
        return Part(name, title, share, command, f"{name}_{kind}.json")

    tests = ["-m", "gpu", "tests/rasterizer"] if has_gpu else ["tests/rasterizer/test_pallas.py"]
    if small:
        tests = ["tests/rasterizer/test_pallas.py", "-k", "capacity or says_what_is_needed"]
    pytest = ("-m", "pytest", "-n", "0", "-W", "default", *tests, f"--junitxml={out / 'tests.xml'}")
    return [
        Part("tests", "tests of the kernels" + " on the GPU" * has_gpu, 2, pytest, "tests.xml"),
        benchmark(
            "rasterizer", "rasterizer, against reference and timed", 3, "rasterizer",
            "--only", "agree", "headline", "compare", "--budget", "1",
        ),
        benchmark("stylegan2", "StyleGAN2", 3, "stylegan2", "--only", "synthesis", "training"),
        benchmark(
            "paper_step", "step of configs/car.py", 6, "inverse_graphics", "--only", "step", "profile"
        ),
        benchmark("toy_gan", "toy GAN at 64 and 128 px", 3, "stylegan2", "--only", "toy"),
        benchmark("scaling", "rasterizer, other sizes", 2, "rasterizer", "--only", "scaling"),
        benchmark("memory", "the late step as planned", 3, "inverse_graphics", "--only", "memory"),
    ]  # fmt: skip


def kind_of(device):
    """The device in file names, as `records.path_of` has it."""
    return "cpu" if device["platform"] == "cpu" else device["device"].replace(" ", "_")


def run_part(part, out, limit):
    """The record of a part run for at most `limit` seconds."""
    path = out / part.result
    path.unlink(missing_ok=True)
    begin, log = time.monotonic(), out / "on_gpu.log"
    start = log.stat().st_size if log.exists() else 0
    # "": JAX's own choice of a device, where the tests would take a CPU. PYTHONPATH: our modules by any name.
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    environment |= {"JAX_PLATFORMS": os.environ.get("JAX_PLATFORMS", "")}
    with log.open("ab") as written:
        process = subprocess.Popen(
            [sys.executable, *part.command], cwd=ROOT, env=environment, stdout=written, stderr=written,
            start_new_session=True,
        )  # fmt: skip
        try:
            ended = process.wait(limit)
        except subprocess.TimeoutExpired:
            ended = None
        finally:  # also of a run that is told to stop: its processes end with it
            _end(process)
    rows = rows_of(path)
    path.unlink(missing_ok=True)
    state, reason = judged(ended, rows, limit, _last_words(log, start))
    record = {"title": part.title, "state": state, "reason": reason, "command": shlex.join(part.command)}
    return record | {"seconds": round(time.monotonic() - begin, 1), "limit": round(limit, 1), "rows": rows}


def _end(process):
    """End a process and all that it started."""
    for number, patience in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break  # none of them is left
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _last_words(log, start):
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:REASON_LENGTH] if lines else "it printed nothing"


def rows_of(path):
    """What a part has left: the rows of a benchmark, or one for each test; none where there is no file."""
    if not path.exists():
        return []
    if path.suffix == ".json":
        return json.loads(path.read_text())["rows"]
    rows = []
    for case in ET.parse(path).getroot().iter("testcase"):
        row = {"test": f"{case.get('classname')}::{case.get('name')}", "seconds": float(case.get("time"))}
        for kind in ("failure", "error", "skipped"):
            if (found := case.find(kind)) is not None:
                row |= {
                    "skipped" if kind == "skipped" else "error": (found.get("message") or kind)[
                        :REASON_LENGTH
                    ]
                }
        rows.append(row)
    return rows


def judged(ended, rows, limit, last_words):
    """(state, reason) of a part that ended with a status (None: it ran out of time) and left rows."""
    errors = [row["error"] for row in rows if "error" in row]
    if ended is None:
        return "out of time", f"{len(rows)} rows in {limit:.0f} s"
    if errors:
        return "failed", f"{len(errors)} of {len(rows)} rows; the first: {errors[0]}"
    if ended:
        return "failed", f"ended with {ended}: {last_words}"
    if not rows or all("skipped" in row for row in rows):
        return "failed", f"nothing was measured: {rows[0]['skipped'] if rows else last_words}"
    return "done", ""


def better(old, new):
    """Of two records of a part the one that says more: the newer, unless it has fewer sound rows."""
    sound = [sum("error" not in row for row in record["rows"]) for record in (old, new)]
    return old if sound[0] > sound[1] else new


def run(parts, out, seconds, device):
    """Run all parts that are not done yet; the records by name."""
    json_path = out / f"on_gpu_{kind_of(device)}.json"
    kept = {name: device[name] for name in ("commit", "device", "jax")}
    before = json.loads(json_path.read_text()) if json_path.exists() else {}
    same = all(before.get(name) == value for name, value in kept.items())
    records, end = dict(before["parts"]) if same else {}, time.monotonic() + seconds
    waiting = [part for part in parts if records.get(part.name, {}).get("state") != "done"]
    for part in parts:
        if part not in waiting:
            print(f"{part.name}: done before", flush=True)
            continue
        limit = (
            (end - time.monotonic()) * part.share / sum(one.share for one in waiting[waiting.index(part) :])
        )
        if limit < LEAST_SECONDS:
            left = {"title": part.title, "state": "not begun", "reason": "no time was left", "rows": []}
            record = left | {"command": shlex.join(part.command), "seconds": 0.0, "limit": round(limit, 1)}
        else:
            print(f"{part.name}: {part.title}, at most {limit:.0f} s", flush=True)
            record = run_part(part, out, limit)
        print(f"{part.name}: {record['state']} {record['reason']} ({record['seconds']} s)", flush=True)
        records[part.name] = better(records.get(part.name, record), record)
        write(out, json_path, device, records)
    return records


def write(out, json_path, device, records):
    """JSON and tables of what there is so far, each whole or as before."""
    texts = {json_path: json.dumps(device | {"parts": records}, indent=1) + "\n"}
    texts[json_path.with_suffix(".md")] = tables(device, records)
    for path, text in texts.items():
        beside = out / f"{path.name}.part"
        beside.write_text(text)
        beside.replace(path)


def tables(device, records):
    """All records as a page of Markdown."""
    where = f"{device['device']}, {device['cores']} cores of {device['cpu']}, jax {device['jax']}"
    lines = [f"# {device['device']}", "", f"{where}, commit {device['commit']}, {device['date']}.", ""]
    for name, record in records.items():
        lines += [f"## {name}: {record['title']}", "", f"`python {record['command']}`", ""]
        lines += [f"{record['state']} {record['reason']} ({record['seconds']} s)".replace("  ", " "), ""]
        lines += table(record["rows"])
        for row in record["rows"]:
            if "kernels" in row:
                lines += [
                    "",
                    f"Kernels of {row['work']}, {row['dtype']}, per step:",
                    "",
                    *table(row["kernels"]),
                ]
        lines.append("")
    return "\n".join(lines)


def table(rows):
    """Rows as Markdown, a column for everything that is one value in one of them."""
    plain = (str, int, float, bool)
    names = list(
        dict.fromkeys(name for row in rows for name, value in row.items() if isinstance(value, plain))
    )
    if not names:
        return []
    return markdown_table(names, [[_cell(row.get(name)) for name in names] for row in rows])


def _cell(value):
    if value is None or isinstance(value, list | dict):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "/").replace("\n", " ")


def minutes(text):
    """A number above 0: with "nan" no part would ever run out of time."""
    if not 0 < (number := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of minutes above 0")
    return number


def stopped(number, frame):
    raise SystemExit(128 + number)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=minutes, default=10.0, help="for all parts together")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--only", default="", help="names of parts, with commas between them")
    parser.add_argument(
        "--small", action="store_true", help="tiny sizes: to try the command, not for figures"
    )
    options = parser.parse_args()
    # Asked for by a process that ends: this one would hold a part of the GPU's memory.
    device = json_printed([sys.executable, str(Path(__file__).with_name("records.py"))])
    if "error" in device:
        sys.exit(f"JAX finds no device to run on: {device['error']}")
    device |= {"small": True} if options.small else {}
    out = options.out.resolve() / ("small" if options.small else "")
    out.mkdir(parents=True, exist_ok=True)
    parts = parts_of(out, options.small, device)
    chosen = [name for name in options.only.split(",") if name] or [part.name for part in parts]
    if unknown := set(chosen) - {part.name for part in parts}:
        names = ", ".join(part.name for part in parts)
        sys.exit(f"--only={options.only}: no part is called {', '.join(sorted(unknown))}; there are {names}")
    if device["platform"] == "cpu":
        print("no GPU here: the parts run at a CPU's sizes, and the kernels' tests interpreted", flush=True)
    signal.signal(signal.SIGTERM, stopped)
    records = run([part for part in parts if part.name in chosen], out, 60 * options.minutes, device)
    print(f"written to {out}")
    sys.exit(any(records[name]["state"] != "done" for name in chosen))


if __name__ == "__main__":
    main()
