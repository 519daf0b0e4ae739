"""Commands as processes of one run on this machine."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
# One device each: pytest's own four would be inherited.
FLAGS = os.environ["XLA_FLAGS"].replace("device_count=4", "device_count=1")


def started(module: str, *arguments: str, **environment: str) -> subprocess.Popen:
    """`python -m module` on one device."""
    variables = os.environ | {"XLA_FLAGS": FLAGS, "JAX_PLATFORMS": "cpu"} | environment
    command = [sys.executable, "-u", "-m", module, *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def two(module: str, *arguments: str, own: Sequence[str] = ("", "")) -> list[subprocess.Popen]:
    """Both processes of a run; own: an argument of each alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        shared = ("--distributed", f"--coordinator=127.0.0.1:{free.getsockname()[1]}", *arguments)
    first = started(module, *shared, "--num_processes=2", "--process_id=0", *filter(None, own[:1]))
    # What is not given is told by variables.
    second = started(module, *shared, *filter(None, own[1:]), JAX_NUM_PROCESSES="2", JAX_PROCESS_ID="1")
    return [first, second]


def ended(processes: Sequence[subprocess.Popen], seconds: int = 600) -> list[tuple[int, str, str]]:
    """Status, output and errors of each; all must end soon after the first."""
    found = []
    for process in processes:
        try:
            output = process.communicate(timeout=120 if found else seconds)
        finally:
            process.kill()
        found.append((process.returncode, *output))
    return found
