"""Claims about the toy birds: deterministic, framed, closed, posed, and true to their ground truth."""

import functools

import numpy as np
import pytest

from ganverse_jax import classes
from ganverse_jax.classes.bird.toy.plumage import PLUMAGES
from ganverse_jax.classes.bird.toy.renderer import SURFACE
from ganverse_jax.classes.bird.toy.topology import FACES, PARTS
from ganverse_jax.classes.bird.toy.world import BACKDROPS, BUILDS, ToyBirds
from ganverse_jax.classes.toy import sampling
from ganverse_jax.evaluation.geometry import winding_number
from tests.classes.toy_worlds import (
    assert_closed_outward,
    assert_independent_of_the_batch,
    assert_within_the_frame,
)

BIRD = classes.get("bird").keypoints


@functools.cache
def world(pose="free"):
    # Two samples per axis keep the fallback rasterizer quick; nothing below depends on the number.
    return ToyBirds(32, supersample=2, pose=pose)


@functools.cache
def samples():
    return world().render(np.arange(48))


def test_an_image_does_not_depend_on_the_batch_it_is_asked_for_in():
    assert {"image", "mask", "azimuth", "elevation", "distance", "build", "plumage"} <= set(samples())
    assert_independent_of_the_batch(world(), samples(), [31, 5, 2])


def test_a_frozen_pose_keeps_plumage_camera_and_surroundings_and_folds_all_wings():
    still = world("frozen").render(np.arange(48))
    for name in ("build", "plumage", "azimuth", "elevation", "distance"):
        np.testing.assert_array_equal(still[name], samples()[name])
    assert np.any(still["image"] != samples()["image"], axis=(1, 2, 3)).all()
    widths = [np.ptp(world(pose).surfaces(np.arange(48))[0][..., 0], axis=1) for pose in ("free", "frozen")]
    lengths = np.ptp(world("frozen").surfaces(np.arange(48))[0][..., 2], axis=1)
    assert (widths[1] < 0.75 * lengths).all() and (widths[0] > 1.2).sum() >= 6


def test_every_build_and_every_plumage_occurs():
    truth = world().objects(sampling.uniforms(0, "train", np.arange(800), "object")).truth
    assert np.bincount(truth["build"], minlength=len(BUILDS)).min() > 15
    assert np.bincount(truth["plumage"], minlength=len(PLUMAGES)).min() > 10


@pytest.mark.parametrize("pose", ["free", "frozen"])
def test_no_bird_is_cut_off_by_the_frame(pose):
    assert_within_the_frame(world(pose).surfaces(np.arange(200))[0], np.arange(0.0, 360.0, 30.0))


@pytest.mark.parametrize("index", range(8))
def test_every_part_is_closed_and_faces_outward(index):
    parts = world().solid(index)
    assert len(parts) == len(PARTS)
    assert_closed_outward(parts)


@pytest.mark.parametrize("pose", ["free", "frozen"])
def test_no_part_floats(pose):
    """Some vertices of every part lie inside the trunk, of every toe inside its leg."""
    for index in range(12):
        parts = {part.name: solid for part, solid in zip(PARTS, world(pose).solid(index), strict=True)}
        for name, (vertices, _) in parts.items():
            toe, _, side = name.partition("_toe_")
            within = parts[f"leg_{side}"] if side else parts["trunk"]
            inside = winding_number(*within, vertices) > 0.5
            assert name == "trunk" or inside.any(), (index, name)


def test_the_object_is_centred_and_faces_forward_whatever_the_bird():
    for vertices in world("frozen").surfaces(np.arange(24))[0]:
        np.testing.assert_allclose(vertices.min(0), -vertices.max(0), atol=1e-6)  # float32 rounding
        beak, tail = ToyBirds.locate(vertices, ["beak tip", "tail tip"])
        assert beak[2] > 0.2 and tail[2] < -0.2
    assert 1500 <= len(FACES) <= 4500


def test_a_branch_is_no_part_of_the_mask():
    views, white = (
        world().render_views(np.arange(16), 0.0, 0.1),
        world().render_object(np.arange(16), 0.0, 0.1),
    )
    np.testing.assert_array_equal(views["mask"], white["mask"])


def test_a_branch_is_drawn_under_the_feet_of_perched_birds_alone():
    indices = np.arange(48)
    vertices, _, placed, _ = world().objects(sampling.uniforms(0, "train", indices, "object"))
    scene = sampling.sample_backgrounds(sampling.uniforms(0, "train", indices, "background"), BACKDROPS)
    cameras = tuple(np.full(48, value, np.float32) for value in (0.0, 0.1, 4.2))
    drawn = SURFACE.props(np.ones((48, 32, 32, 3), np.float32), scene, placed, cameras, np.radians(30.0))
    perched = placed["radius"] > 0
    assert 10 < perched.sum() < 38
    np.testing.assert_array_equal(np.any(drawn < 0.9, axis=(1, 2, 3)), perched)
    for bird in np.flatnonzero(perched):
        toes = ToyBirds.locate(vertices[bird], ["left foot", "right foot"])
        above = toes[:, 1] - placed["perch"][bird, 1]
        # Toes lie on the bark, or a little in it where the branch slopes.
        assert (0.5 * placed["radius"][bird] < above).all() and (above < 2.5 * placed["radius"][bird]).all()


def test_every_point_of_the_list_has_its_place_and_its_mirror_image_on_a_bird_at_rest():
    left, right = np.array(classes.get("bird").mirror_pairs).T
    for index in range(6):
        points = ToyBirds.locate(world("frozen").surfaces([index])[0][0], BIRD)
        assert (points[left, 0] > 0.01).all()
        # Lofts are symmetric, in float32.
        np.testing.assert_allclose(points[left] * [-1, 1, 1], points[right], atol=1e-5)
        assert points[BIRD.index("crown"), 1] > points[BIRD.index("throat"), 1]
        assert points[BIRD.index("belly"), 1] > points[BIRD.index("left foot"), 1]


def test_points_are_seen_from_their_own_side():
    degrees = np.radians([0.0, 90.0, 180.0, 270.0])
    camera = {"azimuth": degrees, "elevation": 0 * degrees + 0.2, "distance": 0 * degrees + 4.2}
    seen = world("frozen").click_keypoints(3, BIRD, camera).visible
    assert seen[:, BIRD.index("left wing shoulder")].tolist()[1::2] == [True, False]
    assert seen[:, BIRD.index("right wing shoulder")].tolist()[1::2] == [False, True]
    assert seen[0, BIRD.index("breast")] and not seen[2, BIRD.index("breast")]
    assert seen.sum(axis=1).min() >= 3


def test_a_name_no_bird_has_is_refused():
    with pytest.raises(ValueError, match="toy birds have no keypoint 'left headlight'"):
        ToyBirds.locate(world().surfaces([0])[0][0], ["left headlight"])
