"""View cameras: where they start and that they can leave."""

import jax
import numpy as np
import pytest

import rasterizer
from ganverse_jax.scene import cameras as view_cameras


def test_cameras_start_at_their_bins_on_the_horizon():
    cameras = view_cameras.initial_cameras([0, 3, 11], 4.2)
    records = view_cameras.camera_records(cameras)
    assert [round(record["azimuth_degrees"], 3) for record in records] == [0, 90, 330]
    assert all(record["elevation_degrees"] == 0 for record in records)
    np.testing.assert_allclose([record["distance"] for record in records], 4.2, rtol=1e-6)


def test_each_picture_gets_its_views_camera():
    cameras = view_cameras.initial_cameras([0, 3, 6], 2.0)
    camera = view_cameras.select_cameras(cameras, np.array([2, 2, 0]), 0.5)
    np.testing.assert_allclose(camera.azimuth, [np.pi, np.pi, 0], rtol=1e-6)
    np.testing.assert_allclose(camera.distance, 2, rtol=1e-6)


def test_gradient_at_the_start_is_finite_and_pulls_on_every_angle():
    """Elevation 0 is no stationary point: moving a point off the axis on the picture needs all three."""
    point = np.array([[[0.3, 0.4, 0.2]]], np.float32)

    def screen(cameras):
        clip = rasterizer.transform(point, view_cameras.select_cameras(cameras, np.array([0]), 0.5), 64, 64)
        return (clip[..., 0] + 2 * clip[..., 1]).sum() / clip[..., 3].sum()

    gradient = jax.jit(jax.grad(screen))(view_cameras.initial_cameras([1], 4.0))
    for name in ("azimuth", "elevation", "log_distance"):
        assert np.isfinite(gradient[name]).all() and (np.abs(gradient[name]) > 1e-3).all()


@pytest.mark.parametrize("bins", [[12], [-1, 3], []])
def test_bins_outside_the_twelve_are_refused(bins):
    with pytest.raises(ValueError, match="0..11"):
        view_cameras.initial_cameras(bins, 4.0)


def test_distance_must_be_positive():
    with pytest.raises(ValueError, match="camera.distance"):
        view_cameras.initial_cameras([0], 0.0)


VIEWS = [{"azimuth_bin": 0}, {"azimuth_bin": 5}]


@pytest.mark.parametrize("offset", [False, True])
def test_written_cameras_come_back_with_their_offsets_or_without(tmp_path, offset):
    before = view_cameras.initial_cameras([0, 5], 4.0)
    before = view_cameras.with_offsets(before) if offset else before
    after = jax.tree.map(lambda x: x + 0.25, before)
    view_cameras.write_cameras(tmp_path / "cameras.json", VIEWS, before, after, 30.0)
    found, kept = view_cameras.read_cameras(tmp_path / "cameras.json"), view_cameras.as_cameras(after)
    assert set(found) == set(kept) and ("offset" in found) == offset
    for name, values in kept.items():
        # Degrees and logarithms, there and back in double precision of float32 values.
        np.testing.assert_allclose(found[name], values, rtol=1e-6)
    columns = view_cameras.stack_cameras(found)
    assert columns.shape == (2, 5 if offset else 3)
    again = view_cameras.unstack_cameras(columns)
    assert set(again) == set(found)
    for name, values in again.items():
        np.testing.assert_allclose(values, found[name], rtol=1e-6)


def test_a_new_offset_leaves_the_picture_where_it_is():
    cameras = view_cameras.with_offsets(view_cameras.initial_cameras([2, 7], 4.0))
    view, points = np.array([1, 0]), np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    camera = view_cameras.select_cameras(cameras, view, 0.5)
    clip, middle = (rasterizer.transform(points, c, 20, 30) for c in (camera, camera._replace(offset=None)))
    np.testing.assert_array_equal(clip, middle)
    assert view_cameras.select_cameras(view_cameras.initial_cameras([2, 7], 4.0), view, 0.5).offset is None
