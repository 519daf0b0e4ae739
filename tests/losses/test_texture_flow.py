"""The flow's loss is zero where every texel that the picture shows points at its own place."""

import jax.numpy as jnp
import numpy as np
import pytest

import rasterizer
from ganverse_jax.losses.texture_flow import flow_loss, surface_texels
from ganverse_jax.models.inverse_graphics.template import mesh_template
from ganverse_jax.models.inverse_graphics.texture_heads import texel_points

TEMPLATE = mesh_template(3)
TEXELS = surface_texels(16, TEMPLATE.faces, TEMPLATE.uv, TEMPLATE.uv_faces)
SIZE = (24, 32)


def camera(azimuth):
    return rasterizer.Camera(*(np.array([x], np.float32) for x in (azimuth, 0.3, 4.0, 0.52)))


def places(azimuth):
    """NDC [1 16 32 2] of the sphere's points, and whether each faces the camera."""
    points = texel_points(16).reshape(1, -1, 3)
    clip = np.asarray(rasterizer.transform(points, camera(azimuth), *SIZE))
    towards = np.asarray(camera(azimuth).eye())[:, None] - points
    facing = (points * towards).sum(axis=-1) > 0
    return (clip[..., :2] / clip[..., 3:]).reshape(1, 16, 32, 2), facing.reshape(1, 16, 32)


def loss(flow, azimuth, symmetric=False):
    vertices = jnp.asarray(TEMPLATE.vertices)[None]
    return float(
        flow_loss(flow, vertices, TEMPLATE.faces, camera(azimuth), SIZE, TEXELS, symmetric=symmetric)
    )


def test_texels_know_their_point_of_the_surface():
    points = np.sum(TEXELS.weights[..., None] * TEMPLATE.vertices[TEXELS.corners], axis=-2)
    on_a_face = TEXELS.weights.sum(axis=-1) > 0
    assert on_a_face[1:-1].all()  # beside the poles, where each face has its own corner
    # A chord of the level 3 icosphere lies at most 0.02 inside the sphere.
    np.testing.assert_allclose(points[1:-1], texel_points(16)[1:-1], atol=0.03)


@pytest.mark.parametrize("azimuth", [0.7, 3.3])
def test_the_true_flow_costs_nothing_and_hidden_texels_are_free(azimuth):
    flow, facing = places(azimuth)
    # Chords again: 0.03 of a world unit is 0.03 of half the picture's height here.
    assert loss(flow, azimuth) < 0.03
    assert loss(np.where(facing[..., None], flow, 9.0), azimuth) < 0.06  # texels that are seen edge-on
    moved = flow + np.array([0.1, -0.2], np.float32)
    assert loss(moved, azimuth) == pytest.approx(0.3, abs=0.03)


def test_of_mirror_images_the_one_that_is_seen_counts():
    flow, _ = places(np.pi / 2)
    right = flow[:, :, 16:]
    mirrored = np.concatenate([right[:, :, ::-1], right], axis=2)
    assert loss(mirrored, np.pi / 2, symmetric=True) < 0.03
    assert loss(mirrored, 3 * np.pi / 2, symmetric=True) > 0.3
