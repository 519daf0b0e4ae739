"""Times flaxmodels' StyleGAN2 synthesis; run by `stylegan2.py --flaxmodels` with a Python that has it.

    python -m venv fm && fm/bin/pip install flaxmodels jax==0.4.34 jaxlib==0.4.34 flax==0.10.2  # newer fail
    fm/bin/python benchmarks/stylegan2_flaxmodels.py RESOLUTION CHANNEL_BASE CHANNEL_MAX BATCH CALLS

Random weights of the same widths, constant noise. Prints one JSON object.
"""

import json
import sys
import time
from importlib.metadata import version

import jax
import numpy as np
from flaxmodels.stylegan2 import Generator


def main():
    resolution, base, most, batch, calls = map(int, sys.argv[1:])
    # Its widths are fmap_base / 2^(log2(resolution) - 1), twice over what `channel_base` counts.
    num_ws = 2 * resolution.bit_length() - 4
    module = Generator(resolution=resolution, fmap_base=base // 2, fmap_max=most, num_ws=num_ws)
    z = jax.random.normal(jax.random.key(1), (batch, 512))
    variables = module.init(jax.random.key(0), z)
    draw = jax.jit(lambda variables, z: module.apply(variables, z, train=False, noise_mode="const"))
    drawn = jax.block_until_ready(draw(variables, z))
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        jax.block_until_ready(draw(variables, z))
        times.append(time.perf_counter() - start)
    parameters = sum(x.size for x in jax.tree.leaves(variables["params"]))
    print(
        json.dumps(
            {"seconds": float(np.median(times)), "least_seconds": min(times), "shape": drawn.shape,
             "parameters": parameters, "version": version("flaxmodels")}
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
