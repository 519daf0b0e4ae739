"""The Pallas kernels: interpreted against the reference, and lowered for CUDA without a GPU."""

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
    # 70 faces over one another: three words of bits in every tile, the highest bit of each in use.
    plain = np.array([[-0.9, -0.9], [0.9, -0.9], [0.0, 0.9]])
    depth = np.linspace(3.0, 1.0, 70)
    depth[31] = 0.5
    ndc = np.broadcast_to(plain, (70, 3, 2))
    w = np.broadcast_to(depth[:, None, None], (70, 3, 1))
    vertices = jnp.asarray(np.concatenate([ndc * w, w, w], axis=-1).reshape(1, 210, 4), jnp.float32)
    faces = np.arange(210, dtype=np.int32).reshape(70, 3)
    draw = jax.jit(lambda v: rasterizer.rasterize(v, faces, 8, 16, implementation="pallas").face_id)
    assert set(np.unique(draw(vertices))) == {-1, 31}


@pytest.mark.slow  # compiles the portable backward of the mask
def test_gradients_of_the_interpreted_kernels_equal_the_reference_s(scene, interpreted):
    def loss(vertices, implementation):
        fragments, mask = outputs((vertices, scene[1]), implementation)
        return jnp.sum(mask * mask) + jnp.sum(fragments.depth)

    actual = jax.jit(jax.grad(lambda v: loss(v, "pallas")))(scene[0])
    expected = jax.jit(jax.grad(lambda v: loss(v, "reference")))(scene[0])
    # float32 on edge functions of order one, against the largest gradient.
    np.testing.assert_allclose(actual, expected, atol=1e-4 * float(np.abs(expected).max()))


@pytest.mark.parametrize("size", [SIZE, (512, 384)])
def test_forward_and_backward_lower_for_cuda_on_a_machine_without_a_gpu(scene, size):
    vertices, faces = scene[0], jnp.broadcast_to(scene[1], (2, *scene[1].shape))

    def loss(vertices):
        face_id, barycentrics, depth = pallas.rasterize(vertices, faces, *size, False, True)
        mask = pallas.silhouette(vertices, faces, face_id, 7000.0, 0.02)
        return jnp.sum(barycentrics) + jnp.sum(depth) + jnp.sum(mask)

    lowered = jax.jit(jax.value_and_grad(loss)).trace(vertices).lower(lowering_platforms=("cuda",))
    assert lowered.as_text().count("mosaic_gpu") >= 2  # one call for visibility, one for the mask


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
