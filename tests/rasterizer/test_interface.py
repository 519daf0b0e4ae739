"""Which kernel serves, and what is refused."""

import logging

import jax.numpy as jnp
import numpy as np
import pytest

import rasterizer
from rasterizer import kernels
from rasterizer.kernels import cpu

FACE = np.array([[0, 1, 2]], np.int32)


def test_wrong_input_is_refused_with_the_value_and_the_remedy():
    vertices = jnp.array([[[-0.8, -0.8, 1.0, 1.0], [0.8, -0.8, 1.0, 1.0], [0.0, 0.8, 1.0, 1.0]]])
    with pytest.raises(ValueError, match=r"0\.\.3 but there are 3 vertices"):
        rasterizer.rasterize(vertices, np.array([[0, 1, 3]]), 4, 4)
    with pytest.raises(ValueError, match=r"-1\.\.1 but there are 3 vertices"):
        rasterizer.rasterize(vertices, np.array([[0, 1, -1]]), 4, 4)
    with pytest.raises(ValueError, match="floa"):
        rasterizer.rasterize(vertices, FACE.astype(np.float32), 4, 4)
    with pytest.raises(ValueError, match=r"\[b v 4\]"):
        rasterizer.rasterize(vertices[..., :3], FACE, 4, 4)
    with pytest.raises(ValueError, match="0 x 4"):
        rasterizer.rasterize(vertices, FACE, 0, 4)
    with pytest.raises(ValueError, match="do not go with a batch of 1"):
        rasterizer.rasterize(vertices, np.stack([FACE, FACE]), 4, 4)
    with pytest.raises(ValueError, match="'gpu' is unknown; choose one of cpu, pallas, xla, reference"):
        rasterizer.rasterize(vertices, FACE, 4, 4, implementation="gpu")
    fragments = rasterizer.rasterize(vertices, FACE, 4, 4)
    with pytest.raises(ValueError, match="0..3 but there are 3 vertices"):
        rasterizer.interpolate(vertices, np.array([[0, 1, 3]]), fragments)
    with pytest.raises(ValueError, match="sigma_inverse=0"):
        rasterizer.silhouette(vertices, FACE, fragments, sigma_inverse=0)


def test_a_library_of_other_sources_is_refused(monkeypatch, needs_kernel):
    needs_kernel("cpu")
    monkeypatch.setattr(cpu, "KERNELS_VERSION", -1)
    with pytest.raises(cpu.Unavailable, match="this source needs -1; reinstall"):
        cpu.load.__wrapped__()


def test_without_the_library_one_warning_is_given_and_the_xla_kernel_serves(monkeypatch, caplog):
    def missing():
        raise cpu.Unavailable("_kernels.so was not built")

    monkeypatch.setattr(cpu, "load", missing)
    monkeypatch.setattr(kernels, "_announced", set())
    with caplog.at_level(logging.INFO, logger="rasterizer"):
        with pytest.warns(RuntimeWarning, match="C\\+\\+17 compiler") as caught:
            assert kernels.select("xla", np.float32) is kernels.xla  # asked for: nothing to warn of
            assert kernels.select(None, np.float32) is kernels.xla
            assert kernels.select(None, np.float32) is kernels.xla
    assert len(caught) == 1 and len(caplog.records) == 1
    with pytest.raises(cpu.Unavailable, match="not built"):
        kernels.select("cpu", np.float32)


def test_a_runtime_older_than_the_build_is_refused(monkeypatch, needs_kernel):
    needs_kernel("cpu")
    monkeypatch.setattr(cpu, "_running_ffi_version", lambda: (0, 0))
    with pytest.raises(cpu.Unavailable, match="built for XLA FFI"):
        cpu.load.__wrapped__()


def test_float64_is_served_without_the_float32_kernels(double_precision):
    with pytest.raises(ValueError, match="float32 only"):
        kernels.select("cpu", np.dtype(np.float64))
    assert kernels.select(None, np.dtype(np.float64)) is kernels.xla
