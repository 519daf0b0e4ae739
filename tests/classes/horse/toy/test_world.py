"""Claims about the toy horses: deterministic, framed, closed, posed, and true to their ground truth."""

import functools

import numpy as np
import pytest

from ganverse_jax.classes.horse.toy import coat
from ganverse_jax.classes.horse.toy.topology import FACES, PARTS
from ganverse_jax.classes.horse.toy.world import BREEDS, ToyHorses
from ganverse_jax.classes.toy import sampling
from ganverse_jax.evaluation.geometry import winding_number
from tests.classes.toy_worlds import (
    assert_closed_outward,
    assert_independent_of_the_batch,
    assert_mask_is_coverage,
    assert_within_the_frame,
)


@functools.cache
def world(split="train", seed=0, pose="free"):
    # Two samples per axis keep the fallback rasterizer quick; nothing below depends on the number.
    return ToyHorses(32, seed=seed, split=split, supersample=2, pose=pose)


@functools.cache
def samples():
    return world().render(np.arange(48))


def test_an_image_does_not_depend_on_the_batch_it_is_asked_for_in():
    assert {"image", "mask", "azimuth", "elevation", "distance", "breed", "coat"} <= set(samples())
    for indices in ([5], [31, 5, 2]):
        assert_independent_of_the_batch(world(), samples(), indices)


def test_another_seed_or_split_or_pose_gives_other_images():
    others = (world(), world(seed=1), world("validation"), world("test"), world(pose="frozen"))
    images = [other.render(np.arange(4))["image"] for other in others]
    for k, first in enumerate(images):
        for second in images[k + 1 :]:
            assert all(np.any(a != b) for a in first for b in second)
    settings = [str(sorted(other.settings.items())) for other in others]
    assert len(set(settings)) == len(others)


def test_every_breed_and_every_coat_occurs():
    truth = [world().objects(world()._unit(np.arange(600), "object")).truth]
    assert np.bincount(truth[0]["breed"], minlength=len(BREEDS)).min() > 40
    assert np.bincount(truth[0]["coat"], minlength=len(coat.COATS)).min() > 15


def test_shapes_and_types_are_as_documented():
    out = samples()
    assert out["image"].shape == (48, 32, 32, 3) and out["image"].dtype == np.uint8
    assert out["mask"].shape == (48, 32, 32) and out["mask"].dtype == np.uint8
    assert all(out[k].dtype == np.float32 for k in ("azimuth", "elevation", "distance"))
    assert out["breed"].dtype == out["coat"].dtype == np.int32
    assert world().render([])["image"].shape == (0, 32, 32, 3)


def test_a_frozen_pose_keeps_breed_coat_camera_and_surroundings():
    still = world(pose="frozen").render(np.arange(48))
    for name in ("breed", "coat", "azimuth", "elevation", "distance"):
        np.testing.assert_array_equal(still[name], samples()[name])
    for vertices in world(pose="frozen").surfaces(np.arange(8))[0]:
        # Of two mirrored ones the mane alone differs, which falls to one side.
        legs = [vertices[part.vertices] for part in PARTS if part.name.startswith(("front", "hind"))]
        for left, right in (legs[:2], legs[2:]):
            columns = left.reshape(-1, 8, 3)[:, ::-1].reshape(-1, 3) * (-1, 1, 1)
            np.testing.assert_allclose(columns, right, atol=1e-5)  # float32 rounding


def test_no_horse_is_cut_off_by_the_frame():
    assert_within_the_frame(world().surfaces(np.arange(200))[0], np.arange(0.0, 360.0, 30.0))


def test_even_from_the_front_a_horse_covers_a_thirtieth_of_the_image():
    mask = world().render_views(np.arange(64), 0.0, 0.0)["mask"]
    assert (mask / 255.0).mean((1, 2)).min() > 1 / 30


def test_the_mask_is_the_coverage_of_the_object():
    assert_mask_is_coverage(world(), (np.linspace(0, 6, 16), 0.3))


@pytest.mark.parametrize("index", range(8))
def test_every_part_is_closed_and_faces_outward(index):
    parts = world().solid(index)
    assert len(parts) == len(PARTS)
    assert_closed_outward(parts)


@pytest.mark.parametrize("pose", ["free", "frozen"])
def test_no_part_floats(pose):
    """Some vertices of every part lie inside the trunk."""
    for index in range(12):
        parts = {part.name: solid for part, solid in zip(PARTS, world(pose=pose).solid(index), strict=True)}
        trunk = parts.pop("trunk")
        for name, (vertices, _) in parts.items():
            assert (winding_number(*trunk, vertices[::3]) > 0.5).any(), (index, name)


def test_the_object_is_centred_on_its_ground_truth_box_and_faces_forward():
    for vertices in world().surfaces(np.arange(24))[0]:
        np.testing.assert_allclose(vertices.min(0), -vertices.max(0), atol=1e-6)  # float32 rounding
        width, height, length = 2 * vertices.max(0)
        assert 0.3 < width < 0.8 and 0.8 < height < 1.8 and 1.3 < length < 2.0
        eye, tail = (
            next(part.vertices for part in PARTS if part.name == name) for name in ("eye_left", "tail")
        )
        assert vertices[eye, 2].mean() > 0.3 and vertices[tail, 2].mean() < -0.4
    assert 2000 <= len(FACES) <= 4500


def test_a_quarter_turn_shows_the_right_side():
    mask = world(pose="frozen").render_views(np.arange(8), np.pi / 2, 0.0)["mask"] == 255
    # Seen from +x with +y up, the front (+z) points to the left of the image: head and neck rise there.
    upper = mask[:, :10]
    assert upper[:, :, :16].sum() > 5 * upper[:, :, 16:].sum()


def test_the_shadow_darkens_the_ground_and_follows_the_sun():
    views = world().render_views(np.arange(16), np.pi / 2, 0.35)
    unit = sampling.uniforms(0, "train", np.arange(16), "background")
    to_sun = sampling.sample_backgrounds(unit, world().backdrops)["sun"]
    # Under the sun from +z (on the left of a picture from +x) the shadow lies to the right.
    for k in np.flatnonzero(np.abs(to_sun[:, 2]) > 0.5):
        ground = np.where(views["mask"][k] == 0, views["image"][k].mean(-1), np.nan)[18:]
        left, right = np.nanmean(ground[:, 2:16]), np.nanmean(ground[:, 16:30])
        assert (left > right) == (to_sun[k, 2] > 0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"resolution": 4}, "resolution 4"),
        ({"split": "dev"}, "split 'dev'"),
        ({"pose": "sitting"}, "pose 'sitting'"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        ToyHorses(**settings)
