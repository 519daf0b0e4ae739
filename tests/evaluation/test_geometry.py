"""Geometry metrics on shapes whose values are known."""

import numpy as np
import pytest

import rasterizer
from ganverse_jax.evaluation import geometry


def box(center=(0, 0, 0), half=(0.5, 0.5, 0.5)):
    """A closed box with outward faces."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    faces = [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
             [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]  # fmt: skip
    return corners * np.asarray(half) + np.asarray(center), np.array(faces)


@pytest.fixture(scope="module")
def sphere():
    mesh = rasterizer.icosphere(3)
    return np.asarray(mesh.vertices, float), np.asarray(mesh.faces)


def test_surface_points_are_uniform_over_area():
    vertices, faces = box(half=(2.0, 0.5, 0.5))
    points = geometry.sample_surface(vertices, faces, 20000)
    on_ends = (np.abs(np.abs(points[:, 0]) - 2.0) < 1e-9).mean()
    # The two ends are 2 of 18 units of area; 4 standard errors of 20000 draws are 0.009.
    assert abs(on_ends - 2 / 18) < 0.009


def test_a_mesh_without_area_is_refused():
    with pytest.raises(ValueError, match="area 0"):
        geometry.sample_surface(np.zeros((3, 3)), np.array([[0, 1, 2]]), 5)


def test_chamfer_of_identical_points_is_zero_and_f_score_one(sphere):
    points = geometry.sample_surface(*sphere, 500)
    assert geometry.chamfer(points, points) == 0
    assert geometry.f_score(points, points, 1e-9) == 1


def test_chamfer_of_two_points_is_their_distance():
    a, b = np.zeros((1, 3)), np.array([[3.0, 4.0, 0.0]])
    assert geometry.chamfer(a, b) == 5
    assert geometry.f_score(a, b, 4.9) == 0


def test_f_score_is_the_harmonic_mean_of_precision_and_recall():
    a, b = np.array([[0.0, 0, 0]]), np.array([[0.0, 0, 0], [9, 0, 0], [9, 9, 0]])
    assert geometry.f_score(a, b, 0.1) == pytest.approx(2 * 1 * (1 / 3) / (1 + 1 / 3))


def test_volumetric_iou_of_boxes_shifted_by_half_is_a_third():
    a, b = box(), box(center=(0.5, 0, 0))
    # Cells of 1/48 of 1.5: the faces fall on cell borders up to one layer in 16.
    assert geometry.volumetric_iou(*a, *b) == pytest.approx(1 / 3, abs=0.03)
    assert geometry.volumetric_iou(*a, *a) == 1


def test_volume_of_a_sphere_by_occupancy(sphere):
    inside = geometry.occupancy(*sphere, [-1, -1, -1], [1, 1, 1], 40)
    # Of the circumscribed cube pi/6; the icosphere itself is 1 % smaller, cells add 1 %.
    assert inside.mean() == pytest.approx(np.pi / 6, rel=0.025)


def test_occupancy_agrees_with_the_winding_number(sphere):
    vertices, faces = sphere[0] * [0.9, 0.5, 0.7] + [0.05, 0.1, 0.0], sphere[1]
    grid = (np.arange(8) + 0.5) / 4 - 1
    points = np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), -1).reshape(-1, 3)
    inside = geometry.occupancy(vertices, faces, [-1] * 3, [1] * 3, 8).reshape(-1)
    np.testing.assert_array_equal(inside, geometry.winding_number(vertices, faces, points) > 0.5)


def test_overlapping_parts_unite():
    joined = geometry.join_parts([box(), box(center=(0.5, 0, 0))])
    whole = box(center=(0.25, 0, 0), half=(0.75, 0.5, 0.5))
    assert geometry.volumetric_iou(*joined, *whole) == 1


def test_an_inside_out_mesh_holds_nothing():
    vertices, faces = box()
    assert not geometry.occupancy(vertices, faces[:, ::-1], [-1] * 3, [1] * 3, 10).any()


def test_inner_surfaces_of_a_solid_are_not_sampled():
    parts = [box(), box(center=(0.5, 0, 0), half=(0.5, 0.25, 0.25))]
    points = geometry.sample_solid(parts, 4000)
    inner = (np.abs(points[:, 0]) < 0.49) & (np.abs(points[:, 1:]) < 0.45).all(axis=1)
    assert not inner.any()
    assert len(points) == 4000


def test_rotation_y_adds_to_the_azimuth():
    np.testing.assert_allclose(geometry.rotation_y(np.pi / 2) @ [0, 0, 1], [1, 0, 0], atol=1e-12)


def test_one_similarity_is_recovered_from_several_objects(sphere):
    generator = np.random.default_rng(0)
    true = geometry.Similarity(0.3, 1.15, (0.05, -0.08, 0.1))
    clouds = [sphere[0] * generator.uniform([0.4, 0.3, 0.8], [0.6, 0.4, 1.0]) for _ in range(3)]
    fitted = geometry.fit_similarity(clouds, [true.apply(cloud) for cloud in clouds], azimuth=0.3)
    # The clouds are exact copies, so moments meet at once and ICP stays: rounding only.
    assert fitted.scale == pytest.approx(true.scale, abs=1e-9)
    np.testing.assert_allclose(fitted.translation, true.translation, atol=1e-9)


@pytest.mark.parametrize("degrees", [3.0, 100.0, -170.0])
def test_an_azimuth_offset_is_found_from_surfaces_alone(sphere, degrees):
    generator = np.random.default_rng(0)
    true = geometry.Similarity(np.radians(degrees), 1.1, (0.05, 0.0, 0.1))
    clouds = []
    for _ in range(3):  # longer than wide, and lower in front than behind, as cars are
        cloud = sphere[0] * generator.uniform([0.4, 0.3, 0.8], [0.5, 0.4, 1.0])
        cloud[:, 1] -= 0.15 * (cloud[:, 2] > 0.3)
        clouds.append(generator.permutation(cloud)[:300])
    found = geometry.find_azimuth(clouds, [true.apply(cloud) for cloud in clouds])
    # The clouds are copies, so the least distance is at the true offset; sought to 0.001 radians.
    assert abs(np.degrees(found) - degrees) < 0.2


def test_a_similarity_is_inverted():
    similarity = geometry.Similarity(0.7, 1.3, (0.1, 0.2, -0.3))
    points = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_allclose(similarity.invert(similarity.apply(points)), points, atol=1e-12)
