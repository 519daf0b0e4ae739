"""Figures of novel views on surfaces whose errors are known in closed form."""

import numpy as np
import pytest

from ganverse_jax.evaluation import novel_views
from ganverse_jax.evaluation.geometry import Similarity, rotation_y
from ganverse_jax.evaluation.novel_views import novel_view_metrics, view_metrics
from ganverse_jax.scene.meshes import PredictedMeshes, render_views

SIZE, FOV = (32, 32), 0.6
FRONT = {"azimuth": np.zeros(1), "elevation": np.zeros(1), "distance": np.full(1, 4.0)}


def square(turn=0.0, colour=0.5):
    """A square that faces +z, turned about y, of one colour."""
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    texture = np.full((1, 2, 2, 3), colour, np.float32)
    vertices = (corners @ rotation_y(turn).T)[None].astype(np.float32)
    return PredictedMeshes(vertices, texture, faces, np.zeros((1, 2), np.float32), np.zeros_like(faces))


def front(meshes):
    return render_views(meshes, np.zeros(1, int), FRONT, SIZE, FOV)


def test_views_are_on_white_with_outward_unit_normals():
    seen = front(square(colour=0.25))
    assert seen.mask[0, 16, 16] == 1 and seen.mask[0, 0, 0] == 0
    np.testing.assert_allclose(seen.colour[0, [0, 16], [0, 16]], [[1.0] * 3, [0.25] * 3])
    np.testing.assert_array_equal(seen.normals[0, 0, 0], 0)
    # Barycentrics add up to 1 within single precision.
    np.testing.assert_allclose(seen.normals[0, 16, 16], [0, 0, 1], atol=1e-6)


def test_a_surface_turned_by_an_angle_has_that_normal_error():
    metrics = view_metrics(front(square(np.radians(25.0))), front(square()))
    # Single precision of the normals.
    assert metrics["normal_error_degrees"] == pytest.approx(25.0, abs=1e-3)
    assert metrics["texture_error"] == pytest.approx(0.0, abs=1e-6)
    assert metrics["novel_view_iou"] < 1


def test_a_recoloured_surface_has_that_texture_error():
    metrics = view_metrics(front(square(colour=0.35)), front(square(colour=0.5)))
    assert metrics["texture_error"] == pytest.approx(0.15, abs=1e-6)  # single precision
    assert metrics["normal_error_degrees"] == 0 and metrics["novel_view_iou"] == 1
    assert "perceptual_distance" not in metrics


def test_pixels_that_the_true_object_covers_in_part_do_not_count():
    true = front(square())
    # An edge mixed with the background: wrong in colour, and no surface of its own.
    mask, colour = true.mask.copy(), true.colour.copy()
    mask[0, 16, 10:13], colour[0, 16, 10:13] = 0.6, 1.0
    metrics = view_metrics(front(square()), true._replace(mask=mask, colour=colour))
    assert metrics["texture_error"] == 0


def test_views_without_a_common_pixel_count_as_wrong_as_can_be():
    nothing = front(square())._replace(mask=np.zeros((1, *SIZE), np.float32))
    metrics = view_metrics(nothing, front(square()))
    assert (metrics["normal_error_degrees"], metrics["texture_error"]) == (180.0, 1.0)


def test_the_perceptual_distance_is_the_mean_over_views_whatever_the_batches():
    views = [front(square(colour=level)) for level in (0.1, 0.2, 0.6)]
    stacked = type(views[0])(*(np.concatenate(leaves) for leaves in zip(*views, strict=True)))
    true = type(views[0])(*(np.repeat(leaf, 3, axis=0) for leaf in front(square(colour=0.5))))

    def mean_difference(image, rendered, mask):
        return (mask * abs(image - rendered)).sum() / mask.sum() / 3

    for batch in (2, 16):
        value = novel_views.perceptual_distance(mean_difference, stacked, true, batch)
        assert value == pytest.approx((0.4 + 0.3 + 0.1) / 3, abs=1e-6)  # single precision


def test_novel_views_are_compared_after_the_similarity():
    similarity, exact = Similarity(0.7, 1.3, (0.1, 0.0, -0.2)), square(0.4)
    predicted = exact._replace(vertices=similarity.invert(exact.vertices))

    def true_views(rows, cameras):
        return render_views(exact, rows, cameras, SIZE, FOV)

    metrics = novel_view_metrics(predicted, similarity, true_views, SIZE, FOV, views=3, distance=4.0)
    # There and back in single precision: a pixel of an edge may fall to the other side.
    assert metrics["novel_view_iou"] > 0.97 and metrics["normal_error_degrees"] < 0.01
