"""Named points of toy horses: on the horse in every pose, hidden where it is in the way."""

import numpy as np
import pytest

from ganverse_jax import classes
from ganverse_jax.classes.horse.toy.keypoints import SPOTS
from ganverse_jax.classes.horse.toy.world import ToyHorses

HORSE = classes.get("horse").keypoints


@pytest.fixture(scope="module")
def world():
    return ToyHorses(64, supersample=1)


def camera(*azimuth_degrees, elevation_degrees=15.0):
    azimuth = np.radians(azimuth_degrees)
    elevation = np.full_like(azimuth, np.radians(elevation_degrees))
    return {"azimuth": azimuth, "elevation": elevation, "distance": np.full_like(azimuth, 4.2)}


def test_every_point_of_the_list_has_its_place_and_its_mirror_image_on_a_horse_that_stands_square():
    still = ToyHorses(64, pose="frozen")
    for index in range(6):
        points = SPOTS.locate(still.surfaces([index])[0][0], HORSE)
        left, right = np.array(classes.get("horse").mirror_pairs).T
        assert (points[left, 0] > 0.03).all()
        # Lofts are symmetric, in float32.
        np.testing.assert_allclose(points[left] * [-1, 1, 1], points[right], atol=1e-5)
        nose, tail = points[HORSE.index("nose")], points[HORSE.index("tail root")]
        assert nose[2] > 0.4 and tail[2] < -0.4
        assert points[HORSE.index("left hind hoof"), 1] < points[HORSE.index("left hock"), 1]


def test_points_go_where_the_pose_takes_them():
    free, still = (ToyHorses(64, pose=pose) for pose in ("free", "frozen"))
    names = ["withers", "nose", "left front hoof"]
    moved = np.array([
        [SPOTS.locate(world.surfaces([index])[0][0], names) for index in range(24)] for world in (free, still)
    ])  # fmt: skip
    # Seen from the withers, since either horse is centred by its own box.
    paths = moved[:, :, 1:] - moved[:, :, :1]
    assert (np.linalg.norm(paths[0] - paths[1], axis=-1).mean(axis=0) > 0.1).all()
    # The withers' own distance to ears and hooves is the horse's, the nose's is the pose's.
    assert np.std(paths[0, :, 0, 1]) > 2 * np.std(paths[1, :, 0, 1])


def test_legs_are_seen_from_their_own_side(world):
    sides = world.click_keypoints(3, HORSE, camera(90.0, 270.0)).visible
    for spot in ("elbow", "stifle", "eye"):
        assert sides[:, HORSE.index(f"left {spot}")].tolist() == [True, False]
        assert sides[:, HORSE.index(f"right {spot}")].tolist() == [False, True]


def test_the_nose_is_seen_from_the_front_and_the_tail_root_is_not():
    ends = ToyHorses(64, pose="frozen").click_keypoints(3, HORSE, camera(0.0, 180.0)).visible
    assert ends[:, HORSE.index("nose")].tolist() == [True, False]
    assert not ends[0, HORSE.index("tail root")]


def test_visible_points_lie_on_the_horse_and_enough_are_seen_from_everywhere(world):
    cameras = camera(*range(0, 360, 15))
    clicks = world.click_keypoints(1, HORSE, cameras)
    assert clicks.visible.sum(axis=1).min() >= 5
    # An ear's tip is thinner than a pixel: many samples.
    drawn = ToyHorses(64, supersample=8).render_object([1] * 24, cameras["azimuth"], cameras["elevation"])
    drawn = drawn["mask"] > 0
    view, point = np.nonzero(clicks.visible)
    x, y = clicks.points[view, point].astype(int).T
    # Points on the rim may fall into the pixel beside the horse's last one.
    grown = np.pad(drawn, ((0, 0), (1, 1), (1, 1)))
    assert np.any([grown[view, y + i, x + j] for i in range(3) for j in range(3)], axis=0).all()


def test_a_name_no_horse_has_is_refused(world):
    with pytest.raises(ValueError, match="no keypoint 'left headlight'"):
        SPOTS.locate(world.surfaces([0])[0][0], ["left headlight"])
