"""Named points of toy cars: symmetric, on the picture of the car, hidden where the car is in the way."""

import numpy as np
import pytest

import rasterizer
from ganverse_jax import classes
from ganverse_jax.classes.car.toy.keypoints import locate
from ganverse_jax.classes.car.toy.world import ToyCars

CAR = classes.get("car").keypoints


@pytest.fixture(scope="module")
def world():
    return ToyCars(64, supersample=1)


def camera(*azimuth_degrees, elevation_degrees=15.0):
    azimuth = np.radians(azimuth_degrees)
    elevation = np.full_like(azimuth, np.radians(elevation_degrees))
    return {"azimuth": azimuth, "elevation": elevation, "distance": np.full_like(azimuth, 4.2)}


def test_every_point_of_the_list_has_its_place_on_every_car(world):
    for index in range(6):
        points = locate(world.surfaces([index])[0][0], CAR)
        left, right = np.array(classes.get("car").mirror_pairs).T
        assert (points[left, 0] > 0.05).all()
        # Cars are built symmetric, in float32.
        np.testing.assert_allclose(points[left] * [-1, 1, 1], points[right], atol=1e-6)
        front, rear = (points[CAR.index(f"left {end}light"), 2] for end in ("head", "tail "))
        assert front > 0.6 and rear < -0.6


def test_wheels_are_seen_from_their_own_side_only(world):
    sides = world.click_keypoints(3, CAR, camera(90.0, 270.0)).visible
    for end in ("front", "rear"):
        assert sides[:, CAR.index(f"left {end} wheel centre")].tolist() == [True, False]
        assert sides[:, CAR.index(f"right {end} wheel centre")].tolist() == [False, True]


def test_lamps_are_seen_from_their_own_end_only(world):
    ends = world.click_keypoints(3, CAR, camera(0.0, 180.0)).visible
    assert ends[:, CAR.index("left headlight")].tolist() == [True, False]
    assert ends[:, CAR.index("right tail light")].tolist() == [False, True]


def test_visible_points_lie_on_the_car_and_enough_are_seen_from_everywhere(world):
    cameras = camera(*range(0, 360, 15))
    clicks = world.click_keypoints(1, CAR, cameras)
    assert clicks.visible.sum(axis=1).min() >= 5
    (vertices, faces), view = world.surfaces([1]), rasterizer.Camera(*cameras.values(), np.radians(30.0))
    clip = rasterizer.transform(vertices, view, 64, 64)
    mask = np.asarray(rasterizer.rasterize(clip, faces, 64, 64).face_id) >= 0
    view, point = np.nonzero(clicks.visible)
    x, y = clicks.points[view, point].astype(int).T
    # Points on the rim may fall into the pixel beside the car's last one.
    grown = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    assert np.any([grown[view, y + i, x + j] for i in range(3) for j in range(3)], axis=0).all()


def test_noise_has_its_deviation_and_stays_in_the_picture(world):
    cameras = camera(*range(0, 360, 15))
    exact, noisy = (world.click_keypoints(0, CAR, cameras, noise_pixels=n) for n in (0.0, 2.0))
    # 960 draws: the deviation's own error is 2.3 %.
    assert np.std(noisy.points - exact.points) == pytest.approx(2.0, rel=0.1)
    wild = world.click_keypoints(0, CAR, cameras, noise_pixels=1000.0).points
    assert wild.min() >= 0 and wild.max() <= 64


def test_a_name_no_car_has_is_refused(world):
    with pytest.raises(ValueError, match="no keypoint 'left ear tip'"):
        locate(world.surfaces([0])[0][0], ["left ear tip"])
