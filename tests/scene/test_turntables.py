"""Turntables of red ellipsoids: whole turns, shown whole, in few bytes; and light shown by itself."""

import io

import numpy as np
import pytest
from PIL import Image

import rasterizer
from ganverse_jax.scene import turntables
from ganverse_jax.scene.drawing import CLAY
from ganverse_jax.scene.meshes import PredictedMeshes
from ganverse_jax.stages.inverse_graphics.figures import light_figures

DISTANCE = 4.2


def ellipsoids(scales, light=None):
    """One red mesh for each (x, y, z) of half axes."""
    sphere = rasterizer.icosphere(2)
    vertices = np.asarray(sphere.vertices) * np.asarray(scales, np.float32)[:, None]
    texture = np.tile(np.float32([0.8, 0.1, 0.1]), (len(scales), 4, 8, 1))
    surface = (np.asarray(array) for array in (sphere.faces, sphere.uv, sphere.uv_faces))
    return PredictedMeshes(vertices.astype(np.float32), texture, *surface, light)


@pytest.fixture(scope="module")
def turned():
    """A long flat one and a half as large one."""
    meshes = ellipsoids([(0.4, 0.3, 1.0), (0.2, 0.15, 0.5)])
    return list(turntables.turntables(meshes, np.arange(2), DISTANCE))


def extent(frames):
    """First and last column, first and last row that is not white in any frame."""
    rows, columns = np.nonzero((frames < 250).any(axis=(0, 3)))
    return columns.min(), columns.max(), rows.min(), rows.max()


def test_the_largest_object_fills_the_frames_and_all_share_its_framing(turned):
    large, small = turned
    assert large.shape == small.shape and large.shape[::2] == (turntables.NUM_FRAMES, turntables.WIDTH)
    left, right, _, _ = extent(large)
    # 5 % of margin beyond the widest corner that the camera meets, nearer than the middle.
    assert 2 < left < 20 and 2 < turntables.WIDTH - 1 - right < 20
    assert np.ptp(extent(small)[:2]) == pytest.approx(np.ptp((left, right)) / 2, rel=0.1)


def test_texture_stands_above_clay_of_the_same_outline(turned):
    top, bottom = np.split(turned[0].astype(int), 2, axis=1)
    assert ((top < 250).any(-1) == (bottom < 250).any(-1)).mean() > 0.99
    assert (bottom.max(-1) == bottom.min(-1)).all()
    inside = top[0][top[0].shape[0] // 2, turntables.WIDTH // 2]
    np.testing.assert_array_equal(inside, (204, 26, 26))


def test_half_a_turn_mirrors_a_symmetric_object(turned):
    frames = turned[0][:, : turned[0].shape[1] // 2].astype(int)
    # 36 azimuths from 45 degrees on: frame k and the frame at minus its azimuth are mirror images.
    mirrored = frames[(27 - np.arange(36)) % 36, :, ::-1]
    # The icosphere is no mirror image of itself: outlines differ by a pixel here and there.
    assert abs(frames - mirrored).mean() < 2


def test_a_file_loops_for_ever_within_its_bytes(turned, tmp_path, monkeypatch):
    content = turntables.encode(turned[0])
    assert len(content) <= turntables.MAX_BYTES
    with Image.open(io.BytesIO(content)) as file:
        assert (file.format, file.n_frames, file.info["loop"]) == ("WEBP", turntables.NUM_FRAMES, 0)
    monkeypatch.setattr(turntables, "MAX_BYTES", len(content) - 1)
    assert len(turntables.encode(turned[0])) < len(content)


def test_a_mesh_that_reaches_behind_the_camera_is_cut_off_and_no_error():
    height, fov_y = turntables._framing(ellipsoids([(9.0, 9.0, 9.0)]).vertices, DISTANCE)
    assert height == turntables.WIDTH and fov_y == pytest.approx(np.pi / 2)


def test_light_is_shown_apart_from_the_texture():
    ambient, above = np.zeros((2, 9), np.float32)
    ambient[0], above[0], above[1] = 7.0, 3.5, 3.5  # twice as bright as white; brighter from above (y)
    meshes = ellipsoids([(0.5, 0.5, 0.5)] * 2, np.stack([ambient, above]))
    own = {"azimuth": np.zeros(2), "elevation": np.zeros(2), "distance": np.full(2, DISTANCE)}
    arrays = light_figures(meshes, np.arange(2), own, (33, 33), 0.5)
    np.testing.assert_array_equal(arrays["unlit"][0, 16, 16], (204, 26, 26))
    # Ambient light is the clay's own grey everywhere, whatever its strength.
    for name in ("clay_lit", "sphere_lit"):
        assert abs(arrays[name][0, 16, 16] - 255 * CLAY).max() <= 1
        column = arrays[name][1, 8:25, 16, 0].astype(int)
        assert column[2] > column[8] + 20 > column[14] + 40
