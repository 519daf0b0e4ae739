"""Which kernels a traced piece of work spends its time in."""

import collections
import re
from pathlib import Path

import jax

MOST = 15
# Lines of a device's plane that repeat what the kernels of its streams took.
SUMMARIES = ("XLA Modules", "XLA Ops", "Steps", "Framework", "Source", "Launch Stats")


def kernels_of(folder, calls):
    """{"busy_seconds", "kernels": [{"name", "seconds", "share"}]} of the newest trace in a folder, per call.

    On a GPU the kernels of its streams, on a CPU the operations of XLA's threads, which may overlap; those of
    a name that differs in its number alone are added up. FileNotFoundError where there is no trace.
    """
    found = sorted(Path(folder).rglob("*.xplane.pb"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise FileNotFoundError(f"no *.xplane.pb in {folder}; trace with jax.profiler.trace first")
    data = jax.profiler.ProfileData.from_file(str(found[-1]))
    on_device = [plane for plane in data.planes if plane.name.startswith("/device:")]
    lines = [line for plane in on_device for line in plane.lines if not line.name.startswith(SUMMARIES)]
    if not lines:
        host = data.find_plane_with_name("/host:CPU")
        lines = [line for line in host.lines if line.name.startswith("tf_XLA")]
    taken = collections.Counter()
    for line in lines:
        for event in line.events:
            # Of a CPU's threads not their own marks, which lie around the operations.
            if on_device or not ("::" in event.name or event.name.startswith("end: ")):
                taken[re.sub(r"[._]\d+$", "", event.name)] += event.duration_ns * 1e-9
    busy = sum(taken.values())
    kernels = [
        {"name": name[:100], "seconds": spent / calls, "share": spent / busy}
        for name, spent in taken.most_common(MOST)
    ]
    return {"busy_seconds": busy / calls, "kernels": kernels}
