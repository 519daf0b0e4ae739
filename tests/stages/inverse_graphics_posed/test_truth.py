"""Truth of the toy world as views: the renders, the normals and the exact meshes belong together."""

import numpy as np

from ganverse_jax.classes.car.toy.world import ToyCars
from ganverse_jax.evaluation.geometry import Similarity, join_parts, volumetric_iou
from ganverse_jax.evaluation.novel_views import novel_cameras, view_metrics
from ganverse_jax.stages.inverse_graphics_posed.truth import (
    exact_meshes,
    solids_of,
    true_views,
    truth_figures,
)

OBJECTS = np.array([0, 3])


def test_exact_meshes_are_the_worlds_solids():
    world = ToyCars(32, supersample=1)
    meshes = exact_meshes(world, OBJECTS)
    for vertices, parts in zip(meshes.vertices, solids_of(world, OBJECTS), strict=True):
        assert volumetric_iou(vertices, meshes.faces, *join_parts(parts)) == 1


def test_true_views_agree_with_themselves_and_face_the_camera():
    world = ToyCars(32, supersample=2)
    rows, cameras = np.array([0, 1, 1]), novel_cameras(3, world.distance)
    views = true_views(world, OBJECTS)(rows, cameras)
    metrics = view_metrics(views, views)
    assert metrics == {"novel_view_iou": 1.0, "normal_error_degrees": 0.0, "texture_error": 0.0}
    angles = cameras["azimuth"], cameras["elevation"]
    towards = np.stack(
        [np.sin(angles[0]) * np.cos(angles[1]), np.sin(angles[1]), np.cos(angles[0]) * np.cos(angles[1])], -1
    )
    facing = np.einsum("mhwc,mc->mhw", views.normals, towards)[views.mask == 1]
    # Seen faces look at the camera; perspective bends the line of sight by up to half the field of view.
    assert facing.min() > -np.sin(np.radians(15.0))


def test_exact_surfaces_have_no_normal_error_and_white_paint_has_the_cars_distance_from_white():
    world = ToyCars(32, supersample=2)
    figures = truth_figures(exact_meshes(world, OBJECTS), Similarity(), world, OBJECTS)
    assert figures["normal_error_degrees"] < 1e-3  # single precision
    assert figures["volumetric_iou"] == 1
    rows, cameras = np.repeat([0, 1], 4), novel_cameras(8, world.distance)
    views = true_views(world, OBJECTS)(rows, cameras)
    inside = views.mask == 1
    expected = [1 - colour[where].mean() for colour, where in zip(views.colour, inside, strict=True)]
    # The exact car covers every pixel that counts, at 32 pixels and two samples each way.
    assert abs(figures["texture_error"] - np.mean(expected)) < 1e-3
