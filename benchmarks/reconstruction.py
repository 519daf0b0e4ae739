"""Times launch.reconstruct on docs/photos with the shipped networks, each run a process of its own.

    python benchmarks/reconstruction.py [--against=CHECKOUT] [--repeats=3]

"first": one photo with nothing kept; "again": the same photo with the programs that earlier runs kept;
"four": four photos with kept programs; "further": a third of what four take beyond one. Seconds of wall and
of processor (of all threads), the median of the repeats. --against: another checkout of this project (its
kernels built), timed by turns with this one, for ratios on one machine in the same minutes. Prints a table
and writes benchmarks/results/reconstruction_cpu.json.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Scripts find modules beside them first, and here are benchmarks called like packages.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.records import write_results
from ganverse_jax.pages.markup import markdown_table

HERE = Path(sys.path[0])
PHOTOS = HERE / "docs" / "photos"
CASES = {"first": "blue.png", "again": "blue.png", "four": ""}


def timed(checkout, photos, cache, out):
    """(wall, processor) seconds of one command."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "launch.reconstruct", f"--images={photos}", f"--out={out}"],
        cwd=checkout,
        env=os.environ | {"JAX_PLATFORMS": "cpu", "XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(checkout)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begin, processor


def measured(checkouts, repeats):
    """One row per checkout and case."""
    found = {(checkout, case): [] for checkout in checkouts for case in CASES}
    for _ in range(repeats):
        caches = {checkout: tempfile.mkdtemp() for checkout in checkouts}
        for case, name in CASES.items():
            for checkout, cache in caches.items():
                if case == "again":  # turntables of another height are other programs
                    timed(checkouts[checkout], PHOTOS, cache, tempfile.mkdtemp())
                taken = timed(checkouts[checkout], PHOTOS / name, cache, tempfile.mkdtemp())
                found[checkout, case].append(taken)
                print(f"{checkout} {case}: {taken[0]:.1f} s, {taken[1]:.1f} s of processor", flush=True)
    rows = []
    for checkout in checkouts:
        medians = {
            case: [statistics.median(part) for part in zip(*found[checkout, case], strict=True)]
            for case in CASES
        }
        pairs = zip(medians["four"], medians["again"], strict=True)
        medians["further"] = [(four - one) / 3 for four, one in pairs]
        rows += [
            {"checkout": checkout, "case": case, "wall_s": wall, "processor_s": processor, "repeats": repeats}
            for case, (wall, processor) in medians.items()
        ]
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    against = {} if arguments.against is None else {"against": arguments.against.resolve()}
    rows = measured({"here": HERE} | against, arguments.repeats)
    lines = [
        [row["checkout"], row["case"], f"{row['wall_s']:.2f}", f"{row['processor_s']:.2f}"] for row in rows
    ]
    print("\n".join(markdown_table(("checkout", "case", "wall, s", "processor, s"), lines)))
    write_results("reconstruction", rows)


if __name__ == "__main__":
    main()
