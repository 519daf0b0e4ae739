"""jit, vmap, shard_map, batches and repetition change nothing but the speed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rasterizer
from rasterizer.kernels import xla

QUICK = {"xla_backend_optimization_level": 0}  # halves the time to compile

# Plain JAX is JAX's to split, and takes 10 s to compile: the C++ kernels always, the others when slow.
whole_programs = pytest.mark.parametrize(
    "implementation",
    ["cpu", *(pytest.param(name, marks=pytest.mark.slow) for name in ("xla", "pallas", "reference"))],
    indirect=True,
)


@pytest.fixture
def scenes(padded):
    """Eight meshes of random faces, vertices [8 v 4] and faces [8 f 3], padded to what `draw` takes."""
    rng = np.random.default_rng(3)
    meshes = []
    for count in (10, 1, 5, 8, 10, 3, 2, 7):
        w = rng.uniform(1.0, 3.0, (3 * count, 1))
        ndc = rng.uniform(-1, 1, (3 * count, 2))
        vertices = np.concatenate([ndc * w, w, w], axis=-1)
        meshes.append(padded(vertices, rng.permutation(3 * count).reshape(count, 3)))
    return tuple(np.concatenate(arrays) for arrays in zip(*meshes, strict=True))


@pytest.fixture
def separately(scenes, draw):
    """Images and gradients of the eight meshes drawn one after the other."""
    alone = [draw(vertices, faces) for vertices, faces in zip(*scenes, strict=True)]
    return [np.stack(images) for images in zip(*alone, strict=True)]


def assert_same(actual, expected):
    """All fields of Drawn. What XLA fuses differs with the surroundings, so does the last bit or two."""
    face_id, *images, gradient = (
        np.asarray(a).reshape(b.shape) for a, b in zip(actual, expected, strict=True)
    )
    assert np.array_equal(face_id, expected[0])
    for image, other in zip(images, expected[1:-1], strict=True):
        np.testing.assert_allclose(image, other, rtol=1e-5, atol=1e-5)
    for one, other in zip(gradient, expected[-1], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max())


@whole_programs
def test_vmap_over_batches_of_two_equals_a_loop(scenes, separately, drawing):
    paired = [array.reshape(4, 2, *array.shape[1:]) for array in scenes]
    assert_same(jax.jit(jax.vmap(drawing), compiler_options=QUICK)(*paired), separately)


@whole_programs
def test_batches_of_two_on_four_devices_equal_a_loop(scenes, separately, drawing):
    if jax.device_count() < 4:
        pytest.skip("needs four virtual devices")
    mesh = jax.make_mesh((4,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    spec = jax.sharding.PartitionSpec("data")
    sharded = jax.shard_map(drawing, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False)
    assert_same(jax.block_until_ready(jax.jit(sharded, compiler_options=QUICK)(*scenes)), separately)


def test_the_same_input_gives_the_same_bits(scenes, separately, draw):
    for _ in range(3):
        for n, alone in enumerate(zip(*separately, strict=True)):
            again = draw(scenes[0][n], scenes[1][n])
            assert all(np.array_equal(a, b) for a, b in zip(again, alone, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("implementation", ["xla"], indirect=True)
def test_plain_jax_works_for_a_gpu_as_for_a_cpu(monkeypatch, padded, drawing):
    """Batched images, larger blocks and a fold that is written out: chosen by platform, tried here."""
    rng = np.random.default_rng(6)
    w = rng.uniform(1.0, 3.0, (3, 30, 1))
    vertices = np.concatenate([rng.uniform(-1, 1, (3, 30, 2)) * w, w, w], axis=-1)
    meshes = [padded(v, np.arange(30).reshape(10, 3)) for v in vertices]
    operands = tuple(np.concatenate(arrays) for arrays in zip(*meshes, strict=True))
    here = jax.jit(lambda *meshes: drawing(*meshes), compiler_options=QUICK)(*operands)
    monkeypatch.setattr(xla, "_on_cpu", lambda: False)
    there = jax.jit(lambda *meshes: drawing(*meshes), compiler_options=QUICK)(*operands)
    assert_same(there, [np.asarray(a) for a in here])


def test_vmap_of_interpolation_and_sampling_equals_a_loop(implementation):
    rng = np.random.default_rng(4)
    faces = rng.integers(0, 6, (5, 3)).astype(np.int32)
    operands = {
        "attributes": rng.normal(size=(3, 2, 6, 2)).astype(np.float32),
        "barycentrics": rng.normal(size=(3, 2, 4, 5, 3)).astype(np.float32),
        "texture": rng.uniform(size=(3, 2, 4, 8, 3)).astype(np.float32),
        "uv": rng.uniform(-0.5, 1.5, (2, 4, 5, 2)).astype(np.float32),
    }
    mapped_axes = {"attributes": 0, "barycentrics": 0, "texture": 0, "uv": None}  # shared coordinates
    face_id = rng.integers(-1, 5, (3, 2, 4, 5)).astype(np.int32)

    def loss(operands, face_id):
        fragments = rasterizer.Fragments(face_id, operands["barycentrics"], jnp.zeros(face_id.shape))
        chosen = {"implementation": implementation}
        values = rasterizer.interpolate(operands["attributes"], faces, fragments, **chosen)
        colours = rasterizer.sample_texture(operands["texture"], operands["uv"], mip_levels=2, **chosen)
        return jnp.sum(values**2) + jnp.sum(colours**2), (values, colours)

    run = jax.value_and_grad(loss, has_aux=True)
    mapped = jax.jit(jax.vmap(run, in_axes=(mapped_axes, 0)), compiler_options=QUICK)(operands, face_id)
    one = jax.jit(run, compiler_options=QUICK)
    for n in range(3):
        own = {key: a if key == "uv" else a[n] for key, a in operands.items()}
        alone = one(own, face_id[n])
        jax.tree.map(
            # Sums of some hundred floats of order one.
            lambda a, b, n=n: np.testing.assert_allclose(a[n], b, rtol=1e-5, atol=1e-5),
            mapped,
            alone,
        )


def test_threads_that_race_give_the_same_bits_and_one_image_those_of_a_batch(scene, needs_kernel):
    needs_kernel("cpu")
    vertices, faces = jnp.tile(scene[0], (4, 1, 1)), scene[1]

    @jax.jit
    def gradients(vertices, texture):
        def loss(vertices, texture):
            out = rasterizer.rasterize(vertices, faces, 40, 56)
            uv = rasterizer.interpolate(vertices[..., :2], faces, out)
            rgb = rasterizer.sample_texture(texture, uv)
            mask = rasterizer.silhouette(vertices, faces, out)
            return jnp.sum(rgb**2) + jnp.sum(mask**2), (out, rgb, mask)

        return jax.grad(loss, argnums=(0, 1), has_aux=True)(vertices, texture)

    rng = np.random.default_rng(0)
    texture = jnp.tile(jnp.asarray(rng.uniform(size=(2, 9, 7, 3)), jnp.float32), (4, 1, 1, 1))
    first = gradients(vertices, texture)
    for _ in range(5):
        jax.tree.map(np.testing.assert_array_equal, gradients(vertices, texture), first)
    alone = gradients(vertices[:1], texture[:1])
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[:1], b), first[1], alone[1])
    # More threads share one image: gradients, summed in double, are cut elsewhere and then rounded.
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a[:1], b, rtol=1e-5, atol=1e-5), first[0], alone[0])
