"""Objects that do not stand in the middle of their pictures: the cameras learn by how much."""

import jax
import numpy as np
import pytest

from ganverse_jax.data.multiview.set import MultiviewSet, PairSampler, azimuth_bins
from ganverse_jax.models.inverse_graphics.network import InverseGraphics, Prediction
from ganverse_jax.models.inverse_graphics.prediction import render_prediction
from ganverse_jax.runtime import parallel
from ganverse_jax.scene.cameras import (
    as_cameras,
    initial_cameras,
    select_cameras,
    take_cameras,
    with_offsets,
)
from ganverse_jax.scene.meshes import PredictedMeshes, render_meshes
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics import step as inverse_graphics_step
from ganverse_jax.stages.inverse_graphics.settings import Training, Weights

NETWORK = InverseGraphics(
    icosphere_level=2, shape_degree=2, encoder_width=8, encoder_blocks=(1,), code_size=16, shape_hidden=16,
    texture_size=8, texture_channels=(4,), template_scale=(0.6, 0.6, 0.6),
)  # fmt: skip
SIZE = (24, 32)
# Whole pixels (right, up) by which each of four views misses the middle.
PIXELS = np.array([(3, 1), (-2, 2), (1, -3), (-4, 0)])
SHIFTED = 2.0 * PIXELS / np.array(SIZE[::-1])


def shifted_discs(objects=8):
    """Balls of several sizes and colours in the middle, then rolled by PIXELS."""
    generator = np.random.default_rng(0)
    views = len(PIXELS)
    object_id, view_id = np.repeat(np.arange(objects), views), np.tile(np.arange(views), objects)
    y, x = np.meshgrid(*(np.arange(n) + 0.5 - n / 2 for n in SIZE), indexing="ij")
    radius = generator.uniform(5.5, 7.5, objects)[object_id]
    inside = x**2 + y**2 < radius[:, None, None] ** 2
    rolls = [(-PIXELS[view, 1], PIXELS[view, 0]) for view in view_id]
    inside = np.stack([np.roll(disc, roll, (0, 1)) for disc, roll in zip(inside, rolls, strict=True)])
    colour = generator.uniform(50, 255, (objects, 3))[object_id]
    images = np.where(inside[..., None], colour[:, None, None], 20.0).astype(np.uint8)
    bins = [{"id": view, "azimuth_bin": 3 * view} for view in range(views)]
    return MultiviewSet(images, (inside * 255).astype(np.uint8), view_id, object_id, bins)


def without_common_translation(offsets, azimuth):
    """Offsets [k 2] less the projection, seen level, of the translation that explains most of them."""
    zero, one = np.zeros_like(azimuth), np.ones_like(azimuth)
    right = np.stack([np.cos(azimuth), zero, -np.sin(azimuth)], axis=-1) * SIZE[0] / SIZE[1]
    design = np.concatenate([right, np.stack([zero, one, zero], axis=-1)])
    values = np.concatenate(list(offsets.T))
    return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]


@pytest.fixture(scope="module")
def trained():
    multiview = shifted_discs()
    training = Training(
        num_steps=120,
        learning_rate=1e-3,
        camera_learning_rate=1e-2,
        decay=True,
        weights=Weights(flatten=0.1, movement=1.0),
        sigma_inverse=300.0,
        margin=0.1,
    )
    optimizer = inverse_graphics_step.make_optimizer(training)
    params = {
        "network": inverse_graphics.init_network(NETWORK, SIZE, 0),
        "cameras": with_offsets(initial_cameras(azimuth_bins(multiview.views), 4.2)),
    }
    mesh = parallel.data_mesh(1)
    step_at = inverse_graphics_step.make_step_at(NETWORK, optimizer, mesh, training, fov_y=0.52)
    state = parallel.replicate(inverse_graphics_step.initial_state(params, optimizer), mesh)
    pairs = PairSampler(multiview.object_id, multiview.view_id, multiview.fetch, threads=0)
    for step in range(120):
        state, _ = step_at(step)(state, pairs.pair_batch((0, step), 4), key=jax.random.key(step))
        jax.block_until_ready(state)
    return jax.device_get(state)["params"]["cameras"]


def test_offsets_of_shifted_pictures_are_recovered(trained):
    missed = trained["offset"] - SHIFTED
    left = without_common_translation(missed, trained["azimuth"])
    # A quarter of a pixel of the wider side; the discs' own outlines are rounded to whole pixels.
    np.testing.assert_allclose(left, 0, atol=0.25 * 2 / SIZE[1])


def test_the_common_translation_stays_small(trained):
    # Less than a pixel each way: the movement term holds it, and half a pixel remains.
    np.testing.assert_allclose(trained["offset"], SHIFTED, atol=2 / SIZE[0])


def test_training_and_evaluation_see_the_object_at_the_same_place(trained):
    template, view = NETWORK.template, np.array([2, 0, 3])
    vertices = np.tile(template.vertices, (3, 1, 1))
    texture = np.full((3, 8, 16, 3), 0.5, np.float32)
    camera = select_cameras(trained, view, 0.52)
    prediction = Prediction(vertices, 0 * vertices, texture)
    rendered = render_prediction(NETWORK, prediction, camera, SIZE)
    meshes = PredictedMeshes(vertices, texture, template.faces, template.uv, template.uv_faces)
    _, mask = render_meshes(meshes, np.arange(3), take_cameras(as_cameras(trained), view), SIZE, 0.52)
    np.testing.assert_array_equal(mask, rendered.fragments.face_id >= 0)
    middle = {name: value for name, value in as_cameras(trained).items() if name != "offset"}
    _, centred = render_meshes(meshes, np.arange(3), take_cameras(middle, view), SIZE, 0.52)
    assert (mask != centred).any(axis=(1, 2)).all()
