"""Camera metrics: conventions of the rasterizer, known rotations, one offset for all."""

import numpy as np
import pytest

import rasterizer
from ganverse_jax.evaluation import cameras as metrics


@pytest.fixture
def angles():
    generator = np.random.default_rng(0)
    return generator.uniform(-np.pi, np.pi, 50), generator.uniform(-0.5, 1.0, 50)


def test_camera_rotation_is_the_rasterizers(angles):
    azimuth, elevation = angles
    camera = rasterizer.Camera(azimuth, elevation, np.full(50, 4.0), np.full(50, 0.5))
    world_to_camera = np.asarray(camera.view_matrix())[:, :3, :3]
    rotation = metrics.camera_rotation(azimuth, elevation)
    # float32 in the rasterizer.
    np.testing.assert_allclose(rotation.swapaxes(-1, -2), world_to_camera, atol=1e-6)


def test_alignment_recovers_a_known_offset_through_noise(angles):
    true, _ = angles
    noise = np.random.default_rng(1).normal(0, np.radians(3), 50)
    predicted = true - np.radians(37.0) + noise
    # 3 degrees of noise over 50 views: standard error 0.42 degrees; three of them.
    assert abs(np.degrees(metrics.fit_azimuth_offset(predicted, true)) - 37.0) < 1.3


def test_alignment_is_circular():
    true, predicted = np.radians([179.0, -179.0]), np.radians([-179.0, -177.0])
    np.testing.assert_allclose(np.degrees(metrics.fit_azimuth_offset(predicted, true)), -2.0, atol=1e-9)


def test_geodesic_of_an_azimuth_step_at_the_horizon_is_the_step():
    a = metrics.camera_rotation(np.radians([10.0, 350.0]), np.zeros(2))
    b = metrics.camera_rotation(np.radians([10.001, 20.0]), np.zeros(2))
    # The first is small: arccos of a trace would lose it; 1e-9 is double rounding.
    np.testing.assert_allclose(metrics.geodesic_degrees(a, b), [0.001, 30.0], atol=1e-9)


def test_quaternions_give_back_their_rotation(angles):
    rotation = metrics.camera_rotation(*angles)
    w, x, y, z = np.moveaxis(metrics.quaternion(rotation), -1, 0)
    back = np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], -1)
    np.testing.assert_allclose(back, rotation[..., 2], atol=1e-12)
    assert (w >= 0).all()


def test_axis_and_angle_of_two_turns_about_the_same_axis():
    a, b = metrics.camera_rotation(np.radians([30.0]), 0.0), metrics.camera_rotation(np.radians([50.0]), 0.0)
    axis, angle = metrics.axis_angle_differences(a, b)
    np.testing.assert_allclose(axis, 0, atol=1e-6)
    np.testing.assert_allclose(angle, 20, atol=1e-9)


def test_axis_is_continuous_across_half_a_turn():
    a, b = (
        metrics.camera_rotation(np.radians([179.0]), 0.0),
        metrics.camera_rotation(np.radians([181.0]), 0.0),
    )
    axis, angle = metrics.axis_angle_differences(a, b)
    np.testing.assert_allclose(axis, 0, atol=1e-6)
    np.testing.assert_allclose(angle, 2, atol=1e-9)


def test_a_rotation_by_nothing_has_no_axis():
    axis, angle = metrics.axis_angle_differences(
        np.eye(3)[None], metrics.camera_rotation(np.radians([5.0]), 0.0)
    )
    assert np.isnan(axis).all()
    np.testing.assert_allclose(angle, 5, atol=1e-9)


def test_equal_cameras_have_no_error_once_the_offset_is_given(angles):
    azimuth, elevation = angles
    errors = metrics.camera_errors(
        {"azimuth": azimuth - 0.4, "elevation": elevation}, {"azimuth": azimuth, "elevation": elevation}, 0.4
    )
    assert all(value < 1e-5 for value in errors.values())


def test_elevation_errors_are_not_hidden_by_the_offset(angles):
    azimuth, elevation = angles
    errors = metrics.camera_errors(
        {"azimuth": azimuth, "elevation": elevation + np.radians(3)},
        {"azimuth": azimuth, "elevation": elevation},
    )
    np.testing.assert_allclose(errors["camera_rotation_mean_degrees"], 3, atol=1e-9)
    np.testing.assert_allclose(errors["camera_azimuth_max_degrees"], 0, atol=1e-9)


def test_circular_median_ignores_an_outlier_across_the_seam():
    angles = np.radians([178.0, -179.0, 179.0, 20.0, 180.0])
    assert abs(np.degrees(metrics.wrap_angle(metrics.circular_median(angles) - np.pi))) < 1.5
    assert metrics.circular_median(np.zeros(0)) is None


def test_one_stray_reading_does_not_move_the_circular_median():
    assert metrics.circular_median(np.radians([40.0, 41.0, 42.0, 43.0, 130.0])) == np.radians(42.0)


def test_regressor_errors_are_taken_after_an_offset_fitted_on_validation_images():
    cameras = {"azimuth": np.radians([0.0, 90.0]), "elevation": np.radians([5.0, 10.0])}
    view = np.array([0, 1, 0, 1])
    azimuth, elevation = np.radians([20.0, 110.0, 20.0, 110.0]), np.radians([5.0, 13.0, 5.0, 13.0])
    shifted = azimuth + np.radians([0.0, 4.0, 0.0, 4.0])
    errors = metrics.regressor_errors(
        cameras, {"validation": (view, azimuth, elevation), "test": (view, shifted, elevation)}
    )
    # The offset is 20 degrees; view 1 then reads 4 degrees off in azimuth and 3 in elevation.
    assert errors["regressor_azimuth_max_degrees"] == pytest.approx(4.0)
    assert errors["regressor_azimuth_mean_degrees"] == pytest.approx(2.0)
    assert errors["regressor_elevation_max_degrees"] == pytest.approx(3.0)


def test_one_offset_between_two_frames_is_no_error():
    true = np.array([0.1, 2.0, 6.2])
    # The offset is found by a mean of unit vectors in float64.
    np.testing.assert_allclose(metrics.azimuth_errors(true + 3.0, true), 0.0, atol=1e-9)
    assert metrics.azimuth_errors(true + [0.2, -0.2, 0.0], true).max() > 10


def test_commanded_cameras_are_missed_by_what_is_left_after_one_offset():
    azimuth, elevation = metrics.commanded_cameras().T
    turned, lifted = azimuth + 2.0, elevation + 0.1
    figures = metrics.commanded_errors((turned, lifted), azimuth, elevation)
    # Rounding of float64 sums.
    assert figures["azimuth_error"] < 1e-9 and figures["elevation_error"] < 1e-9
    assert figures["azimuth_within_15"] == 1
    flat = metrics.commanded_errors((turned, np.full_like(elevation, 0.2)), azimuth, elevation)
    # Elevations of 3, 12 and 20 degrees about their mean.
    assert flat["elevation_error"] == pytest.approx(np.mean([8.667, 0.333, 8.333]), abs=1e-3)
