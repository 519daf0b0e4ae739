"""Which kernel serves, and what is refused."""

import logging

import jax
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
    with pytest.raises(ValueError, match="height=0; it must be at least 1"):
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


def test_what_is_not_known_outside_jit_or_does_not_go_together_is_refused():
    clip = jnp.array([[[-0.8, -0.8, 1.0, 1.0], [0.8, -0.8, 1.0, 1.0], [0.0, 0.8, 1.0, 1.0]]])
    fragments = rasterizer.rasterize(clip, FACE.tolist(), 4, 4)
    refused = {
        "height=.*known outside jit": lambda: jax.jit(lambda n: rasterizer.rasterize(clip, FACE, n, 4))(4),
        "width=4.0; it must be a whole number": lambda: rasterizer.rasterize(clip, FACE, 4, 4.0),
        "cull_backfaces='no'; it must be True": lambda: rasterizer.rasterize(
            clip, FACE, 4, 4, cull_backfaces="no"
        ),
        "sigma_inverse=.*known outside jit": lambda: jax.grad(
            lambda s: rasterizer.silhouette(clip, FACE, fragments, sigma_inverse=s).sum()
        )(7000.0),
        "sigma_inverse=inf; it must be finite": lambda: rasterizer.silhouette(
            clip, FACE, fragments, sigma_inverse=np.inf
        ),
        r"barycentrics \[1, 2, 4, 3\]; expected": lambda: rasterizer.interpolate(
            clip, FACE, fragments._replace(barycentrics=fragments.barycentrics[:, :2])
        ),
        "face_id float32": lambda: rasterizer.silhouette(
            clip, FACE, fragments._replace(face_id=fragments.depth)
        ),
        "has no texels": lambda: rasterizer.sample_texture(jnp.ones((1, 0, 4, 3)), jnp.ones((1, 2, 2, 2))),
        "texture has dtype uint8": lambda: rasterizer.sample_texture(
            jnp.ones((1, 4, 4, 3), jnp.uint8), jnp.ones((1, 2, 2, 2))
        ),
        "0..5 but there are 3 vertices": lambda: rasterizer.compute_vertex_normals(
            clip[..., :3], np.array([[0, 1, 5]])
        ),
    }
    for message, call in refused.items():
        with pytest.raises(ValueError, match=message):
            call()


def test_a_render_refuses_what_does_not_go_with_its_meshes():
    mesh = rasterizer.icosphere(0)
    camera = rasterizer.Camera([0.0], 0.0, 4.0, 0.5)

    def render(vertices=mesh.vertices[None], uv_faces=mesh.uv_faces, **options):
        arguments = (vertices, mesh.faces, mesh.uv, uv_faces, jnp.ones((1, 2, 2, 3)), camera, 4, 5)
        return rasterizer.render(*arguments, **options)

    light = jnp.zeros((1, 9)).at[:, 0].set(3.5)
    assert render(lighting=light, background=1).rgb.shape == (1, 4, 5, 3)
    with pytest.raises(ValueError, match="20 faces but 3 uv_faces"):
        render(uv_faces=mesh.uv_faces[:3])
    with pytest.raises(ValueError, match=r"lighting \(2, 9\) does not go with 1 images"):
        render(lighting=jnp.ones((2, 9)))
    with pytest.raises(ValueError, match=r"background \(2, 1, 1, 3\) does not broadcast to \[1, 4, 5, 3\]"):
        render(background=jnp.ones((2, 1, 1, 3)))
    with pytest.raises(ValueError, match=r"vertices have shape \(1, 12, 2\)"):
        render(vertices=mesh.vertices[None, :, :2])
    with pytest.raises(ValueError, match="supersampling=2.5"):
        render(supersampling=2.5)


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
