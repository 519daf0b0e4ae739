"""The shared suite runs over every implementation that exists here."""

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rasterizer
from rasterizer.kernels import cpu, pallas

# Plain JAX spends its time compiling, so the rules go through one program per implementation, of one
# size; lists are padded to it. Sides are powers of two: pixel centres are exact in binary.
HEIGHT, WIDTH, VERTICES, FACES = 8, 16, 32, 32
MASK = {"sigma_inverse": 60.0, "margin": 0.2}  # a wide band, for a small image
# Halves the time to compile.
QUICK = {"xla_backend_optimization_level": 0}


@pytest.fixture(scope="session")
def needs_kernel():
    def check(name):
        if name == "cpu":
            try:
                cpu.load()
            except cpu.Unavailable as error:
                pytest.skip(str(error))
        if name.endswith("on a GPU") and jax.default_backend() != "gpu":
            pytest.skip(
                f"JAX runs on {jax.default_backend()!r}; where it has a GPU: JAX_PLATFORMS= pytest -m gpu"
            )

    return check


# The default on CPU and the one that serves everywhere else always run; test_pallas holds fast tests
# of the third, and gradients are compared with the fourth throughout.
@pytest.fixture(
    params=[
        "cpu",
        "xla",
        pytest.param("pallas", marks=pytest.mark.slow),
        pytest.param("reference", marks=pytest.mark.slow),
        pytest.param("pallas on a GPU", marks=pytest.mark.gpu),
        pytest.param("xla on a GPU", marks=pytest.mark.gpu),
    ]
)
def implementation(request, needs_kernel, monkeypatch):
    needs_kernel(request.param)
    name, _, on_gpu = request.param.partition(" on ")
    if name == "pallas":
        monkeypatch.setattr(pallas, "INTERPRET", not on_gpu)
    return name


@pytest.fixture
def double_precision():
    with jax.enable_x64(True):
        yield


class Drawn(NamedTuple):
    """One image without its batch axis; `gradient` [v 4] of weighted sums of everything else."""

    face_id: np.ndarray
    barycentrics: np.ndarray
    depth: np.ndarray
    mask: np.ndarray
    gradient: np.ndarray | None


@pytest.fixture
def draw(implementation):
    """draw(vertices [v 4], faces [f 3]) -> Drawn, by one compiled program whatever is drawn.

    The faces are not known to it, as inside a user's jit. With `gradient=False` it is a smaller one.
    """

    def run(vertices, faces, *, cull_backfaces=False, perspective_correct=True, gradient=True):
        program = _program(implementation, cull_backfaces, perspective_correct, gradient)
        return Drawn(*(None if a is None else np.asarray(a[0]) for a in program(*padded(vertices, faces))))

    return run


@pytest.fixture(scope="session", name="padded")
def padded_fixture():
    return padded


@pytest.fixture(name="drawing")
def drawing_fixture(implementation):
    return drawing(implementation)


def padded(vertices, faces):
    """Lists of the size that the compiled programs take, as a batch of one."""
    assert len(vertices) <= VERTICES and len(faces) <= FACES
    vertices = np.concatenate([vertices, np.zeros((VERTICES - len(vertices), 4))])
    faces = np.concatenate([faces, np.zeros((FACES - len(faces), 3))])
    return vertices[None].astype(np.float32), faces[None].astype(np.int32)


@lru_cache
def _program(*options):
    return jax.jit(drawing(*options), compiler_options=QUICK)


def drawing(implementation, cull_backfaces=False, perspective_correct=True, gradient=True):
    """function(vertices [b v 4], faces [b f 3]) -> the fields of Drawn, not compiled yet."""
    chosen = {"implementation": implementation}
    rules = {"cull_backfaces": cull_backfaces, "perspective_correct": perspective_correct}

    def total(vertices, faces):
        out = rasterizer.rasterize(vertices, faces, HEIGHT, WIDTH, **rules, **chosen)
        mask = rasterizer.silhouette(vertices, faces, out, **MASK, **chosen)
        values = rasterizer.interpolate(vertices[..., ::3], faces, out, **chosen)
        terms = (out.barycentrics, out.depth, mask, values)
        weights = [np.random.default_rng(8).normal(size=t.shape[1:]).astype(np.float32) for t in terms]
        return sum(jnp.sum(w * t) for w, t in zip(weights, terms, strict=True)), (*out, mask)

    def run(vertices, faces):
        if not gradient:
            return *total(vertices, faces)[1], None
        found, images = jax.grad(total, has_aux=True)(vertices, faces)
        return *images, found

    return run


@pytest.fixture(scope="session")
def scene():
    """Twelve faces in view, crossing and overlapping, of which some are partly off screen: [2 v 4]."""
    rng = np.random.default_rng(0)
    ndc = rng.uniform(-0.9, 0.9, (2, 12, 1, 2)) + rng.uniform(-0.45, 0.45, (2, 12, 3, 2))
    w = rng.uniform(1.0, 3.0, (2, 36, 1))
    vertices = np.concatenate([ndc.reshape(2, 36, 2) * w, w, w], axis=-1).astype(np.float32)
    faces = np.arange(36, dtype=np.int32).reshape(12, 3)
    return jnp.asarray(vertices), faces
