"""The inverse graphics step: equal on any number of devices, and it learns what Eq. 1 asks for."""

import dataclasses
from types import SimpleNamespace

import jax
import numpy as np
import pytest

import rasterizer
from ganverse_jax.data.multiview.set import MultiviewSet, PairSampler, azimuth_bins
from ganverse_jax.losses.mesh import mesh_topology
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.inverse_graphics.prediction import predict_in_batches
from ganverse_jax.pipeline import settings
from ganverse_jax.runtime import parallel
from ganverse_jax.scene.cameras import initial_cameras
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics import step as inverse_graphics_step
from ganverse_jax.stages.inverse_graphics.settings import Training, Weights

NETWORK = dict(
    icosphere_level=1, shape_degree=2, encoder_width=8, encoder_blocks=(1,), code_size=16, shape_hidden=16,
    texture_size=8, texture_channels=(4,), template_scale=(0.6, 0.6, 0.6),
)  # fmt: skip
TRAINING = Training(
    weights=Weights(flatten=0.1, movement=0.1), num_steps=100, learning_rate=2e-3, camera_learning_rate=1e-3,
    sigma_inverse=300.0, margin=0.1,
)  # fmt: skip


def disc_set(objects=12, views=3, size=16):
    """Ellipses of random size and colour: pictures a ball explains.

    They lie off the centre: a symmetric scene has gradients that are zero but for rounding, and Adam's first
    step makes them as large as the others.
    """
    generator = np.random.default_rng(0)
    n = objects * views
    object_id, view_id = np.repeat(np.arange(objects), views), np.tile(np.arange(views), objects)
    radius = generator.uniform(0.5, 0.8, objects)[object_id]
    grid = (np.arange(size) + 0.5) / size * 2 - 1
    down, right = grid[None, :, None] - 0.17, 1.3 * (grid[None, None] + 0.11 + 0.23 * grid[None, :, None])
    inside = down**2 + right**2 < radius[:, None, None] ** 2
    colour = generator.uniform(50, 255, (objects, 3))[object_id]
    images = np.where(inside[..., None], colour[:, None, None], 20.0).astype(np.uint8)
    views_list = [{"id": view, "azimuth_bin": 4 * view} for view in range(views)]
    assert len(images) == n
    return MultiviewSet(images, (inside * 255).astype(np.uint8), view_id, object_id, views_list)


def build(num_devices, multiview=None, network=None, **changes):
    multiview, network = multiview or disc_set(), InverseGraphics(**(NETWORK | (network or {})))
    training = dataclasses.replace(TRAINING, **changes)
    optimizer = inverse_graphics_step.make_optimizer(training)
    params = {
        "network": inverse_graphics.init_network(network, (16, 16), 0),
        "cameras": initial_cameras(azimuth_bins(multiview.views), 4.2),
    }
    mesh = parallel.data_mesh(num_devices)
    step_at = inverse_graphics_step.make_step_at(network, optimizer, mesh, training, fov_y=0.52)
    state = parallel.replicate(inverse_graphics_step.initial_state(params, optimizer), mesh)
    return state, step_at, PairSampler(multiview.object_id, multiview.view_id, multiview.fetch, threads=0)


def advance(state, step_at, pairs, steps):
    history = []
    for step in range(steps):
        state, metrics = step_at(step)(state, pairs.pair_batch((0, step), 4), key=jax.random.key(step))
        jax.block_until_ready(state)
        history.append(jax.device_get(metrics))
    return jax.device_get(state), history


def test_a_shape_that_vanishes_does_not_pass_for_the_picture():
    picture, mask = np.full((1, 4, 4, 3), 0.5, np.float32), np.zeros((1, 4, 4, 1), np.float32)
    mask[:, 1:3, 1:3] = 1.0
    nothing = SimpleNamespace(rgb=np.zeros_like(picture), mask=np.zeros_like(mask))
    composite = inverse_graphics_step.in_place_of_object(nothing, picture, mask)
    np.testing.assert_array_equal(composite, 0.5 * (1.0 - mask) * np.ones(3))


@pytest.fixture(scope="module")
def one_device():
    return advance(*build(1), 25)


def test_one_and_four_devices_take_the_same_step(one_device):
    _, four = advance(*build(4), 2)
    for step in range(2):
        for name, value in four[step].items():
            # Means over 4 shards are summed in another order: float32 rounding, through one Adam step, which
            # makes more of it where gradients are near zero; 1e-5 was measured.
            np.testing.assert_allclose(value, one_device[1][step][name], rtol=5e-4, err_msg=name)


def test_micro_batches_take_the_step_of_the_whole_batch(one_device):
    _, split = advance(*build(2, micro_batches=2), 2)  # four parts, as on four devices
    for step in range(2):
        for name, value in split[step].items():
            np.testing.assert_allclose(value, one_device[1][step][name], rtol=5e-4, err_msg=name)


def test_training_lowers_the_loss(one_device):
    history = one_device[1]
    assert np.mean([m["loss"] for m in history[-5:]]) < 0.9 * history[0]["loss"]
    assert all(np.isfinite(list(m.values())).all() for m in history)


def test_cameras_learn_at_their_own_rate(one_device):
    cameras = one_device[0]["params"]["cameras"]
    moved = np.abs(cameras["log_distance"] - np.log(4.2))
    # Adam moves at most about the rate, 1e-3, per step.
    assert 0 < moved.max() < 25 * 1.2e-3


def test_the_average_lags_behind_the_parameters(one_device):
    state = one_device[0]
    leaves = jax.tree.leaves(
        jax.tree.map(lambda a, b: np.abs(a - b).max(), state["params"], state["average"])
    )
    assert 0 < max(leaves) < 0.05


def test_cameras_stand_still_until_their_start():
    training = Training(num_steps=10, learning_rate=1e-3, camera_learning_rate=1e-2, camera_start=2)
    optimizer = inverse_graphics_step.make_optimizer(training)
    params = {"network": np.ones(1, np.float32), "cameras": np.ones(1, np.float32)}
    state, moved = optimizer.init(params), []
    for _ in range(4):
        updates, state = optimizer.update(params, state, params)
        moved.append(float(updates["cameras"][0]))
    assert moved[:2] == [0, 0] and moved[2] < 0 and moved[3] < 0


def test_unknown_loss_weights_are_named():
    with pytest.raises(ValueError, match="weights.color is no setting; did you mean .*weights.colour"):
        settings.build(Training, {"weights": {"color": 1.0}}, "inverse_graphics")


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_the_unseen_view_counts_as_much_as_its_weight_says(weight):
    seen, unseen = np.float32(0.5), np.float32(0.75)  # differences of the two views' pictures from black
    images = np.stack([np.full((4, 4, 3), value, np.float32) for value in (seen, unseen)] * 2)
    masks = np.ones((4, 4, 4, 1), np.float32)
    prediction = SimpleNamespace(
        displacements=np.zeros((2, 3, 3), np.float32), vertices=np.eye(3, dtype=np.float32)[None]
    )
    terms = inverse_graphics_step.loss_terms(
        prediction,
        SimpleNamespace(rgb=np.zeros_like(images), mask=masks),
        images,
        masks,
        mesh_topology(np.array([[0, 1, 2], [0, 2, 1]]), 3),
        perceptual=lambda image, rendered, mask: (image - rendered * mask).max(),
        both_views=True,
        multiview_weight=weight,
    )
    for name in ("colour", "perceptual"):
        # float32 rounding of a mean.
        np.testing.assert_allclose(terms[name], 0.5 * (seen + weight * unseen), rtol=1e-6, err_msg=name)


def test_a_negative_multiview_weight_is_refused():
    with pytest.raises(ValueError, match="multiview_weight = -1.0; set it to 0 or more"):
        settings.build(Training, {"multiview_weight": -1.0}, "inverse_graphics")


def test_a_long_gradient_is_shortened_and_a_short_one_kept():
    gradient = {"a": np.full(4, 3.0, np.float32), "b": np.full((5,), 4.0, np.float32)}
    length = np.sqrt(4 * 9 + 5 * 16)
    clipped, norm = inverse_graphics_step.clip_gradient(gradient, 2.0)
    # float32 rounding of a root and two products.
    np.testing.assert_allclose(norm, length, rtol=1e-6)
    np.testing.assert_allclose(clipped["b"], 4.0 * 2.0 / length, rtol=1e-6)
    kept, _ = inverse_graphics_step.clip_gradient(gradient, 20.0)
    jax.tree.map(np.testing.assert_array_equal, kept, gradient)


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_a_gradient_that_is_not_finite_shows_in_its_norm(value):
    _, norm = inverse_graphics_step.clip_gradient({"a": np.array([1.0, value], np.float32)}, 1.0)
    assert not np.isfinite(norm)


def test_a_limit_out_of_reach_changes_nothing_but_is_logged(one_device):
    state, history = advance(*build(1, clip_norm=1e6), 2)
    for step in range(2):
        norm = history[step].pop("gradient_norm")
        assert 0 < norm < 1e6
        for name, value in history[step].items():
            # Another program of the same sums: float32 rounding through one Adam step, as above.
            np.testing.assert_allclose(value, one_device[1][step][name], rtol=5e-4, err_msg=name)


def test_a_limit_of_zero_is_refused():
    with pytest.raises(ValueError, match="clip_norm = 0.0; set it above 0"):
        settings.build(Training, {"clip_norm": 0.0}, "inverse_graphics")


def lit_spheres(objects=12, views=3, size=16):
    """Grey balls as large as the template, all in one light from +x, seen from three sides."""
    template = InverseGraphics(**NETWORK).template
    azimuth = np.arange(views) * 2 * np.pi / views
    camera = rasterizer.Camera(*(np.broadcast_to(x, views).astype("f4") for x in (azimuth, 0.0, 4.2, 0.52)))
    vertices = np.broadcast_to(template.vertices, (views, *template.vertices.shape))
    light = np.zeros((1, 9), np.float32)
    light[0, [0, 3]] = 3.0, 0.8
    grey = np.full((1, 2, 2, 3), 0.5, np.float32)
    mesh = vertices, template.faces, template.uv, template.uv_faces, grey
    rendered = rasterizer.render(*mesh, camera, size, size, lighting=light)
    images = np.asarray(255 * rendered.rgb, np.uint8)
    masks = np.asarray(255 * (rendered.fragments.face_id >= 0), np.uint8)
    view_id = np.tile(np.arange(views), objects)
    views_list = [{"id": view, "azimuth_bin": 4 * view} for view in range(views)]
    object_id = np.repeat(np.arange(objects), views)
    return MultiviewSet(images[view_id], masks[view_id], view_id, object_id, views_list)


def test_a_lit_network_learns_a_light_that_its_symmetric_texture_cannot_hold():
    multiview = lit_spheres()
    state, history = advance(*build(1, multiview, {"lighting": True}), 40)
    assert history[-1]["loss"] < 0.6 * history[0]["loss"]
    network = InverseGraphics(**NETWORK, lighting=True)
    params = state["params"]["network"]
    found = predict_in_batches(network, params, multiview.images[:3], multiview.masks[:3])
    assert (found.light[:, 3] > 0.1).all()  # the harmonic of x


@pytest.mark.parametrize("texture", ["flow", "flow_and_colour"])
def test_a_texture_flow_learns_where_the_picture_shows_the_object(texture):
    state, history = advance(*build(1, network={"texture": texture}), 25)
    assert history[-1]["flow"] < 0.7 * history[0]["flow"]
    assert np.mean([m["loss"] for m in history[-5:]]) < 0.9 * history[0]["loss"]


def test_a_texture_flow_takes_the_same_step_on_four_devices():
    network = {"texture": "flow_and_colour"}
    (_, one), (_, four) = (advance(*build(n, network=network), 2) for n in (1, 4))
    for first, other in zip(one, four, strict=True):
        for name, value in other.items():
            np.testing.assert_allclose(value, first[name], rtol=5e-4, err_msg=name)  # as above
