"""When the Pallas kernels serve, and their values, interpreted; gradients are in test_pallas_gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rasterizer
from rasterizer import kernels
from rasterizer.kernels import pallas

SIZE = (19, 37)  # no multiple of a tile


@pytest.fixture
def interpreted(monkeypatch):
    monkeypatch.setattr(pallas, "INTERPRET", True)


def outputs(scene, implementation):
    vertices, faces = scene
    options = {"implementation": implementation}
    fragments = rasterizer.rasterize(vertices, faces, *SIZE, **options)
    mask = rasterizer.silhouette(vertices, faces, fragments, sigma_inverse=60.0, margin=0.2, **options)
    return fragments, mask


def test_the_interpreted_bodies_agree_with_the_reference(scene, interpreted):
    fragments, mask = jax.jit(lambda v: outputs((v, scene[1]), "pallas"))(scene[0])
    expected, expected_mask = jax.jit(lambda v: outputs((v, scene[1]), "reference"))(scene[0])
    same = np.asarray(fragments.face_id == expected.face_id)
    assert same.mean() > 0.998  # a pixel within a rounding of an edge or of a crossing may differ
    np.testing.assert_allclose(fragments.barycentrics[same], expected.barycentrics[same], atol=2e-5)
    np.testing.assert_allclose(fragments.depth[same], expected.depth[same], rtol=2e-5)
    # A product of at most 12 factors, each good to a rounding of exp: 1e-6.
    np.testing.assert_allclose(mask[same], expected_mask[same], atol=1e-5)


def test_a_tile_s_list_of_faces_has_no_capacity(interpreted):
    # 1100 faces over one another: 35 words of bits in every tile, so two words of words; the nearest face is
    # the highest bit of the first word of the second.
    plain = np.array([[-0.9, -0.9], [0.9, -0.9], [0.0, 0.9]])
    depth = np.linspace(3.0, 1.0, 1100)
    depth[1055] = 0.5
    ndc = np.broadcast_to(plain, (1100, 3, 2))
    w = np.broadcast_to(depth[:, None, None], (1100, 3, 1))
    vertices = jnp.asarray(np.concatenate([ndc * w, w, w], axis=-1).reshape(1, -1, 4), jnp.float32)
    faces = np.arange(3300, dtype=np.int32).reshape(1100, 3)
    draw = jax.jit(lambda v: rasterizer.rasterize(v, faces, 8, 16, implementation="pallas").face_id)
    assert set(np.unique(draw(vertices))) == {-1, 1055}


@pytest.mark.parametrize(
    "capability, chosen", [(8.9, "xla"), (9.0, "pallas"), (10.0, "pallas"), (0.0, "xla")]
)
def test_gpus_from_hopper_on_are_served_by_pallas_and_older_ones_by_xla(monkeypatch, capability, chosen):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(kernels, "_compute_capability", lambda: capability)
    assert kernels.select(None, np.float32).__name__ == f"rasterizer.kernels.{chosen}"
    assert kernels.select(None, np.dtype(np.float64)).__name__ == "rasterizer.kernels.xla"


def test_asking_for_pallas_without_such_a_gpu_says_what_is_needed(scene):
    with pytest.raises(ValueError, match="compute capability 9.0 or newer"):
        rasterizer.rasterize(*scene, 4, 4, implementation="pallas")
