"""Cameras from clicked points: a synthetic symmetric object seen from known cameras."""

import numpy as np
import pytest

from ganverse_jax.evaluation.cameras import camera_errors, wrap_angle
from ganverse_jax.scene.keypoint_cameras import solve_cameras

SIZE, FOV, DISTANCE = (192, 256), float(np.radians(30)), 4.2
PAIRS = tuple((2 * i, 2 * i + 1) for i in range(8))


def by_hand(points, azimuth, elevation, distance):
    """Pixels [k n 2] by DESIGN.md's conventions, independent of the rasterizer's matrices."""
    height, width = SIZE
    back = np.stack(
        [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)], -1
    )
    right = np.stack([np.cos(azimuth), 0 * azimuth, -np.sin(azimuth)], -1)
    depth = distance[:, None] - back @ points.T
    focal = height / 2 / np.tan(FOV / 2)
    x = width / 2 + focal * (right @ points.T) / depth
    return np.stack([x, height / 2 - focal * (np.cross(back, right) @ points.T) / depth], -1)


class Synthetic:
    """16 points in left-right pairs, 12 views, pixel noise and occlusions."""

    def __init__(self, noise=0.0, hidden=0.0, views=12, seed=0):
        draw = np.random.default_rng(seed)
        left = draw.uniform([0.1, -0.35, -0.8], [0.45, 0.35, 0.8], (8, 3))
        self.points3d = np.stack([left, left * [-1, 1, 1]], 1).reshape(-1, 3)
        self.cameras = {
            "azimuth": (np.arange(views) + draw.uniform(0, 1, views)) * 2 * np.pi / views,
            "elevation": draw.uniform(0, np.pi / 6, views),
            "distance": DISTANCE * (1 + 0.04 * draw.uniform(-1, 1, views)),
        }
        self.points = by_hand(self.points3d, **self.cameras)
        self.points += noise * draw.normal(size=self.points.shape)
        self.visible = draw.uniform(size=self.points.shape[:2]) >= hidden
        self.bins = np.round(self.cameras["azimuth"] / (np.pi / 6)).astype(int) % 12

    def solve(self, bins=True, pairs=PAIRS, **changes):
        settings = {"size": SIZE, "fov_y": FOV, "distance": self.cameras["distance"].mean()}
        settings |= {"azimuth_bins": self.bins if bins else None, "mirror_pairs": pairs}
        return solve_cameras(self.points, self.visible, **settings | changes)

    def errors(self, solved):
        return camera_errors(solved.cameras, self.cameras)


@pytest.mark.parametrize("bins", [True, False], ids=["from_bins", "from_nothing"])
def test_clean_points_give_cameras_and_points_exactly(bins):
    world = Synthetic(hidden=0.3)
    solved = world.solve(bins)
    # The solver stops at relative steps of 1e-8; a wrong convention or minimum is off by degrees.
    assert world.errors(solved)["camera_rotation_max_degrees"] < 1e-3
    np.testing.assert_allclose(solved.cameras["distance"], world.cameras["distance"], rtol=1e-4)
    np.testing.assert_allclose(solved.points3d, world.points3d, atol=1e-4)
    assert solved.rms_pixels < 1e-3 and solved.problems == ()
    assert np.isnan(solved.residuals[~world.visible]).all()


def test_a_pixel_of_noise_and_hidden_points_cost_a_degree():
    world = Synthetic(noise=1.0, hidden=0.3)
    solved = world.solve()
    # One pixel is 1/190 of the picture, about 0.5 degrees at the object's rim; 11 points a view average it.
    assert world.errors(solved)["camera_rotation_mean_degrees"] < 1.0
    # 2-D noise has root mean square sqrt 2; the fitted unknowns take up a sixth of it.
    assert 1.0 < solved.rms_pixels < np.sqrt(2)
    assert solved.problems == ()


def test_a_view_in_the_opposite_bin_is_turned_round():
    world = Synthetic(noise=0.3)
    world.bins[4] = (world.bins[4] + 6) % 12
    # The same bound as above for a third of the noise: not one view stays flipped.
    assert world.errors(world.solve())["camera_rotation_max_degrees"] < 1.0


def test_without_mirror_pairs_the_bins_settle_the_azimuths_on_average():
    world = Synthetic(hidden=0.2)
    solved = world.solve(pairs=(), distance=3.0)
    residual = wrap_angle(world.bins * np.pi / 6 - solved.cameras["azimuth"])
    # The circular mean is zero by construction, to rounding.
    assert abs(np.sin(residual).sum()) < 1e-9
    np.testing.assert_allclose(solved.cameras["distance"].mean(), 3.0, rtol=1e-12)
    assert solved.scale_fixed_by == "mean distance 3"


def test_without_bins_and_pairs_the_first_view_has_azimuth_0():
    world = Synthetic()
    solved = world.solve(bins=False, pairs=())
    turned = wrap_angle(world.cameras["azimuth"] - world.cameras["azimuth"][0])
    # Exact points, as above.
    np.testing.assert_allclose(wrap_angle(solved.cameras["azimuth"] - turned), 0, atol=1e-5)


def test_left_and_right_exchanged_in_one_view_is_named_and_harms_the_others_little():
    world = Synthetic(noise=0.3)
    side = int(np.argmin(np.abs(world.cameras["azimuth"])))  # from the front the exchange is far in pixels
    world.points[side, :4] = world.points[side, [1, 0, 3, 2]]
    solved = world.solve()
    assert any(f"keypoint 0 of view {side}" in line for line in solved.problems)
    rest = {name: np.delete(values, side) for name, values in solved.cameras.items()}
    truth = {name: np.delete(values, side) for name, values in world.cameras.items()}
    # The robust error holds four wrong clicks of 192 to the effect of a few pixels.
    assert camera_errors(rest, truth)["camera_rotation_mean_degrees"] < 1.0


def test_left_and_right_exchanged_everywhere_contradicts_the_bins():
    world = Synthetic()
    # The bins are up to 15 degrees off, so the half turn is measured as a little less.
    with pytest.raises(ValueError, match="front 17[0-9] degrees.*exchange left and right"):
        world.solve(pairs=[(right, left) for left, right in PAIRS])


def test_groups_of_views_that_share_no_point_are_refused_as_undetermined():
    world = Synthetic()
    world.visible[:6, 8:] = False
    world.visible[6:, :8] = False
    with pytest.raises(ValueError, match="leave (view|keypoint) [0-9]+ undetermined; click more"):
        world.solve(pairs=())


def test_views_without_parallax_are_refused_as_undetermined():
    world = Synthetic()
    world.points[:] = world.points[0]
    with pytest.raises(ValueError, match="undetermined.*from several sides"):
        world.solve()


@pytest.mark.parametrize("views", [slice(None), slice(3, 4)], ids=["all", "one"])
def test_points_all_in_one_place_are_refused(views):
    world = Synthetic()
    world.points[views] = (100.0, 90.0)
    first = views.start or 0
    with pytest.raises(ValueError, match=f"16 points of view {first} lie within 0.0 pixels.*click each"):
        world.solve()


@pytest.mark.parametrize("extent", [1.0, 0.15], ids=["over_the_picture", "over_a_part"])
@pytest.mark.parametrize("bins", [True, False], ids=["bins", "no_bins"])
def test_clicks_at_random_are_refused_whatever_their_extent(bins, extent):
    world = Synthetic()
    world.points = 96 + extent * np.random.default_rng(1).uniform(-96, 96, world.points.shape)
    with pytest.raises(ValueError, match="no points of one object.*click them again"):
        world.solve(bins)


def test_six_pixels_of_noise_are_only_doubtful():
    problems = Synthetic(noise=6.0, hidden=0.3).solve().problems  # 4 % of the height, as a careless hand
    assert any("root mean square" in line for line in problems)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"visible": (2, slice(2, None), False)}, "view 2 has 2 visible points"),
        ({"visible": (slice(1, None), 5, False)}, "keypoint 5 is seen in 1 views"),
        ({"points": (3, 7, np.nan)}, "keypoint 7 of view 3 is at \\(nan, nan\\)"),
        ({"points": (1, 0, 400.0)}, "keypoint 0 of view 1 .* outside the picture of 256 x 192"),
    ],
    ids=["few_points", "few_views", "nan", "outside"],
)
def test_unusable_clicks_are_refused_by_view_and_keypoint(change, message):
    world = Synthetic()
    for name, (*where, value) in change.items():
        getattr(world, name)[tuple(where)] = value
    with pytest.raises(ValueError, match=message):
        world.solve()


def test_unusable_settings_are_refused_with_their_remedy():
    world = Synthetic()
    with pytest.raises(ValueError, match="5 azimuth bins for 12 views"):
        world.solve(azimuth_bins=[0] * 5)
    with pytest.raises(ValueError, match="keypoint 16; there are 16"):
        world.solve(pairs=[(0, 16)])
    with pytest.raises(ValueError, match="distance -1"):
        world.solve(distance=-1.0)
    with pytest.raises(ValueError, match="2 views are too few"):
        solve_cameras(world.points[:2], world.visible[:2], size=SIZE, fov_y=FOV, distance=DISTANCE)
    seen = np.array([[1, 1, 1, 0], [1, 1, 0, 1], [1, 0, 1, 1]], bool)
    with pytest.raises(ValueError, match="18 equations for 19 unknowns"):
        solve_cameras(world.points[:3, :4], seen, size=SIZE, fov_y=FOV, distance=DISTANCE)
