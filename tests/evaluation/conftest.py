"""A generator small enough to take apart, with random weights."""

import jax
import numpy as np
import pytest

from ganverse_jax.models.stylegan2.networks import Generator


@pytest.fixture(scope="session")
def module():
    return Generator(resolution=16, z_dim=8, w_dim=8, mapping_layers=1, channel_base=64, channel_max=8)


@pytest.fixture(scope="session")
def variables(module):
    shapes = jax.eval_shape(module.init, jax.random.key(0), np.zeros((1, 8), np.float32))
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape).astype(np.float32), dict(shapes))
