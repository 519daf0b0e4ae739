"""The shared suite runs over every implementation that exists here."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rasterizer.kernels import cpu


def _built():
    try:
        cpu.load()
    except cpu.Unavailable:
        return False
    return True


@pytest.fixture(params=["cpu", "xla", "reference"])
def implementation(request):
    if request.param == "cpu" and not _built():
        pytest.skip("the C++ kernels were not built")
    return request.param


@pytest.fixture
def double_precision():
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="session")
def scene():
    """Twelve faces in view, crossing and overlapping, of which some are partly off screen: [2 v 4]."""
    rng = np.random.default_rng(0)
    ndc = rng.uniform(-0.9, 0.9, (2, 12, 1, 2)) + rng.uniform(-0.45, 0.45, (2, 12, 3, 2))
    w = rng.uniform(1.0, 3.0, (2, 36, 1))
    vertices = np.concatenate([ndc.reshape(2, 36, 2) * w, w, w], axis=-1).astype(np.float32)
    faces = np.arange(36, dtype=np.int32).reshape(12, 3)
    return jnp.asarray(vertices), faces
