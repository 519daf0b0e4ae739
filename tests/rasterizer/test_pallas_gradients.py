"""The Pallas kernels' gradients: interpreted against the reference in float64, and lowered for CUDA."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec

from rasterizer.kernels import pallas, pallas_gradients, pallas_launch, reference

SIZE = (19, 37)  # no multiple of a tile
QUICK = {"xla_backend_optimization_level": 0}  # halves the compilation
if "xla_cpu_use_fusion_emitters" in os.environ["XLA_FLAGS"]:
    QUICK["xla_cpu_use_fusion_emitters"] = True  # the suite's quick way costs the kernels' precision


@pytest.fixture
def interpreted(monkeypatch):
    monkeypatch.setattr(pallas, "INTERPRET", True)


def normal(*shape, seed=3):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def batched(scene):
    return scene[0], jnp.broadcast_to(scene[1], (2, *scene[1].shape))


def gradient(loss, at):
    return jax.jit(jax.grad(loss), compiler_options=QUICK)(at)


def exact_gradient(loss, at):
    """In float64, from the reference."""
    with jax.enable_x64(True):
        return np.asarray(gradient(loss, at.astype(jnp.float64)))


def assert_close(actual, expected):
    # A few roundings of float32 in sums of up to 700 pixels, against the largest gradient.
    np.testing.assert_allclose(actual, expected, atol=1e-5 * float(np.abs(expected).max()))


@pytest.mark.parametrize("perspective_correct", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_gradients_of_barycentrics_and_depth_equal_the_reference_s(scene, interpreted, perspective_correct):
    vertices, faces = batched(scene)
    weights, depth_weights = normal(2, *SIZE, 3), normal(2, *SIZE)

    def loss(kernel):
        def of(vertices):
            _, barycentrics, depth = kernel.rasterize(vertices, faces, *SIZE, False, perspective_correct)
            return jnp.sum(weights * barycentrics) + jnp.sum(depth_weights * depth)

        return of

    assert_close(gradient(loss(pallas), vertices), exact_gradient(loss(reference), vertices))


def mask_loss(kernel, faces, face_id, weights, sigma_inverse=60.0, margin=0.2):
    return lambda v: jnp.sum(weights * kernel.silhouette(v, faces, face_id, sigma_inverse, margin))


def test_gradients_of_the_mask_equal_the_reference_s(scene, interpreted):
    vertices, faces = batched(scene)
    face_id = reference.rasterize(vertices, faces, *SIZE, False, True)[0]
    weights = normal(2, *SIZE)
    expected = exact_gradient(mask_loss(reference, faces, face_id, weights), vertices)
    assert_close(gradient(mask_loss(pallas, faces, face_id, weights), vertices), expected)


def soup(triangles):
    """Vertices [1 v 4] and faces [1 f 3] of triangles [f 3 2] in NDC, each nearer than those before."""
    ndc = np.asarray(triangles, np.float32)
    w = np.broadcast_to(1 / np.arange(1, len(ndc) + 1, dtype=np.float32)[:, None, None], (len(ndc), 3, 1))
    vertices = np.concatenate([ndc * w, w, w], axis=-1).reshape(1, -1, 4)
    faces = np.arange(3 * len(ndc), dtype=np.int32).reshape(1, -1, 3)
    return jnp.asarray(vertices), jnp.asarray(faces)


NOWHERE = jnp.full((1, 8, 16), -1, jnp.int32)  # nothing covered: every pixel takes part, also inside faces


def test_the_mask_s_gradient_leaves_one_factor_out_where_factors_are_zero(interpreted):
    # Edges right through pixel centres (x = odd / 16, y = odd / 8): there d = 0.
    x, y = 3 / 16, 1 / 8
    vertices, faces = soup(
        [
            [[-0.6, -0.7], [x, -0.7], [x, 0.7]],  # through six centres of a column
            [[-0.5, -0.7], [x, y], [-0.5, 0.3]],  # touches one of those
            [[-0.4, -0.8], [x - 1e-3, 0.8], [-0.5, 0.7]],
        ]
    )
    misses = [1 - reference.silhouette(vertices, faces[:, [n]], NOWHERE, 60.0, 0.5) for n in (0, 1)]
    assert (misses[0] == 0).sum() == 6 and ((misses[0] == 0) & (misses[1] == 0)).sum() == 1
    weights = normal(*NOWHERE.shape)
    expected = exact_gradient(mask_loss(reference, faces, NOWHERE, weights, margin=0.5), vertices)
    actual = gradient(mask_loss(pallas, faces, NOWHERE, weights, margin=0.5), vertices)
    assert_close(actual, expected)


def test_the_mask_s_gradient_keeps_its_precision_where_factors_are_tiny(interpreted):
    # Two edges beside a column of centres, 1e-3 and 3e-5 away: factors of 6e-5 and 5e-8.
    x = 3 / 16
    vertices, faces = soup([[[-0.6, -0.7], [x - d, -0.7], [x - d, 0.7]] for d in (1e-3, 3e-5)])
    weights = jnp.zeros(NOWHERE.shape).at[0, 2:6, 9].set(jnp.array([1.0, -2.0, 3.0, 4.0]))
    expected = exact_gradient(mask_loss(reference, faces, NOWHERE, weights, margin=0.5), vertices)
    actual = gradient(mask_loss(pallas, faces, NOWHERE, weights, margin=0.5), vertices)
    assert (expected[0, [1, 2, 4, 5], 0] != 0).all()
    # Along x a few roundings of each number itself; y's are 0 but for the rounding of the nearest point.
    np.testing.assert_allclose(actual[..., 0], expected[..., 0], rtol=1e-5)


def test_dropped_faces_have_zero_gradients_and_a_face_larger_than_the_screen_a_right_one(interpreted):
    nan, far = np.nan, 3.0
    vertices, faces = soup(
        [
            [[-0.2, -0.2], [nan, 0.1], [0.1, 0.3]],
            [[0.3, 0.3]] * 3,
            [[far, far], [far + 1, far], [far, far + 1]],
            [[-9.0, -8.0], [9.0, -8.0], [0.3, 0.4]],
            [[-0.8, 0.2], [-0.4, 0.2], [-0.6, 0.9]],
        ]
    )
    faces = faces.at[0, 2].set(77)  # no such vertex

    def loss(kernel):
        def of(vertices):
            face_id, barycentrics, depth = kernel.rasterize(vertices, faces, *SIZE, False, True)
            mask = kernel.silhouette(vertices, faces, face_id, 60.0, 0.2)
            return jnp.sum(normal(*SIZE, 3) * barycentrics) + jnp.sum(depth) + jnp.sum(normal(*SIZE) * mask)

        return of

    actual = np.asarray(gradient(loss(pallas), vertices))
    assert (actual[0, :9] == 0).all() and (actual[0, 9:] != 0).any(axis=-1).all()
    # The reference cannot be asked in float64 about the NaN: its own gradient is one there.
    alive = jnp.nan_to_num(vertices)
    faces = faces.at[0, 0].set(0)
    assert_close(actual, exact_gradient(loss(reference), alive))


def test_gradients_of_interpolation_equal_the_reference_s(scene, interpreted):
    _, faces = batched(scene)
    faces = faces % 7  # vertices of many faces
    face_id = reference.rasterize(*batched(scene), *SIZE, False, True)[0]
    channels = pallas_gradients.CHANNELS + 1  # so a second group
    operands = normal(2, 7, channels), normal(2, *SIZE, 3, seed=4)
    weights = normal(2, *SIZE, channels, seed=5)

    def loss(kernel):
        return lambda operands: jnp.sum(
            weights * kernel.interpolate(operands[0], faces, face_id, operands[1])
        )

    for actual, expected in zip(
        gradient(loss(pallas), operands), gradient(loss(reference), operands), strict=True
    ):
        assert_close(actual, expected)


@pytest.mark.parametrize("wraps", [("repeat", "clamp"), ("mirror", "repeat")])
def test_gradients_of_texture_samples_equal_the_reference_s(wraps):
    uv = 0.5 + normal(2, *SIZE, 2)  # many outside [0, 1]
    operands, weights = (normal(2, 5, 7, 3, seed=4), uv), normal(2, *SIZE, 3, seed=5)
    weights = weights * (uv[..., :1] > 0)  # half of the samples are not used at all

    def loss(kernel):
        return lambda operands: jnp.sum(weights * kernel.sample_texture(*operands, *wraps))

    for actual, expected in zip(
        gradient(loss(pallas), operands), gradient(loss(reference), operands), strict=True
    ):
        assert_close(actual, expected)


def test_ordered_sums_are_right_however_many_values_meet():
    rng = np.random.default_rng(1)
    index = rng.integers(-1, 9, (2, 150))  # -1 and 8 are out of range
    index[1, 30:130] = 3
    values = rng.normal(size=(2, 150, 2))
    expected = np.zeros((2, 8, 2))
    for item, n in np.argwhere((index >= 0) & (index < 8)):
        expected[item, index[item, n]] += values[item, n]
    values, index = jnp.asarray(values, jnp.float32), jnp.asarray(index, jnp.int32)
    actual = pallas_gradients.ordered_sum(values, index, 8)
    np.testing.assert_allclose(actual, expected, atol=1e-5)  # float32 sums of some 100 numbers
    alone = pallas_gradients.ordered_sum(values[:, :1], index[:, :1], 8)
    np.testing.assert_array_equal(alone[0].any(axis=-1), np.arange(8) == index[0, 0])


@pytest.mark.parametrize("blocks", [1, 4, 4096])
def test_blocks_that_share_a_face_s_box_walk_each_of_its_tiles_once(monkeypatch, blocks):
    monkeypatch.setattr(pallas_launch, "BLOCKS", blocks)
    boxes = jnp.array([[[0, 5, 0, 3], [2, 4, 1, 2], [3, 3, 0, 2], [9, 0, 9, 0]]])
    rows, columns = pallas_launch.TILE

    def body(refs, item, face, row, column, x, y, sums):
        return (sums[0] + 1, sums[1] + row.astype(jnp.float32))

    sums = pallas_launch.for_each_face(body, 2, boxes, [], 5 * rows - 3, 3 * columns - 1, True)
    pixels = rows * columns
    np.testing.assert_array_equal(sums[0], pixels * np.array([[15, 30], [2, 5], [0, 0], [0, 0]]))


def test_boxes_of_visible_faces_are_their_rows_and_columns_of_tiles():
    rows, columns = pallas_launch.TILE
    face_id = np.full((2, 3 * rows, 4 * columns + 1), -1, np.int32)
    face_id[0, rows - 1 : rows + 1, 5] = 2
    face_id[0, 2 * rows, columns : 4 * columns + 1] = 1
    face_id[0, 2 * rows, 2 * columns] = 0  # in front of face 1
    face_id[1] = 1
    boxes = np.asarray(pallas_launch.boxes_of_visible(jnp.asarray(face_id), 4))
    assert boxes[0, :3].tolist() == [[2, 3, 2, 3], [2, 3, 1, 5], [0, 2, 0, 1]]
    assert boxes[1, 1].tolist() == [0, 3, 0, 5]
    for item, face in ((0, 3), (1, 0), (1, 2)):
        assert boxes[item, face, 0] >= boxes[item, face, 1]  # invisible: nothing to walk


def everything(vertices, faces, size, perspective_correct=True):
    """A loss that passes through every kernel and every gradient."""
    face_id, barycentrics, depth = pallas.rasterize(vertices, faces, *size, False, perspective_correct)
    mask = pallas.silhouette(vertices, faces, face_id, 60.0, 0.2)
    values = pallas.interpolate(vertices, faces, face_id, barycentrics)
    colours = pallas.sample_texture(vertices[:, None], values[..., :2], "repeat", "clamp")
    return jnp.sum(colours * colours) + jnp.sum(depth) + jnp.sum(mask * mask)


def sharded(run):
    """`run` on two devices, its operands' first axes split."""
    mesh = jax.make_mesh((2,), ("data",), axis_types=(AxisType.Auto,))
    spec = PartitionSpec("data")
    return jax.shard_map(run, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False)


@pytest.mark.slow  # compiles every kernel three times
def test_vmap_and_shard_map_give_what_single_calls_give(scene, interpreted):
    vertices, faces = batched(scene)
    more = jnp.stack([vertices, vertices * jnp.array([1.1, 0.9, 1.0, 1.0])])
    alone = jax.jit(jax.grad(lambda v, f: everything(v, f, SIZE)))
    expected = [alone(v, faces) for v in more]
    mapped = jax.jit(jax.vmap(jax.grad(lambda v, f: everything(v, f, SIZE)), (0, None)))(more, faces)
    np.testing.assert_array_equal(mapped, expected)  # the same blocks, so the same bits
    # Fewer faces in a call, so perhaps more blocks to each and other partial sums.
    on_two = jax.jit(sharded(jax.grad(lambda v, f: everything(v, f, SIZE))))(vertices, faces)
    assert_close(on_two, expected[0])


def test_vmap_s_axis_joins_the_batch(interpreted):
    boxes = jnp.array([[[0, 1, 0, 1]], [[0, 2, 0, 1]]])

    def count(boxes, image):
        def body(refs, item, face, row, column, x, y, sums):
            return (sums[0] + refs[0][(item, *pallas_launch.window(row, column))],)

        return pallas_launch.for_each_face(body, 1, boxes, [image], 16, 16, True)

    image = jnp.broadcast_to(jnp.array([[1.0], [3.0]])[..., None], (2, 16, 16))
    pixels = pallas_launch.TILE_ROWS * pallas_launch.TILE_COLUMNS
    both = jax.vmap(count, (None, 0))(boxes, jnp.stack([image, 10 * image]))
    np.testing.assert_array_equal(both[..., 0, 0], pixels * np.array([[1, 6], [10, 60]]))
    nested = jax.vmap(jax.vmap(count, (0, None)), (None, 0))(boxes[None], jnp.stack([image, 10 * image]))
    np.testing.assert_array_equal(nested[:, 0], both)


def lowered_for_cuda(run, *operands):
    return jax.jit(run).trace(*operands).lower(lowering_platforms=("cuda",)).as_text()


@pytest.mark.parametrize("perspective_correct, size", [(True, (512, 384)), (False, SIZE)])
def test_every_kernel_lowers_for_cuda_and_no_gradient_is_scattered(scene, perspective_correct, size):
    vertices, faces = batched(scene)
    run = jax.value_and_grad(everything)
    text = lowered_for_cuda(lambda v: run(v, faces, size, perspective_correct), vertices)
    # Visibility and the mask; the gradients of fragments, mask and interpolation.
    assert text.count("custom_call @mosaic_gpu") == 5
    # Left are scatters of least and greatest tiles, the same in any order, and of each vertex's sum, once.
    scatters = [part.split("}) :")[0] for part in text.split('"stablehlo.scatter"')[1:]]
    assert scatters and not any("stablehlo.add" in scatter for scatter in scatters)


def test_every_kernel_lowers_for_cuda_inside_vmap_and_shard_map(scene):
    vertices, faces = batched(scene)
    run = sharded(jax.vmap(jax.grad(lambda v, f: everything(v, f, SIZE)), (1, None), 1))
    text = lowered_for_cuda(run, jnp.stack([vertices, vertices], axis=1), faces)
    assert text.count("custom_call @mosaic_gpu") == 5
