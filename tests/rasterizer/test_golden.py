"""PyTorch3D 0.7.9 renders and float64 soft masks (tests/golden/rasterizer/README.md)."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rasterizer
from rasterizer.kernels import pallas

GOLDEN = Path(__file__).parent.parent / "golden" / "rasterizer"
SCENES = ("torus", "blob", "crossing_boxes", "triangle_soup")
ON_GPU = ("pallas on a GPU", "xla on a GPU")
# Plain JAX takes long to compile, and test_gradients compares it always.
MARKS = {"cpu": ()} | dict.fromkeys(ON_GPU, pytest.mark.gpu)
CASES = [
    pytest.param((kernel, scene), marks=MARKS.get(kernel, pytest.mark.slow), id=f"{kernel}-{scene}")
    for kernel in ("cpu", "xla", "pallas", "reference", *ON_GPU)
    for scene in SCENES
    # 1300 faces by brute force take many gigabytes; the smaller scenes cover the reference.
    if kernel != "reference" or scene in ("crossing_boxes", "triangle_soup")
]


@pytest.fixture(params=CASES)
def case(request, needs_kernel, monkeypatch):
    needs_kernel(request.param[0])
    monkeypatch.setattr(pallas, "INTERPRET", request.param[0] == "pallas")
    return request.param


@pytest.fixture
def implementation(case):
    return case[0].partition(" on ")[0]


@pytest.fixture
def golden(case):
    return dict(np.load(GOLDEN / f"{case[1]}.npz"))


def to_clip(vertices_ndc_depth):
    x, y, depth = jnp.moveaxis(jnp.asarray(vertices_ndc_depth), -1, 0)
    return jnp.stack([x * depth, y * depth, depth, depth], axis=-1)[None]


def relative(actual, expected):
    return float(np.linalg.norm(np.asarray(actual) - expected) / np.linalg.norm(expected))


def test_renders_and_gradients_match_the_golden_files(golden, implementation):
    height, width = (int(n) for n in golden["image_size"])
    sure = (golden["depth_gap"] > 1e-4) & (golden["edge_distance_squared"] > 1e-9)

    @jax.jit
    def run(vertices):
        def fragments(vertices):
            out = rasterizer.rasterize(
                to_clip(vertices), golden["faces"], height, width, implementation=implementation
            )
            return (out.barycentrics, out.depth), out.face_id

        (barycentrics, depth), pull, face_id = jax.vjp(fragments, vertices, has_aux=True)
        hit = (face_id[0] == golden["face_id"]) & (face_id[0] >= 0)
        zeros = jax.tree.map(jnp.zeros_like, (barycentrics, depth))
        grad_barycentrics = pull(((golden["cotangent_barycentrics"] * hit[..., None])[None], zeros[1]))[0]
        grad_depth = pull((zeros[0], (golden["cotangent_depth"] * hit)[None]))[0]
        return face_id[0], barycentrics[0], depth[0], hit, grad_barycentrics, grad_depth

    face_id, barycentrics, depth, hit, grad_barycentrics, grad_depth = map(
        np.asarray, run(golden["vertices_ndc_depth"])
    )
    assert np.array_equal(face_id[sure], golden["face_id"][sure])
    # The source divides by (area + 1e-8): up to 5e-4 on its smallest faces (its README).
    np.testing.assert_allclose(barycentrics[hit], golden["barycentrics"][hit], atol=5e-4)
    np.testing.assert_allclose(depth[hit], golden["depth"][hit], rtol=1e-4)
    # Same cause, in norm: 2e-4 on crossing_boxes, 2e-5 and less elsewhere.
    assert relative(grad_barycentrics, golden["grad_barycentrics"]) < 5e-4
    assert relative(grad_depth, golden["grad_depth"]) < 5e-4


@pytest.mark.parametrize(
    "key, sigma_inverse, margin", [("soft_mask_7000_002", 7000.0, 0.02), ("soft_mask_300_01", 300.0, 0.1)]
)
def test_silhouettes_match_the_golden_files(golden, implementation, key, sigma_inverse, margin):
    height, width = (int(n) for n in golden["image_size"])
    empty = jnp.zeros((1, height, width))
    face_id = jnp.asarray(golden["face_id"])[None]
    fragments = rasterizer.Fragments(face_id, jnp.zeros((*face_id.shape, 3)), empty)
    mask = rasterizer.silhouette(
        to_clip(golden["vertices_ndc_depth"]),
        golden["faces"],
        fragments,
        sigma_inverse=sigma_inverse,
        margin=margin,
        implementation=implementation,
    )
    # 1e-7 of float32 on positions is 1e-5 on sigma_inverse d^2; measured 9e-6 at most.
    np.testing.assert_allclose(mask[0], golden[key], atol=3e-5)
