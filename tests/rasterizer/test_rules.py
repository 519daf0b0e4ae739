import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rasterizer

PLAIN = np.array([[-0.8, -0.8], [0.8, -0.8], [0.0, 0.8]])  # counter-clockwise
FACE = np.array([[0, 1, 2]], np.int32)


def clip(ndc, w=1.0):
    """NDC [... v 2] at depth w to clip coordinates."""
    ndc = np.asarray(ndc, np.float64)
    w = np.broadcast_to(np.asarray(w, np.float64), ndc.shape[:-1])[..., None]
    return jnp.asarray(np.concatenate([ndc * w, w, w], axis=-1), jnp.float32)


def covered(vertices, faces, height, width, **options):
    return np.asarray(rasterizer.rasterize(vertices, faces, height, width, **options).face_id) >= 0


def test_pixel_centres_rows_and_columns_follow_the_convention(implementation):
    # A small triangle in the upper left corner of a non-square image: low row, low column.
    vertices = clip(np.array([[[-0.95, 0.5], [-0.5, 0.5], [-0.95, 0.95]]]))
    out = covered(vertices, FACE, 8, 20, implementation=implementation)[0]
    rows, columns = np.nonzero(out)
    x, y = (2 * columns + 1 - 20) / 20, (8 - 2 * rows - 1) / 8
    assert len(rows) and (x < -0.5).all() and (y > 0.5).all()


def test_every_pixel_of_a_mesh_is_covered_exactly_once(implementation):
    # A jittered grid over the whole image, half of its points exactly on pixel centres or lines of
    # them, each face rasterized alone: the counts must be one everywhere.
    rng = np.random.default_rng(1)
    size, cells = 16, 4
    points = np.stack(np.meshgrid(*[np.linspace(-1.0625, 1.0625, cells + 1)] * 2), axis=-1)
    snapped = np.round((points * size + size - 1) / 2) * 2 / size - (size - 1) / size
    jitter = rng.uniform(-0.1, 0.1, points.shape) * rng.integers(0, 2, (*points.shape[:2], 1))
    points = snapped.copy()
    points[1:-1, 1:-1] += jitter[1:-1, 1:-1]
    corner = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([d, a, c], -1).reshape(-1, 3)])
    w = rng.uniform(1, 4, (cells + 1) ** 2)
    vertices = jnp.broadcast_to(clip(points.reshape(-1, 2), w), (len(faces), (cells + 1) ** 2, 4))
    alone = covered(vertices, faces[:, None].astype(np.int32), size, size, implementation=implementation)
    assert np.array_equal(alone.sum(axis=0), np.ones((size, size), int))


def test_pixels_on_edges_follow_the_top_left_rule(implementation):
    # Pixel centres of a 4x4 image lie at +-0.25 and +-0.75. The square's sides run through them.
    square = np.array([[[-0.75, 0.75], [-0.75, -0.75], [0.75, -0.75], [0.75, 0.75]]])
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    out = covered(clip(square), faces, 4, 4, implementation=implementation)[0]
    expected = np.zeros((4, 4), bool)
    expected[:3, :3] = True  # top and left sides belong to it, bottom and right do not
    assert np.array_equal(out, expected)


def test_the_nearest_face_wins_and_the_lowest_id_on_ties(implementation):
    near, far = clip(PLAIN, 1.0), clip(PLAIN, [1.3, 2.0, 1.7])
    vertices = jnp.concatenate([far, near])[None]
    faces = np.array([[0, 1, 2], [1, 2, 0], [3, 4, 5], [5, 3, 4], [4, 3, 5]], np.int32)
    both = rasterizer.rasterize(vertices, faces, 16, 16, implementation=implementation)
    assert set(np.unique(both.face_id)) == {-1, 2}
    only_far = rasterizer.rasterize(vertices, faces[:2][::-1], 16, 16, implementation=implementation)
    assert set(np.unique(only_far.face_id)) == {-1, 0}


def test_barycentrics_and_depth_reproduce_the_point_on_the_face(implementation):
    w = np.array([1.0, 2.5, 4.0])
    vertices = clip(PLAIN, w)[None]
    out = rasterizer.rasterize(vertices, FACE, 16, 16, implementation=implementation)
    affine = rasterizer.rasterize(
        vertices, FACE, 16, 16, perspective_correct=False, implementation=implementation
    )
    hit = np.asarray(out.face_id[0]) >= 0
    rows, columns = np.nonzero(hit)
    pixels = np.stack([(2 * columns + 1 - 16) / 16, (16 - 2 * rows - 1) / 16], -1)
    beta = np.asarray(out.barycentrics[0])[hit]
    # float32 sums of numbers of order one: 1e-6 is ten roundings.
    np.testing.assert_allclose(beta.sum(-1), 1, atol=1e-6)
    point = beta @ (PLAIN * w[:, None])
    np.testing.assert_allclose(out.depth[0][hit], beta @ w, rtol=2e-6)
    np.testing.assert_allclose(point / (beta @ w)[:, None], pixels, atol=2e-6)
    np.testing.assert_allclose(np.asarray(affine.barycentrics[0])[hit] @ PLAIN, pixels, atol=2e-6)
    np.testing.assert_allclose(affine.depth, out.depth, rtol=2e-6)


BAD_CORNERS = {
    "behind the camera": [0.0, 0.0, 0.0, -1.0],
    "on the camera plane": [0.1, 0.1, 0.0, 0.0],
    "nan": [np.nan, 0.0, 0.0, 1.0],
    "infinite": [0.0, np.inf, 0.0, 1.0],
    "nan depth": [0.0, 0.0, 0.0, np.nan],
    "far outside": [1e30, 0.0, 0.0, 1.0],
    "zero area": [-0.8, -0.8, 1.0, 1.0],
}


@pytest.mark.parametrize("corner", BAD_CORNERS.values(), ids=BAD_CORNERS.keys())
def test_unusable_faces_are_dropped_and_gradients_stay_finite(implementation, corner):
    good = clip(PLAIN, [1.0, 2.0, 3.0])
    vertices = jnp.concatenate([good, jnp.asarray([corner], jnp.float32)])[None]
    faces = np.array([[0, 1, 3], [0, 1, 2], [0, 0, 0]], np.int32)

    def total(vertices):
        out = rasterizer.rasterize(vertices, faces, 12, 12, implementation=implementation)
        mask = rasterizer.silhouette(vertices, faces, out, implementation=implementation)
        values = rasterizer.interpolate(vertices, faces, out, implementation=implementation)
        weights = jnp.arange(3.0)
        return jnp.sum(out.barycentrics * weights + out.depth[..., None]) + jnp.sum(mask) + jnp.sum(
            jnp.where(out.face_id[..., None] == 1, values, 0)
        ), out.face_id

    gradient, face_id = jax.jit(jax.grad(total, has_aux=True))(vertices)
    assert set(np.unique(face_id)) == {-1, 1}
    assert np.isfinite(gradient).all()


def test_no_faces_at_all_give_an_empty_image(implementation):
    none = np.zeros((0, 3), np.int32)
    vertices = clip(PLAIN)[None]
    out = rasterizer.rasterize(vertices, none, 5, 7, implementation=implementation)
    assert out.face_id.shape == (1, 5, 7) and (np.asarray(out.face_id) == -1).all()
    assert not np.asarray(out.barycentrics).any() and not np.asarray(out.depth).any()
    assert not np.asarray(rasterizer.silhouette(vertices, none, out, implementation=implementation)).any()
    assert not np.asarray(rasterizer.interpolate(vertices, none, out, implementation=implementation)).any()


def test_culling_drops_clockwise_faces(implementation):
    vertices = clip(PLAIN)[None]
    options = {"cull_backfaces": True, "implementation": implementation}
    assert covered(vertices, FACE, 8, 8, **options).any()
    assert not covered(vertices, FACE[:, ::-1], 8, 8, **options).any()
    assert covered(vertices, FACE[:, ::-1], 8, 8, implementation=implementation).any()


def test_face_lists_may_differ_per_item(scene, implementation):
    vertices, faces = scene
    per_item = np.stack([faces, faces[::-1]])
    shared = rasterizer.rasterize(vertices, faces, 20, 28, implementation=implementation)
    out = rasterizer.rasterize(vertices, per_item, 20, 28, implementation=implementation)
    assert np.array_equal(out.face_id[0], shared.face_id[0])
    flipped = np.where(np.asarray(shared.face_id[1]) < 0, -1, 11 - np.asarray(shared.face_id[1]))
    assert np.array_equal(out.face_id[1], flipped)


@pytest.mark.slow  # the golden files hold the kernels to one truth in the fast suite
def test_implementations_agree_with_the_reference(scene, implementation):
    vertices, faces = scene
    expected = rasterizer.rasterize(vertices, faces, 30, 44, implementation="reference")
    out = rasterizer.rasterize(vertices, faces, 30, 44, implementation=implementation)
    same = np.asarray(out.face_id == expected.face_id)
    assert same.mean() > 0.998  # a pixel within a rounding of an edge or of a crossing may differ
    np.testing.assert_allclose(out.barycentrics[same], expected.barycentrics[same], atol=2e-5)


def test_vmap_and_jit_change_nothing(scene, implementation):
    vertices, faces = scene
    stacked = jnp.stack([vertices, vertices[::-1] * 1.1])

    def run(vertices):
        out = rasterizer.rasterize(vertices, faces, 16, 24, implementation=implementation)
        mask = rasterizer.silhouette(vertices, faces, out, implementation=implementation)
        return out.depth, mask, rasterizer.interpolate(vertices, faces, out, implementation=implementation)

    def loss(vertices):
        return sum(jnp.sum(x * x) for x in run(vertices))

    mapped = jax.jit(jax.vmap(jax.value_and_grad(loss)))(stacked)
    single = [jax.jit(jax.value_and_grad(loss))(item) for item in stacked]
    for n in range(2):
        np.testing.assert_allclose(mapped[0][n], single[n][0], rtol=1e-5)  # sums of 3000 floats
        scale = np.abs(single[n][1]).max()
        np.testing.assert_allclose(mapped[1][n], single[n][1], atol=1e-5 * scale)


def test_wrong_input_is_refused_with_the_value_and_the_remedy():
    vertices = clip(PLAIN)[None]
    with pytest.raises(ValueError, match=r"0\.\.3 but there are 3 vertices"):
        rasterizer.rasterize(vertices, np.array([[0, 1, 3]]), 4, 4)
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
