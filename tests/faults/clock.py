"""python -m tests.faults.clock SEED MODULE [ARGUMENTS]: a module whose clock jumps, up to a day back or on.

What measures durations (time.monotonic, perf_counter) goes on as the system promises.
"""

import random
import runpy
import sys
import time


def jumping(seed: int):
    """time.time in place of the system's: now and then it is set anew."""
    moments, now, offset = random.Random(seed), time.time, [0.0]

    def told() -> float:
        if moments.random() < 0.1:
            offset[0] = moments.uniform(-86_400, 86_400)
        return now() + offset[0]

    return told


if __name__ == "__main__":
    told, module = jumping(int(sys.argv[1])), sys.argv[2]
    del sys.argv[1:3]
    time.time, time.time_ns = told, lambda: int(told() * 1e9)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
