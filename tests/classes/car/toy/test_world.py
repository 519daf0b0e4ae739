"""Claims about the toy world: deterministic, within its ranges, framed, and true to its ground truth."""

import functools
import json

import numpy as np
import pytest

from ganverse_jax.classes.car.toy import scene
from ganverse_jax.classes.car.toy.topology import TOPOLOGY
from ganverse_jax.classes.car.toy.world import BODIES, ToyCars
from ganverse_jax.classes.toy import sampling, shapes
from ganverse_jax.data.images.rendered import materialize
from tests.classes.toy_worlds import (
    assert_closed_outward,
    assert_independent_of_the_batch,
    assert_mask_is_coverage,
    assert_within_the_frame,
)


@functools.cache
def world(split="train", seed=0):
    # Two samples per axis keep the fallback rasterizer quick; nothing below depends on the number.
    return ToyCars(32, seed=seed, split=split, supersample=2)


@functools.cache
def samples():
    return world().render(np.arange(48))


def test_an_image_does_not_depend_on_the_batch_it_is_asked_for_in():
    assert {"image", "mask", "azimuth", "elevation", "distance", "body"} <= set(samples())
    for indices in ([5], [31, 5, 2]):
        assert_independent_of_the_batch(world(), samples(), indices)


def test_another_seed_or_split_gives_other_images():
    images = [
        w.render(np.arange(4))["image"] for w in (world(), world(seed=1), world("validation"), world("test"))
    ]
    for k, first in enumerate(images):
        for second in images[k + 1 :]:
            assert all(np.any(a != b) for a in first for b in second)


def test_object_camera_and_background_are_drawn_independently():
    indices = np.arange(2000)
    draws = [
        sampling.uniforms(0, "train", indices, stream)[:, :3] for stream in ("object", "camera", "background")
    ]
    correlation = np.corrcoef(np.concatenate(draws, 1).T) - np.eye(9)
    # Standard error of a correlation of 2000 independent pairs: 0.022; 5 of them.
    assert np.abs(correlation).max() < 0.11


def test_cameras_are_uniform_over_the_circle_and_within_their_ranges():
    camera = sampling.sample_cameras(sampling.uniforms(0, "train", np.arange(2400), "camera"), 4.2)
    bins = np.bincount((camera["azimuth"] / (np.pi / 6)).astype(int), minlength=12)
    # 200 expected per bin, standard deviation 13.5; 5 of them.
    assert len(bins) == 12 and np.all(np.abs(bins - 200) < 68)
    assert camera["elevation"].min() >= 0 and camera["elevation"].max() <= np.pi / 6
    assert np.all(np.abs(camera["distance"] / 4.2 - 1) <= sampling.DISTANCE_JITTER + 1e-6)


def test_every_body_type_occurs():
    body = scene.sample_bodies(sampling.uniforms(0, "train", np.arange(500), "object"))
    assert np.all(np.bincount(body, minlength=len(BODIES)) > 30)


def test_shapes_and_types_are_as_documented():
    out = samples()
    assert out["image"].shape == (48, 32, 32, 3) and out["image"].dtype == np.uint8
    assert out["mask"].shape == (48, 32, 32) and out["mask"].dtype == np.uint8
    assert all(out[k].dtype == np.float32 for k in ("azimuth", "elevation", "distance"))
    assert world().render([])["image"].shape == (0, 32, 32, 3)


def test_a_front_view_covers_a_tenth_of_the_image():
    mask = world().render_views(np.arange(64), 0.0, 0.0)["mask"]
    assert (mask / 255.0).mean((1, 2)).min() > 0.10


def test_no_car_is_cut_off_by_the_frame():
    assert_within_the_frame(world().surfaces(np.arange(200))[0], [62.0, 75.0, 90.0, 105.0])


def test_the_mask_is_the_coverage_of_the_object():
    cameras = (np.linspace(0, 6, 16), 0.3)
    views = assert_mask_is_coverage(world(), cameras)
    other = world().render_views(np.arange(16), *cameras)["image"]
    inside = views["mask"] == 255
    # The light differs with the background, the picture of the object does not: same albedo, bounded change.
    assert np.abs(other[inside].astype(int) - views["image"][inside]).mean() < 40
    assert np.abs(other[~inside].astype(int) - views["image"][~inside]).mean() > 10


def _lamp_pixels(image):
    rgb = image.astype(int)
    head = (rgb[..., 0] > 240) & (rgb[..., 1] > 230) & (rgb[..., 2] < 215) & (rgb[..., 2] > 150)
    tail = (rgb[..., 0] > 190) & (rgb[..., 1] < 60) & (rgb[..., 2] < 60)
    return head.sum(), tail.sum()


def test_the_front_looks_at_azimuth_zero():
    out = samples()
    reds = world()._objects(np.arange(48)).colors[:, TOPOLOGY.material, 0]
    cars = np.flatnonzero(reds.mean(axis=1) < 0.45)[:16]
    front = world().render_object(cars, 0.0, 0.1, shaded=False)["image"]
    back = world().render_object(cars, np.pi, 0.1, shaded=False)["image"]
    # Albedo images: head lights (1, .96, .74), tail lights (.95, .06, .07), see `scene`.
    assert _lamp_pixels(front)[0] > 3 * len(cars) and _lamp_pixels(front)[1] == 0
    assert _lamp_pixels(back)[1] > 3 * len(cars) and _lamp_pixels(back)[0] == 0
    assert len(out["image"]) == 48


def test_a_quarter_turn_shows_the_right_side():
    right = world().render_views([0], np.pi / 2, 0.0)
    pixels = world().render_object([0], np.pi / 2, 0.0, shaded=False)["image"][0].astype(int)
    head = (
        (pixels[..., 0] > 230) & (pixels[..., 2] < 215) & (pixels[..., 2] > 120) & (right["mask"][0] == 255)
    )
    # Seen from +x with +y up, the front (+z) points to the left of the image.
    assert head.any() and np.nonzero(head)[1].mean() < 16


@pytest.mark.parametrize("index", range(8))
def test_every_part_is_closed_and_faces_outward(index):
    assert_closed_outward(world().solid(index))


def test_the_object_is_centred_on_its_ground_truth_box():
    for vertices in world().surfaces(np.arange(6))[0]:
        np.testing.assert_allclose(vertices.min(0), -vertices.max(0), atol=1e-6)  # float32 rounding
        width, height, length = 2 * vertices.max(0)
        assert 0.85 < width < 1.1 and 0.5 < height < 1.0 and 1.4 < length < 1.9


def test_only_pickups_have_rails_and_all_bodies_share_one_topology():
    rail = next(part for part in TOPOLOGY.parts if part.name == "rail_left")
    vertices, faces = world().surfaces(np.arange(24))
    for index, body in enumerate(samples()["body"][:24]):
        volume = shapes.signed_volume(vertices[index].astype(float), faces[rail.faces])
        assert (volume > 1e-9) == (BODIES[body] == "pickup")
        assert len(world().solid(index)) < len(TOPOLOGY.parts) or BODIES[body] == "pickup"
    assert 600 <= len(TOPOLOGY.faces) <= 1800


def test_the_shadow_darkens_the_ground_under_the_car():
    views = world().render_views(np.arange(16), np.pi / 2, 0.35, background_indices=np.arange(16))
    image, mask = views["image"].astype(float).mean(-1), views["mask"]
    for k in range(16):
        rows, columns = np.nonzero(mask[k] == 255)
        row = rows[np.abs(columns - 16) < 3].max() + 2
        assert image[k, row, 13:19].mean() < image[k, min(row + 6, 31), [0, 1, 30, 31]].mean()


def test_materialize_writes_the_images_once_and_refuses_another_world(tmp_path):
    path = tmp_path / "cars.npy"
    images = materialize(world(), 20, path, chunk=16)
    np.testing.assert_array_equal(images, samples()["image"][:20])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cars.npy", "cars.npy.json"]
    assert json.loads((tmp_path / "cars.npy.json").read_text())["count"] == 20
    before = path.stat().st_mtime_ns
    materialize(world(), 20, path)
    assert path.stat().st_mtime_ns == before
    with pytest.raises(ValueError, match="delete it or choose another path"):
        materialize(world(), 21, path)
    with pytest.raises(ValueError, match="delete it or choose another path"):
        materialize(world(seed=1), 20, path)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"resolution": 4}, "resolution 4"),
        ({"split": "dev"}, "split 'dev'"),
        ({"seed": -1}, "seed -1"),
        ({"supersample": 0}, "supersample 0"),
        ({"distance": 0.5}, "distance 0.5"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        ToyCars(**settings)


@pytest.mark.parametrize("indices", [3, [-1], [0.5], [[1, 2]]])
def test_bad_indices_are_refused(indices):
    with pytest.raises(ValueError, match="integers >= 0"):
        world().render(indices)
