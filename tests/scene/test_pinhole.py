"""Claims about cameras in the pixels of a whole photo: programs that know pinholes alone see what we drew."""

import numpy as np
import pytest

import rasterizer
from ganverse_jax.data.crops import Crop
from ganverse_jax.scene.pinhole import crop_pinhole, uncropped

FOV = np.radians(30.0)
CROP = Crop((410.0, 255.5), 3.7, 0.0, (48, 64))  # centre in the photo, its pixels per pixel, size
PHOTO = (600, 900)


def camera(offset=None):
    """One camera off the horizon and, with an offset, off the middle."""
    cameras = {"azimuth": np.array([0.7]), "elevation": np.array([0.3]), "distance": np.array([4.4])}
    return cameras if offset is None else cameras | {"offset": np.array([offset])}


def points_in_photo(cameras, points):
    """Where our own camera sees points [n 3] in the crop, and that place in the photo."""
    fields = [np.float32(cameras[name]) for name in ("azimuth", "elevation", "distance")]
    offset = None if "offset" not in cameras else np.float32(cameras["offset"])
    own = rasterizer.Camera(*fields, np.float32([FOV]), offset)
    clip = np.asarray(rasterizer.transform(np.float32(points)[None], own, *CROP.size))[0]
    height, width = CROP.size
    ndc = clip[:, :2] / clip[:, 3:]
    return CROP.to_picture((ndc * [1, -1] + 1) * [width / 2, height / 2])


@pytest.mark.parametrize("offset", [None, (0.15, -0.08)])
def test_every_convention_puts_points_where_our_render_has_them(offset):
    points = np.random.default_rng(0).uniform(-0.8, 0.8, (50, 3))
    ours = points_in_photo(camera(offset), points)
    record = uncropped(crop_pinhole(camera(offset), FOV, CROP.size), CROP, PHOTO).record()
    # As OpenCV's projectPoints without distortion, whose first pixel's centre is at (0, 0).
    opencv = record["opencv"]
    seen = points @ np.array(opencv["rotation"]).T + opencv["translation"]
    pixels = seen @ np.array(opencv["camera_matrix"]).T
    assert (seen[:, 2] > 0).all()
    # float32 in our own transform: 1e-6 of a picture of 900 pixels
    np.testing.assert_allclose(pixels[:, :2] / pixels[:, 2:] + 0.5, ours, atol=2e-3)
    opengl = record["opengl"]
    matrix = np.array(opengl["projection"]) @ opengl["world_to_camera"]
    clip = np.c_[points, np.ones(50)] @ matrix.T
    ndc = clip[:, :3] / clip[:, 3:]
    in_pixels = (ndc[:, :2] * [1, -1] + 1) * [record["width"] / 2, record["height"] / 2]
    np.testing.assert_allclose(in_pixels, ours, atol=2e-3)
    assert (np.abs(ndc[:, 2]) < 1).all()  # between the near and the far plane
    by_hand = record["intrinsics"]
    x = by_hand["fx"] * seen[:, 0] / seen[:, 2] + by_hand["cx"]
    np.testing.assert_allclose(x, ours[:, 0], atol=2e-3)


def test_the_pose_is_the_inverse_and_a_rotation():
    record = crop_pinhole(camera((0.1, 0.2)), FOV, CROP.size).record()["opengl"]
    there, back = np.array(record["world_to_camera"]), np.array(record["camera_to_world"])
    np.testing.assert_allclose(there @ back, np.eye(4), atol=1e-6)  # float32 angles
    assert np.linalg.det(back[:3, :3]) == pytest.approx(1.0, abs=1e-6)


def test_a_whole_picture_as_its_own_crop_changes_nothing():
    own = crop_pinhole(camera((0.1, 0.0)), FOV, (48, 64))
    same = uncropped(own, Crop((32.0, 24.0), 1.0, 0.0, (48, 64)), (48, 64))
    assert (same.focal, same.centre, same.size) == (own.focal, own.centre, own.size)
    assert same.fov_y == pytest.approx(FOV)
