"""Claims about a prediction refined on one picture: it explains that better, and other views no worse."""

import numpy as np
import pytest

from ganverse_jax.evaluation.images import mask_iou
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.inverse_graphics.refinement import refine
from ganverse_jax.scene.meshes import PredictedMeshes, render_meshes

NETWORK = InverseGraphics(
    icosphere_level=2, template_scale=(0.45, 0.35, 0.9), texture_size=8, texture_channels=(4,)
)
FOV, SIZE = np.radians(30.0), (64, 64)
ROW = np.zeros(1, int)


def camera(azimuth, offset=(0.0, 0.0)):
    values = {"azimuth": azimuth, "elevation": 0.25, "distance": 4.2, "offset": offset}
    return {name: np.array([value]) for name, value in values.items()}


def ellipsoid(scale, colour):
    template = NETWORK.template
    texture = np.broadcast_to(np.float32(colour), (1, 8, 16, 3))
    surface = template.faces, template.uv, template.uv_faces
    return PredictedMeshes(template.vertices[None] * np.float32(scale), texture, *surface)


def views(meshes, azimuth, offset=(0.0, 0.0)):
    """Colour [h w 3] and mask [h w]."""
    return tuple(part[0] for part in render_meshes(meshes, ROW, camera(azimuth, offset), SIZE, FOV))


def iou(meshes, true, azimuth, cameras=None):
    """Of both from one camera, or of the first from `cameras`."""
    seen = render_meshes(meshes, ROW, cameras or camera(azimuth), SIZE, FOV)[1]
    return float(mask_iou(seen, views(true, azimuth)[1][None])[0])


@pytest.fixture(scope="module")
def refined():
    """A grey ellipsoid, the higher green one of the picture, and the first refined on that, from a camera
    that is a little off."""
    predicted, true = ellipsoid((1, 1, 1), (0.5, 0.5, 0.5)), ellipsoid((1, 1.25, 0.95), (0.2, 0.7, 0.3))
    found, cameras = refine(NETWORK, predicted, *views(true, 0.7), camera(0.72, (0.02, 0.0)), FOV, steps=60)
    return predicted, true, found, cameras


def test_the_picture_is_explained_better(refined):
    predicted, true, found, cameras = refined
    # At least half of the way to the truth: movement and nearness hold back the rest.
    assert 1 - iou(found, true, 0.7, cameras) < 0.5 * (1 - iou(predicted, true, 0.7))
    colour = (render_meshes(found, ROW, cameras, SIZE, FOV)[0][0], views(predicted, 0.7)[0])
    inside = views(true, 0.7)[1] * views(predicted, 0.7)[1] > 0
    after, before = (np.abs(one - views(true, 0.7)[0])[inside].mean() for one in colour)
    assert after < before / 2


def test_far_sides_are_no_worse(refined):
    predicted, true, found, _ = refined
    for azimuth in (0.7 + np.pi, 2.5, -0.7, 5.0):
        assert iou(found, true, azimuth) >= iou(predicted, true, azimuth)


def test_shape_and_texture_stay_mirror_images(refined):
    _, _, found, _ = refined
    mirrored = found.vertices[:, NETWORK.template.mirror] * [-1, 1, 1]
    np.testing.assert_allclose(found.vertices, mirrored, atol=1e-6)  # float32
    np.testing.assert_allclose(found.texture, found.texture[:, :, ::-1], atol=1e-6)


def test_a_picture_of_the_prediction_itself_changes_next_to_nothing():
    predicted = ellipsoid((1, 1, 1), (0.2, 0.7, 0.3))
    found, cameras = refine(NETWORK, predicted, *views(predicted, 0.7), camera(0.7), FOV, steps=30)
    # A soft silhouette is wider than the shape by a part of a pixel, which here is 0.035 of a unit.
    assert np.abs(found.vertices - predicted.vertices).max() < 0.02
    assert np.abs(found.texture - predicted.texture).max() < 0.05
    assert abs(cameras["azimuth"][0] - 0.7) < 0.03 and abs(cameras["distance"][0] / 4.2 - 1) < 0.03
