"""What covers a pixel, which face wins, and what is left out: the same for every implementation."""

from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rasterizer

PLAIN = np.array([[-0.8, -0.8], [0.8, -0.8], [0.0, 0.8]])  # counter-clockwise
FACE = np.array([[0, 1, 2]], np.int32)
WIDE = {"sigma_inverse": 60.0, "margin": 0.2}  # a band that a small image resolves
QUICK = {"xla_backend_optimization_level": 0}  # halves the time to compile
HEIGHT, WIDTH = 8, 16  # of `draw`
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH]
CENTRES = np.stack([(2 * COLUMNS + 1 - WIDTH) / WIDTH, (HEIGHT - 2 * ROWS - 1) / HEIGHT], axis=-1)

# The fixtures only choose the kernel: nothing to reset between examples.
steady = settings(
    deadline=None,
    derandomize=True,
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def clip(ndc, w=1.0):
    """NDC [... v 2] at depth w to clip coordinates."""
    ndc = np.asarray(ndc, np.float64)
    w = np.broadcast_to(np.asarray(w, np.float64), ndc.shape[:-1])[..., None]
    return np.concatenate([ndc * w, w, w], axis=-1).astype(np.float32)


def ball():
    """An icosahedron in clip coordinates, and its faces."""
    mesh, camera = rasterizer.icosphere(0), rasterizer.Camera(0.3, 0.4, 3.5, 0.6)
    vertices = rasterizer.transform(mesh.vertices, camera, HEIGHT, WIDTH)[0]
    return np.array(vertices), np.asarray(mesh.faces)


def covered_by_each(draw, vertices, faces):
    """How many faces that turn their front, and their back, cover each pixel; each drawn alone."""
    fronts, backs = [
        sum((draw(vertices, face[None], cull_backfaces=True, gradient=False).face_id == 0) for face in side)
        for side in (faces, faces[:, ::-1])
    ]
    return fronts, backs


def test_a_face_around_one_pixel_centre_covers_that_pixel_and_faces_between_centres_none(draw):
    around = 0.2 * np.array([[-1, -1], [1, -1], [0, 1.5]]) * [2 / WIDTH, 2 / HEIGHT]  # within 0.3 pixels
    pixels = [(0, 0), (0, 15), (7, 0), (7, 15), (2, 5), (6, 9)]
    corners = np.array([CENTRES[pixel] + around for pixel in pixels])
    faces = np.arange(18).reshape(6, 3)
    expected = np.full((HEIGHT, WIDTH), -1)
    for n, pixel in enumerate(pixels):
        expected[pixel] = n
    assert np.array_equal(draw(clip(corners.reshape(18, 2)), faces, gradient=False).face_id, expected)
    moved = corners + np.array([1 / WIDTH, 1 / HEIGHT])  # to the corners of the pixels
    assert (draw(clip(moved.reshape(18, 2)), faces, gradient=False).face_id == -1).all()


def test_pixels_on_edges_follow_the_top_left_rule(draw):
    # The square's sides run through the pixel centres of rows 1 and 4, columns 3 and 9.
    (left, top), (right, bottom) = CENTRES[1, 3], CENTRES[4, 9]
    square = np.array([[left, top], [left, bottom], [right, bottom], [right, top]])
    out = draw(clip(square), np.array([[0, 1, 2], [0, 2, 3]]), gradient=False)
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[1:4, 3:9] = True  # top and left sides belong to it, bottom and right do not
    assert np.array_equal(out.face_id >= 0, expected)


def test_a_closed_mesh_covers_each_pixel_of_its_outline_once_in_front_and_once_behind(draw):
    vertices, faces = ball()
    vertices[:, 0] -= 0.9 * vertices[:, 3]  # over the border of the image
    fronts, backs = covered_by_each(draw, vertices, faces)
    whole = draw(vertices, faces, gradient=False).face_id >= 0
    assert np.array_equal(fronts, whole) and np.array_equal(backs, whole) and 20 < whole.sum() < 90


# Corners at or half way between pixel centres, up to four pixels off the image, at depths that are
# powers of two: edges and corners hit centres, and there is no rounding to blame.
CORNER = st.tuples(
    st.integers(-8, 2 * WIDTH + 8), st.integers(-8, 2 * HEIGHT + 8), st.sampled_from([1, 2, 4])
)


@steady
@given(corners=st.lists(CORNER, min_size=6, max_size=6))
def test_no_pixel_on_shared_edges_is_lost_or_taken_twice(draw, corners):
    # However a closed surface is crumpled, as many of its faces leave a pixel as enter it.
    column, row, w = np.array(corners).T
    ndc = np.stack([(column + 1 - WIDTH) / WIDTH, (HEIGHT - row - 1) / HEIGHT], axis=-1)
    octahedron = [(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)]
    fronts, backs = covered_by_each(draw, clip(ndc, w), np.array(octahedron))
    assert np.array_equal(fronts, backs)


@steady
@given(seed=st.integers(0, 2**32 - 1))
def test_no_pixel_of_a_crumpled_mesh_is_lost_or_taken_twice_in_perspective(draw, seed):
    rng = np.random.default_rng(seed)
    vertices = clip(rng.uniform(-1.2, 1.2, (12, 2)), rng.uniform(0.5, 4, 12))
    fronts, backs = covered_by_each(draw, vertices, np.asarray(rasterizer.icosphere(0).faces))
    assert np.array_equal(fronts, backs)


@steady
@given(seed=st.integers(0, 2**32 - 1))
def test_the_lowest_id_wins_among_the_same_triangle_with_its_corners_in_any_order(draw, seed):
    rng = np.random.default_rng(seed)
    vertices = clip(rng.uniform(-1, 1, (3, 2)), rng.uniform(0.5, 4, 3))
    faces = np.array(list(permutations(range(3))))
    for n in range(2):  # two orders of the list: whichever comes first
        face_id = draw(vertices, np.roll(faces, n, axis=0), gradient=False).face_id
        assert set(np.unique(face_id)) <= {-1, 0}


def test_the_nearest_face_wins_whatever_its_place_in_the_list(draw):
    vertices = np.concatenate([clip(PLAIN, [1.3, 2.0, 1.7]), clip(PLAIN, 1.0)])
    faces = np.array([[0, 1, 2], [1, 2, 0], [3, 4, 5], [5, 3, 4], [4, 3, 5]])
    assert set(np.unique(draw(vertices, faces, gradient=False).face_id)) == {-1, 2}
    assert set(np.unique(draw(vertices, faces[::-1], gradient=False).face_id)) == {-1, 0}


@pytest.mark.parametrize("perspective_correct", [True, False])
def test_barycentrics_and_depth_reproduce_the_point_on_the_face(draw, perspective_correct):
    w = np.array([1.0, 2.5, 4.0])
    out = draw(clip(PLAIN, w), FACE, perspective_correct=perspective_correct, gradient=False)
    hit = out.face_id >= 0
    beta = out.barycentrics[hit]
    # float32 sums of numbers of order one: 2e-6 is some ten roundings.
    np.testing.assert_allclose(beta.sum(-1), 1, atol=2e-6)
    seen = beta @ (PLAIN * w[:, None]) / (beta @ w)[:, None] if perspective_correct else beta @ PLAIN
    np.testing.assert_allclose(seen, CENTRES[hit], atol=2e-6)
    np.testing.assert_allclose(out.depth[hit], _depth(CENTRES[hit], w), rtol=2e-6)
    assert not out.depth[~hit].any() and not out.barycentrics[~hit].any()


def _depth(pixels, w):
    """Of the plane through PLAIN's corners at depths w: its inverse is affine in NDC."""
    plane = np.linalg.solve(np.concatenate([PLAIN, np.ones((3, 1))], axis=1), 1 / w)
    return 1 / (pixels @ plane[:2] + plane[2])


def test_culling_drops_clockwise_faces_from_the_image_and_not_from_the_mask(draw):
    back = FACE[:, ::-1]
    assert (draw(clip(PLAIN), FACE, cull_backfaces=True, gradient=False).face_id == 0).sum() > 20
    culled, shown = (draw(clip(PLAIN), back, cull_backfaces=cull, gradient=False) for cull in (True, False))
    assert (culled.face_id == -1).all() and (shown.face_id == 0).sum() > 20
    outside = shown.face_id == -1
    assert np.array_equal(culled.mask[outside], shown.mask[outside]) and shown.mask[outside].max() > 0.3
    assert culled.mask[~outside].max() > 0.3  # its boundary still counts, now from inside as well
    vertices, closed = ball()
    assert np.array_equal(
        draw(vertices, closed, cull_backfaces=True, gradient=False).mask,
        draw(vertices, closed, gradient=False).mask,
    )


BAD_CORNERS = {
    "behind the camera": [0.0, 0.0, 0.0, -1.0],
    "nearer than the near plane": [0.0, 0.0, 0.0, 0.9e-4],
    "on the camera plane": [0.1, 0.1, 0.0, 0.0],
    "nan": [np.nan, 0.0, 0.0, 1.0],
    "infinite": [0.0, np.inf, 0.0, 1.0],
    "infinitely deep": [0.0, 0.0, 0.0, np.inf],
    "nan depth": [0.0, 0.0, 0.0, np.nan],
    "far outside": [1e30, 0.0, 0.0, 1.0],
}


def same_apart_from(bad_vertex, actual, expected):
    """Whether images and the other vertices' gradients are as if the bad vertex's faces were not there."""
    for name in ("face_id", "barycentrics", "depth", "mask"):
        np.testing.assert_array_equal(getattr(actual, name), getattr(expected, name), err_msg=name)
    assert np.array_equal(actual.gradient[bad_vertex], np.zeros(4))
    # The same terms may be summed in another order.
    scale = np.abs(expected.gradient).max()
    np.testing.assert_allclose(actual.gradient, expected.gradient, atol=1e-6 * scale)


@pytest.mark.parametrize("corner", BAD_CORNERS.values(), ids=BAD_CORNERS.keys())
def test_faces_with_an_unusable_corner_are_dropped_and_spoil_no_gradient(draw, corner):
    vertices = np.concatenate([clip(PLAIN, [1.0, 2.0, 3.0]), np.array([corner])])
    # In front of the good face, behind it in the list, and in an order of its own.
    faces = np.array([[0, 1, 3], [0, 1, 2], [3, 2, 1]])
    expected = draw(vertices[:3], np.array([[0, 0, 0], [0, 1, 2]]))
    assert set(np.unique(expected.face_id)) == {-1, 1} and np.abs(expected.gradient).max() > 0.1
    same_apart_from(3, draw(vertices, faces), expected)


@pytest.mark.parametrize("index", [-1, 32, 2**31 - 1, -(2**31)])
def test_inside_jit_faces_with_an_index_out_of_range_are_dropped(draw, index):
    vertices = clip(PLAIN, [1.0, 2.0, 3.0])
    faces = np.array([[0, 1, index], [0, 1, 2], [index, index, index]])
    same_apart_from(31, draw(vertices, faces), draw(vertices, np.array([[0, 0, 0], [0, 1, 2]])))


def test_inside_jit_attributes_with_an_index_out_of_range_are_zero(implementation):
    fragments = rasterizer.Fragments(
        np.array([[[-1, 0, 1, 2]]], np.int32), np.ones((1, 1, 4, 3), np.float32), np.ones((1, 1, 4))
    )

    @jax.jit
    def total(attributes, barycentrics, faces):
        out = fragments._replace(barycentrics=barycentrics)
        values = rasterizer.interpolate(attributes, faces, out, implementation=implementation)
        return jnp.sum(values), values[0, 0, :, 0]

    attributes = jnp.array([[1.0, 2.0, 4.0, np.nan]]).T  # and nobody uses the last
    faces = np.array([[0, 1, 2], [0, 1, 7], [-1, 1, 1]])
    found, values = jax.grad(total, argnums=(0, 1), has_aux=True)(attributes, fragments.barycentrics, faces)
    assert np.array_equal(values, [0, 7, 0, 0])
    assert np.array_equal(found[0][:, 0], [1, 1, 1, 0])
    assert np.array_equal(found[1][0, 0], [[0, 0, 0], [1, 2, 4], [0, 0, 0], [0, 0, 0]])


def test_a_pixel_on_the_boundary_of_two_faces_has_a_finite_mask_gradient(draw):
    # Lower and right edges leave pixels uncovered at distance 0, where 1 - p = 0 twice: dividing by it fails.
    (left, top), (right, bottom) = CENTRES[1, 3], CENTRES[4, 9]
    vertices = clip(np.array([[left, bottom], [right, bottom], [right, top]]))
    out = draw(vertices, np.array([[0, 1, 2], [2, 0, 1]]))
    assert (
        np.isfinite(out.gradient).all()
        and (out.face_id[1:5, 9] == -1).all()
        and (out.mask[1:5, 9] == 1).all()
    )


def test_moving_a_vertex_outward_grows_the_mask():
    @jax.jit
    def area(vertices):
        out = rasterizer.rasterize(vertices, FACE, 64, 64)
        return jnp.sum(rasterizer.silhouette(vertices, FACE, out))

    gradient = jax.grad(area)(clip([[[-0.5, -0.5], [0.5, -0.5], [0.0, 0.5]]]))[0]
    assert gradient[0, 0] < 0 and gradient[0, 1] < 0 and gradient[1, 0] > 0 and gradient[2, 1] > 0


def test_faces_of_no_area_are_never_seen_and_those_of_one_point_not_in_the_mask_either(draw):
    twice = np.concatenate([clip(PLAIN, [1.0, 2.0, 3.0]), clip(PLAIN[:1]), clip([[0.1, 0.2]])])
    expected = draw(twice, np.array([[0, 0, 0], [0, 1, 2]]))
    same_apart_from(4, draw(twice, np.array([[4, 4, 4], [0, 1, 2], [3, 3, 3]])), expected)
    segment = draw(twice, np.array([[0, 1, 3], [0, 1, 2]]))  # edge-on: a boundary, but nothing inside
    assert np.array_equal(segment.face_id, expected.face_id)
    assert np.array_equal(segment.depth, expected.depth) and np.isfinite(segment.gradient).all()


def test_a_mesh_larger_than_the_screen_fills_it(draw):
    vertices = clip(np.array([[-900.0, -700.0], [800.0, -900.0], [10.0, 1000.0]]), [1.0, 2.0, 1.5])
    out = draw(vertices, FACE)
    assert (out.face_id == 0).all() and (out.mask == 1).all() and np.isfinite(out.gradient).all()
    point = np.einsum("hwk,kc->hwc", out.barycentrics, vertices[:, [0, 1, 3]])
    # A pixel is a thousandth of the face: rounding grows by as much.
    np.testing.assert_allclose(point[..., :2] / point[..., 2:], CENTRES, atol=1e-3)


def test_nothing_to_draw_gives_an_empty_image(implementation):
    chosen = {"implementation": implementation}

    @jax.jit
    def run(vertices, faces):
        out = rasterizer.rasterize(vertices, faces, 5, 7, **chosen)
        mask = rasterizer.silhouette(vertices, faces, out, **chosen)
        return out, mask, rasterizer.interpolate(vertices, faces, out, **chosen)

    # No faces; neither faces nor vertices; faces that can only be out of range.
    for vertices, faces in (
        (clip(PLAIN)[None], FACE[:0]),
        (np.zeros((2, 0, 4), np.float32), FACE[:0]),
        (np.zeros((2, 0, 4), np.float32), FACE),
    ):
        out, mask, values = run(vertices, faces)
        assert out.face_id.shape == (len(vertices), 5, 7) and (np.asarray(out.face_id) == -1).all()
        for image in (out.barycentrics, out.depth, mask, values):
            assert image.shape[:3] == (len(vertices), 5, 7) and not np.asarray(image).any()


@pytest.mark.parametrize("size", [(1, 1), (19, 37)])
def test_images_of_any_size_agree_with_the_reference(scene, implementation, size):
    face_id, barycentrics, depth, mask = images_of(*scene, size, implementation)
    expected = images_of(*scene, size, "reference")
    # On the edges of faces a rounding decides; none of this scene's 1408 pixels is that near one.
    assert np.array_equal(face_id, expected[0]) and face_id.shape == (2, *size)
    np.testing.assert_allclose(barycentrics, expected[1], atol=2e-5)
    np.testing.assert_allclose(depth, expected[2], rtol=2e-5)
    np.testing.assert_allclose(mask, expected[3], atol=1e-5)  # twelve factors, each good to a rounding


def images_of(vertices, faces, size, implementation):
    def images(vertices, faces):
        out = rasterizer.rasterize(vertices, faces, *size, implementation=implementation)
        return *out, rasterizer.silhouette(vertices, faces, out, **WIDE, implementation=implementation)

    return [np.asarray(image) for image in jax.jit(images, compiler_options=QUICK)(vertices, faces)]


def test_a_face_that_float_rounding_alone_opens_gives_finite_numbers(implementation):
    """Its corners are on a line, but for their last bits; float cannot say where in it a pixel lies."""
    corners = [[-0.15000000596, -0.05000000075], [-0.34999999404, 0.15000000596], [-0.75, 0.55000001192]]
    clip = jnp.array([[[x, y, 0.0, 1.0] for x, y in corners]], jnp.float32)

    def total(clip):
        out = rasterizer.rasterize(clip, np.array([[0, 1, 2]]), 20, 20, implementation=implementation)
        return jnp.sum(out.barycentrics**2) + jnp.sum(out.depth), out

    gradient, out = jax.grad(total, has_aux=True)(clip)
    assert (
        np.isfinite(gradient).all() and np.isfinite(out.barycentrics).all() and np.isfinite(out.depth).all()
    )


def test_dropped_faces_have_no_say_in_the_normals_of_others():
    mesh = rasterizer.icosphere(1)
    vertices = jnp.concatenate([mesh.vertices, jnp.full((1, 3), jnp.nan)])[None]
    unusable = np.array([[0, 1, 42], [0, 1, 99], [0, -1, 2]], np.int32)

    @jax.jit  # where indices out of range are not refused but dropped
    def normals(vertices, faces):
        out = rasterizer.compute_vertex_normals(vertices, faces)
        return out, jax.grad(lambda v: jnp.sum(rasterizer.compute_vertex_normals(v, faces)[:, :42, 0]))(
            vertices
        )

    found, gradient = normals(vertices, np.concatenate([mesh.faces, unusable]))
    expected, expected_gradient = normals(vertices, np.asarray(mesh.faces))
    np.testing.assert_array_equal(found[:, :42], expected[:, :42])
    np.testing.assert_array_equal(gradient, expected_gradient)
    assert np.isfinite(gradient).all()
