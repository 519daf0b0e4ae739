"""Claims about cameras found by rendering: a rendered mesh's is recovered, from the bins or a reading."""

import numpy as np
import pytest

import rasterizer
from ganverse_jax.models.inverse_graphics.network import InverseGraphics, Prediction
from ganverse_jax.models.inverse_graphics.prediction import render_prediction
from ganverse_jax.scene.camera_fit import bin_starts, fit_camera
from ganverse_jax.scene.meshes import PredictedMeshes

NETWORK = InverseGraphics(
    icosphere_level=2, template_scale=(0.45, 0.35, 0.9), texture_size=8, texture_channels=(4,)
)
FOV = np.radians(30.0)


@pytest.fixture(scope="module")
def mesh():
    """A wedge, low in front, with a front, a back and two ends of other colours."""
    vertices = NETWORK.template.vertices.copy()
    vertices[:, 1] *= 1.0 - 0.5 * vertices[:, 2]
    u = np.linspace(0, 1, 32)
    row = np.stack([0.5 + 0.4 * np.cos(2 * np.pi * u), 0.5 + 0.4 * np.sin(4 * np.pi * u), u], axis=-1)
    return vertices.astype(np.float32), np.tile(row, (16, 1, 1)).astype(np.float32)


def meshes(mesh, light=None):
    """The one mesh as what is predicted."""
    template, (vertices, texture) = NETWORK.template, mesh
    light = None if light is None else light[None]
    surface = template.faces, template.uv, template.uv_faces
    return PredictedMeshes(vertices[None], texture[None], *surface, light)


def picture(mesh, azimuth, elevation, distance, offset, light=None):
    """Colour on black, and coverage, of 64 x 84 pixels: enough to be halved at first."""
    vertices, texture = mesh[0][None], mesh[1][None]
    camera = (np.array([x], np.float32) for x in (azimuth, elevation, distance, FOV, offset))
    prediction = Prediction(vertices, vertices, texture, light)
    rendered = render_prediction(NETWORK, prediction, rasterizer.Camera(*camera), (64, 84))
    mask = np.asarray(rendered.fragments.face_id[0] >= 0, np.float32)
    return np.asarray(rendered.rgb[0]), mask


@pytest.mark.parametrize(
    ("azimuth", "elevation", "distance", "offset"),
    [(200.0, 12.0, 4.6, (0.1, -0.05)), (44.0, 25.0, 3.9, (0.0, 0.0)), (345.0, -5.0, 4.2, (-0.08, 0.1))],
)
def test_the_camera_of_a_rendered_mesh_is_recovered_from_the_bins(mesh, azimuth, elevation, distance, offset):
    image, mask = picture(mesh, np.radians(azimuth), np.radians(elevation), distance, offset)
    found = fit_camera(meshes(mesh), 0, image, mask, bin_starts(np.radians(10), 4.2), FOV)
    turn = (np.degrees(found.azimuth) - azimuth + 180) % 360 - 180
    # 2 degrees move the outline by half a pixel of this size; the picture's edges are hard, the fit's soft
    assert abs(turn) < 2 and abs(np.degrees(found.elevation) - elevation) < 2
    assert found.distance == pytest.approx(distance, rel=0.02)
    # half a pixel
    np.testing.assert_allclose(found.offset, offset, atol=0.02)
    assert abs((30 * found.start - azimuth + 180) % 360 - 180) <= 90


def test_a_reading_serves_as_the_only_start(mesh):
    image, mask = picture(mesh, 2.0, 0.2, 4.4, (0.0, 0.0))
    start = {"azimuth": np.array([1.8]), "elevation": np.array([0.1]), "distance": np.array([4.2])}
    found = fit_camera(meshes(mesh), 0, image, mask, start, FOV)
    assert found.start == 0 and found.azimuth == pytest.approx(2.0, abs=0.035)  # 2 degrees, as above


def test_an_object_may_go_on_where_the_picture_says_nothing(mesh):
    image, mask = picture(mesh, np.radians(200), 0.2, 4.2, (0.0, 0.0))
    columns = np.flatnonzero(mask.any(axis=0))
    seen = np.ones_like(mask)
    seen[:, columns[0] + 3 * len(columns) // 4 :] = 0.0
    cut, starts = (image * seen[..., None], mask * seen), bin_starts(0.17, 4.2)
    found, wrong = (fit_camera(meshes(mesh), 0, *cut, starts, FOV, seen=where) for where in (seen, None))
    assert np.degrees(found.azimuth) == pytest.approx(200, abs=2)  # as above
    assert found.distance == pytest.approx(4.2, rel=0.02)
    assert abs(np.degrees(wrong.azimuth) - 200) > 2 or abs(wrong.distance / 4.2 - 1) > 0.05


def test_a_lit_picture_is_explained_by_the_mesh_in_its_light(mesh):
    light = np.array([2.0, 0, 0, 1.0, 0, 0, 0, 0, 0], np.float32)
    image, mask = picture(mesh, 0.6, 0.2, 4.2, (0.0, 0.0), light[None])
    start = {"azimuth": [0.6], "elevation": [0.2], "distance": [4.2]}
    lit, unlit = (
        fit_camera(meshes(mesh, found), 0, image, mask, start, FOV, steps=(1, 1), learning_rate=1e-6)
        for found in (light, None)
    )
    # What is left is the silhouette's softness, which both have.
    assert lit.loss < 0.5 * unlit.loss
