"""The shared suite runs over every implementation that exists here."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rasterizer.kernels import cpu


@pytest.fixture(scope="session")
def needs_kernel():
    def check(name):
        if name == "cpu":
            try:
                cpu.load()
            except cpu.Unavailable as error:
                pytest.skip(str(error))

    return check


# Plain JAX compiles for seconds per test, so its share of the suite is marked slow; test_golden and
# test_gradients hold one fast test for each of the two.
@pytest.fixture(
    params=[
        "cpu",
        pytest.param("xla", marks=pytest.mark.slow),
        pytest.param("reference", marks=pytest.mark.slow),
    ]
)
def implementation(request, needs_kernel):
    needs_kernel(request.param)
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
