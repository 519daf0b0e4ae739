"""Finite differences in float64 pin the formulas; the other kernels are then held to them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rasterizer

SIZE = (10, 14)


def losses(faces, perspective_correct, implementation):
    """Scalar functions of everything differentiable, weighted so that no symmetry hides an error."""
    height, width = SIZE
    rng = np.random.default_rng(5)
    weights = [rng.normal(size=(2, height, width, n)) for n in (3, 1, 1, 4, 3)]

    def loss(operands):
        vertices, attributes, texture, uv = operands
        options = {"implementation": implementation}
        out = rasterizer.rasterize(
            vertices, faces, height, width, perspective_correct=perspective_correct, **options
        )
        mask = rasterizer.silhouette(vertices, faces, out, sigma_inverse=60.0, margin=0.2, **options)
        values = rasterizer.interpolate(attributes, faces, out, **options)
        pixel_uv = rasterizer.interpolate(uv, faces, out, **options)
        colours = rasterizer.sample_texture(texture, pixel_uv, **options)
        terms = (out.barycentrics, out.depth[..., None], mask[..., None], values, colours)
        return sum(jnp.sum(w.astype(t.dtype) * t) for w, t in zip(weights, terms, strict=True))

    return loss


def operands(scene, dtype):
    rng = np.random.default_rng(6)
    vertices = np.asarray(scene[0])
    attributes, texture = rng.normal(size=(2, 36, 4)), rng.uniform(size=(2, 5, 7, 3))
    uv = rng.uniform(-0.4, 1.4, size=(36, 2))
    return tuple(jnp.asarray(a, dtype) for a in (vertices, attributes, texture, uv))


@pytest.mark.parametrize(
    "perspective_correct, others",
    [
        (True, ("cpu",)),
        pytest.param(True, ("xla",), marks=pytest.mark.slow),
        pytest.param(False, ("cpu", "xla"), marks=pytest.mark.slow),
    ],
)
def test_gradients_equal_finite_differences_and_each_other(scene, perspective_correct, others, needs_kernel):
    needs_kernel("cpu")
    faces = scene[1]
    gradients = {}
    with jax.enable_x64(True):
        exact = jax.jit(
            jax.value_and_grad(losses(faces, perspective_correct, "reference")),
            compiler_options={"xla_backend_optimization_level": 0},  # halves the compilation
        )
        at = operands(scene, jnp.float64)
        gradients["reference"] = exact(at)[1]
        rng = np.random.default_rng(7)
        for n in range(4):
            # 1e-7 is small enough for no pixel of this scene to change its face, and leaves 1e-8
            # relative from cancellation in float64.
            for _ in range(2):
                direction = jnp.asarray(rng.normal(size=at[n].shape))
                moved = [
                    exact(tuple(a + s * 1e-7 * direction if i == n else a for i, a in enumerate(at)))[0]
                    for s in (1, -1)
                ]
                slope = jnp.vdot(gradients["reference"][n], direction)
                assert (moved[0] - moved[1]) / 2e-7 == pytest.approx(float(slope), rel=2e-5, abs=2e-5)
    for implementation in others:
        run = jax.jit(jax.grad(losses(faces, perspective_correct, implementation)))
        for actual, expected in zip(run(operands(scene, jnp.float32)), gradients["reference"], strict=True):
            # float32 on edge functions of order one, against the largest gradient.
            np.testing.assert_allclose(actual, expected, atol=1e-4 * float(np.abs(expected).max()))


def test_moving_a_vertex_outward_grows_the_mask(implementation):
    vertices = jnp.array([[[-0.5, -0.5, 1, 1], [0.5, -0.5, 1, 1], [0.0, 0.5, 1, 1]]], jnp.float32)
    faces = np.array([[0, 1, 2]], np.int32)

    def area(vertices):
        out = rasterizer.rasterize(vertices, faces, 64, 64, implementation=implementation)
        return jnp.sum(rasterizer.silhouette(vertices, faces, out, implementation=implementation))

    gradient = jax.grad(area)(vertices)[0]
    assert gradient[0, 0] < 0 and gradient[0, 1] < 0 and gradient[1, 0] > 0 and gradient[2, 1] > 0


def test_a_pixel_on_the_boundary_of_two_faces_has_a_finite_mask_gradient(implementation):
    # Culled faces leave uncovered pixels at distance 0, where 1 - p = 0 twice: dividing by it fails.
    vertices = jnp.array([[[-0.75, -0.75, 1, 1], [0.75, -0.75, 1, 1], [0.75, 0.75, 1, 1]]], jnp.float32)
    faces = np.array([[0, 2, 1], [0, 2, 1]], np.int32)

    def area(vertices):
        out = rasterizer.rasterize(vertices, faces, 4, 4, cull_backfaces=True, implementation=implementation)
        mask = rasterizer.silhouette(vertices, faces, out, sigma_inverse=50.0, implementation=implementation)
        return jnp.sum(mask), mask

    gradient, mask = jax.grad(area, has_aux=True)(vertices)
    assert np.isfinite(gradient).all() and float(mask.max()) == 1.0


def test_one_and_four_devices_agree(scene, needs_kernel):
    needs_kernel("cpu")
    if jax.device_count() < 4:
        pytest.skip("needs four virtual devices")
    vertices, faces = jnp.concatenate([scene[0], scene[0][::-1]]), scene[1]

    def gradient(vertices):
        def loss(vertices):
            out = rasterizer.rasterize(vertices, faces, 24, 24, implementation="cpu")
            return jnp.sum(rasterizer.silhouette(vertices, faces, out, implementation="cpu") + out.depth)

        return jax.grad(loss)(vertices)

    mesh = jax.make_mesh((4,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    spec = jax.sharding.PartitionSpec("data")
    sharded = jax.shard_map(gradient, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False)
    # Each image's sums are made in the same order in double: only the last bit may differ.
    np.testing.assert_allclose(jax.jit(sharded)(vertices), jax.jit(gradient)(vertices), rtol=1e-6, atol=1e-6)
