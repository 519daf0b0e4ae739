"""Pictures of one view that stand off its camera, each by its own: residuals are read off the pictures."""

import functools

import jax
import numpy as np
import pytest

from ganverse_jax.data.multiview.set import MultiviewSet, azimuth_bins
from ganverse_jax.models.inverse_graphics.camera_residual import UNITS, CameraResidual, moved_cameras
from ganverse_jax.models.inverse_graphics.prediction import predict_in_batches
from ganverse_jax.runtime import parallel
from ganverse_jax.scene.cameras import initial_cameras, with_offsets
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics import step as inverse_graphics_step
from ganverse_jax.stages.inverse_graphics.measures import measure, picture_cameras
from ganverse_jax.stages.inverse_graphics.settings import Training, Weights
from tests.stages.inverse_graphics.test_offset import NETWORK

SIZE = (32, 32)
OBJECTS, VIEWS, STEPS, BATCH = 40, 4, 200, 8
# Whole pixels (right, up) by which each picture misses the middle of its view.
PIXELS = np.random.default_rng(1).integers(-3, 4, (OBJECTS * VIEWS, 2))


def rolled_discs() -> MultiviewSet:
    """Balls of one size in the middle, each picture then rolled by its own PIXELS."""
    y, x = np.meshgrid(*(np.arange(n) + 0.5 - n / 2 for n in SIZE), indexing="ij")
    disc = x**2 + y**2 < 8.0**2
    inside = np.stack([np.roll(disc, (-up, right), (0, 1)) for right, up in PIXELS])
    object_id, view_id = np.divmod(np.arange(OBJECTS * VIEWS), VIEWS)
    images = np.where(inside[..., None], np.uint8([200, 80, 60]), np.uint8(20))
    views = [{"id": view, "azimuth_bin": 3 * view} for view in range(VIEWS)]
    return MultiviewSet(images, (inside * 255).astype(np.uint8), view_id, object_id, views)


@functools.cache
def trained():
    """Parameters after a short training on the discs."""
    multiview = rolled_discs()
    training = Training(
        num_steps=STEPS, learning_rate=2e-3, camera_learning_rate=1e-2, decay=True, camera_residual=True,
        weights=Weights(flatten=0.1, movement=1.0, residual=0.01), sigma_inverse=300.0, margin=0.1,
    )  # fmt: skip
    optimizer = inverse_graphics_step.make_optimizer(training)
    params = {
        "network": inverse_graphics.init_network(NETWORK, SIZE, 0),
        "cameras": with_offsets(initial_cameras(azimuth_bins(multiview.views), 4.2)),
        "residual": inverse_graphics.init_network(CameraResidual(), SIZE, 0),
    }
    mesh = parallel.data_mesh(1)
    step_at = inverse_graphics_step.make_step_at(NETWORK, optimizer, mesh, training, fov_y=0.52)
    state = parallel.replicate(inverse_graphics_step.initial_state(params, optimizer), mesh)
    pairs = multiview.training_pairs()
    for step in range(STEPS):
        state, _ = step_at(step)(state, pairs.pair_batch((0, step), BATCH), key=jax.random.key(step))
        jax.block_until_ready(state)
    return jax.device_get(state)["params"]


def test_each_pictures_own_shift_is_read_off_it():
    held_out = rolled_discs().split("test")
    rows = rolled_discs().rows_of("test")
    offsets = picture_cameras(trained(), held_out)["offset"]
    shifts = 2.0 * PIXELS[rows] / SIZE[0]
    without = picture_cameras(trained(), held_out, residual=False)["offset"]
    # Two thirds of the shifts, and more, on pictures that were not trained on; a turn of the camera and the
    # penalty take the rest.
    assert np.abs(offsets - shifts).mean() < np.abs(without - shifts).mean() / 3


def test_a_views_camera_takes_the_mean_of_its_pictures():
    multiview = rolled_discs()
    pictures = multiview.images, multiview.masks
    residual = predict_in_batches(CameraResidual(), trained()["residual"], *pictures) * UNITS
    means = np.stack([residual[multiview.view_id == view, 3:].mean(axis=0) for view in range(VIEWS)])
    assert np.abs(means).max() < 0.3 * residual[:, 3:].std()


def test_figures_are_told_with_and_without_the_residual():
    figures = measure(NETWORK, trained(), rolled_discs(), 0.52, None, None).figures
    for name in ("iou_2d", "iou_2d_other_view"):
        assert figures[name] > figures[f"{name}_without_residual"] + 0.05


def test_a_fresh_residual_moves_nothing():
    multiview = rolled_discs()
    fresh = inverse_graphics.init_network(CameraResidual(), SIZE, 0)
    read = predict_in_batches(CameraResidual(), fresh, multiview.images[:5], multiview.masks[:5])
    np.testing.assert_array_equal(read, np.zeros((5, 5)))


@pytest.mark.parametrize("offset", [False, True])
def test_a_residual_adds_to_every_parameter_of_a_camera(offset):
    cameras = {"azimuth": np.zeros(2), "elevation": np.ones(2), "log_distance": np.zeros(2)}
    cameras |= {"offset": np.full((2, 2), 0.1)} if offset else {}
    moved = moved_cameras(cameras, np.ones((2, 5)))
    np.testing.assert_allclose(moved["elevation"], 1 + UNITS[1])
    np.testing.assert_allclose(moved["log_distance"], UNITS[2])
    np.testing.assert_allclose(moved["offset"], UNITS[3] + 0.1 * offset)
