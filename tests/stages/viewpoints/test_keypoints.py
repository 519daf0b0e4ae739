"""Claims about cameras from clicked points: they come back, and what a person must mend is told by name."""

import numpy as np
import pytest

from ganverse_jax import classes
from ganverse_jax.annotation import candidates as proposed
from ganverse_jax.annotation.bins import store
from ganverse_jax.annotation.bins.session import DROP, Session
from ganverse_jax.annotation.keypoints import store as keypoint_store
from ganverse_jax.annotation.keypoints.places import places
from ganverse_jax.annotation.keypoints.session import HIDDEN
from ganverse_jax.annotation.keypoints.store import KEYPOINTS
from ganverse_jax.evaluation.cameras import wrap_angle
from ganverse_jax.pipeline.experiment import WorldSettings
from ganverse_jax.scene.cameras import given_cameras
from ganverse_jax.scene.keypoint_cameras import KeypointCameras
from ganverse_jax.stages.viewpoints import keypoints as viewpoints_keypoints
from ganverse_jax.stages.viewpoints import stage as viewpoints

WORLD = WorldSettings(fov_degrees=30.0, distance=4.2)
SIZE = (48, 64)
AZIMUTHS = np.radians([10.0, 55.0, 100.0, 160.0, 200.0, 250.0, 290.0, 335.0])
ELEVATIONS = np.radians([12.0, 8.0, 15.0, 10.0, 5.0, 12.0, 9.0, 14.0])
CAMERAS = list(zip(AZIMUTHS, ELEVATIONS, strict=True))
BINS = [1, 2, 3, 5, 7, 8, 10, 11]  # as a person gives them: the first is half a bin off
CAR = classes.get("car")
NAMED = CAR.keypoints


def clicks(azimuth, elevation, distance=4.2):
    """Pixels of a car's points by the house's conventions, None where the drawing of the nearest bin hides
    them."""
    points = np.array([CAR.position(name) for name in NAMED])
    sin_a, cos_a, sin_e, cos_e = np.sin(azimuth), np.cos(azimuth), np.sin(elevation), np.cos(elevation)
    back = np.array([sin_a * cos_e, sin_e, cos_a * cos_e])
    up = np.array([-sin_a * sin_e, cos_e, -cos_a * sin_e])
    focal = SIZE[0] / 2 / np.tan(np.radians(WORLD.fov_degrees) / 2)
    scale = focal / (distance - points @ back)
    x = SIZE[1] / 2 + points @ np.cross(up, back) * scale
    y = SIZE[0] / 2 - points @ up * scale
    seen = places("car")[round(azimuth / (np.pi / 6)) % 12]
    return [
        (u, v) if place.seen else HIDDEN for u, v, place in zip(x.tolist(), y.tolist(), seen, strict=True)
    ]


@pytest.fixture
def folder(tmp_path):
    """Proposed views of a car, one of them dropped in the bins' annotation, none with a bin; and pictures."""
    views = [{"id": i, "w_seed": i, "w": [float(i)], "consistency": 0.9} for i in range(len(AZIMUTHS) + 1)]
    pictures = np.zeros((len(views), 2, *SIZE, 3), np.uint8)
    proposed.write_candidates(tmp_path, "mine", views, pictures)
    candidates = proposed.read_candidates(tmp_path)
    keypoint_store.write_pictures(tmp_path, candidates, pictures, np.array([70, 71]))
    annotate_bins(tmp_path, [DROP] + [None] * len(AZIMUTHS))
    return tmp_path


def annotate_bins(folder, answers):
    candidates = proposed.read_candidates(folder)
    store.write_annotation(folder / store.ANNOTATION.name, candidates, Session(len(answers), answers))


def task_of(folder):
    return keypoint_store.read_task(folder, proposed.read_candidates(folder), "car")


def click(folder, change=lambda rows: None):
    """Click every view (number 1 on) as its camera sees it, after `change` of the rows."""
    rows = [clicks(*camera) for camera in CAMERAS]
    change(rows)
    task = task_of(folder)
    session = task.session(points=[[None] * len(NAMED), *rows], seconds=60.0)
    keypoint_store.write_keypoints(folder / KEYPOINTS.name, task, session)


def solved(folder):
    return viewpoints_keypoints.keypoint_views(folder, "mine", WORLD)


@pytest.fixture
def stand_in(monkeypatch):
    """The solver replaced: it keeps what it was asked in a dict and gives the first true cameras."""
    asked = {}

    def solve(points, visible, **settings):
        asked.update(settings, points=points, visible=visible)
        k = len(points)
        cameras = {"azimuth": AZIMUTHS[:k], "elevation": ELEVATIONS[:k], "distance": np.full(k, 4.2)}
        errors = np.where(visible, 0.5, np.nan)
        problems = ("keypoint 1 in view 3 is far off",)
        return KeypointCameras(cameras, np.zeros((points.shape[1], 3)), errors, 0.5, "", problems)

    monkeypatch.setattr(viewpoints_keypoints, "solve_cameras", solve)
    return asked


def test_the_cameras_come_back_and_training_starts_from_them(folder):
    annotate_bins(folder, [DROP, *BINS])
    click(folder)
    content = solved(folder)
    views = content["views"]
    assert content["annotated_by"] == "keypoints" and content["dropped"] == 1
    assert content["keypoints"]["rms_pixels"] < 0.02  # clicks are rounded to a hundredth of a pixel
    azimuth = np.array([view["azimuth"] for view in views])
    off = wrap_angle(azimuth - AZIMUTHS[[view["candidate"] - 1 for view in views]])
    # One degree: what a hundredth of a pixel of 48 does to these cameras.
    assert np.degrees(np.abs(off)).max() < 1.0
    assert [view["azimuth_bin"] for view in views] == BINS
    np.testing.assert_allclose(np.exp(given_cameras(views)["log_distance"]).mean(), 4.2, rtol=1e-3)
    viewpoints.check_views(views, "viewpoints.json", "mend it", w_dim=1)


def test_the_solver_gets_the_clicks_in_pixels_and_the_bins_that_there_are(folder, stand_in):
    click(folder)
    views = solved(folder)["views"]
    assert stand_in["azimuth_bins"] is None and stand_in["size"] == SIZE
    assert [view["azimuth_bin"] for view in views] == [0, 2, 3, 5, 7, 8, 10, 11]  # the nearest
    assert views[0]["keypoint_rms_pixels"] == 0.5 and views[0]["elevation"] == ELEVATIONS[0]
    expected = [[(np.nan, np.nan) if p == HIDDEN else p for p in clicks(*c)] for c in CAMERAS]
    np.testing.assert_allclose(stand_in["points"], expected, atol=0.0051)  # rounded to a hundredth
    annotate_bins(folder, [DROP, *BINS])
    assert [view["azimuth_bin"] for view in solved(folder)["views"]] == BINS == stand_in["azimuth_bins"]


def test_a_view_whose_points_are_all_hidden_is_left_out(folder, stand_in):
    click(folder, lambda rows: rows.__setitem__(2, [HIDDEN] * len(NAMED)))
    assert [view["candidate"] for view in solved(folder)["views"]] == [1, 2, 4, 5, 6, 7, 8]


def test_a_point_seen_once_is_left_out_and_so_is_its_mirror_pair(folder, stand_in):
    def change(rows):
        for row in rows[1:]:
            row[2] = HIDDEN

    click(folder, change)
    solved(folder)
    assert stand_in["points"].shape[1] == len(NAMED) - 1
    names = [name for name in NAMED if name != NAMED[2]]
    pairs = [(names[left], names[right]) for left, right in stand_in["mirror_pairs"]]
    assert ("left headlight", "right headlight") in pairs and len(pairs) == 9
    assert all(left.replace("left ", "right ") == right for left, right in pairs)


def test_nothing_comes_of_points_that_are_not_all_decided(folder):
    assert solved(folder) is None
    click(folder, lambda rows: rows[4].__setitem__(3, None))
    assert solved(folder) is None


def test_a_view_with_too_few_points_is_named_by_its_id_with_the_remedy(folder):
    click(folder, lambda rows: rows.__setitem__(5, [HIDDEN] * 18 + [(10, 10), (20, 20)]))
    with pytest.raises(
        ValueError, match=r"keypoints\.json : view 6 has 2 visible points.*annotate --keypoints"
    ):
        solved(folder)


def test_clicks_in_one_place_are_no_cameras_and_the_view_is_named_by_its_id(folder):
    click(folder, lambda rows: rows.__setitem__(slice(2, None), [[(20.0, 20.0)] * len(NAMED)] * 6))
    with pytest.raises(
        ValueError, match=r"keypoints\.json : all 20 points of view 3 lie within.*annotate --key"
    ):
        solved(folder)


def test_what_is_doubtful_is_told_by_view_and_name(folder, stand_in):
    click(folder)
    task = task_of(folder)
    session = keypoint_store.read_keypoints(folder / KEYPOINTS.name, task)
    told = viewpoints_keypoints.report(
        viewpoints_keypoints.solve(task, session, folder / KEYPOINTS.name, WORLD)
    )
    assert "8 cameras" in told and f"check: {NAMED[1]!r} in view 4 is far off" in told
    assert solved(folder)["keypoints"]["problems"] == [f"{NAMED[1]!r} in view 4 is far off"]


def test_keypoints_of_another_gan_are_refused(folder):
    click(folder)
    with pytest.raises(ValueError, match="belong to GAN mine, but this GAN is other"):
        viewpoints_keypoints.keypoint_views(folder, "other", WORLD)
