"""Claims about the GAN step with a camera: devices, twins, and that its terms act on the camera's mapping."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganverse_jax.models.stylegan2 import camera_input
from ganverse_jax.models.stylegan2.camera_input import CameraInput
from ganverse_jax.models.stylegan2.stored import arguments_of, save_discriminator, save_generator
from ganverse_jax.runtime import parallel
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.gan.camera_step import CameraPhases
from ganverse_jax.stages.gan.settings import Augment, Camera, DiscriminatorSize, GeneratorSize
from ganverse_jax.stages.gan.step import make_step_at, strided_order
from tests.stages.gan.test_step import DISCRIMINATOR, GENERATOR, SETTINGS, _batch, _initial, fast_compile

CAMERA = CameraInput(2, 2, np.random.default_rng(1).uniform(0, 1, (5, 2)).astype(np.float32))


class Teacher:
    """Reads means of an image's quarters, in place of trained networks."""

    scales = {"shape": 0.1, "texture": 0.2}

    def pose_error(self, images, cameras):
        return jnp.mean(jnp.square(images.mean((1, 2))[:, :2] - cameras))

    def read(self, images):
        return {"shape": images[:, :4].mean(2), "texture": images[:, 4:].mean(2)}


def _settings(**weights):
    camera = Camera(teacher="", layers=2, mapping_layers=2, **weights)
    return dataclasses.replace(SETTINGS, camera=camera, augment=Augment(), path_length_weight=0.0)


def _state():
    state, noise = _initial()
    fresh = CAMERA.mapping(8).init(jax.random.key(2), jnp.zeros((1, 4)))["params"]
    params = state["g"] | {camera_input.PARAMS: fresh}
    return state | {"g": params, "ema": params, "g_optimizer": optax.adam(1.0).init(params)}, noise


@functools.cache
def _step(num_devices, **weights):
    """State after one step, and its metrics."""
    mesh, settings = parallel.data_mesh(num_devices), _settings(**weights)
    state, noise = _state()
    phases = CameraPhases(GENERATOR, DISCRIMINATOR, noise, settings, CAMERA, Teacher())
    with fast_compile():
        step_at = make_step_at(phases, settings, mesh)
    order = strided_order(16, num_devices, 4)
    return jax.device_get(step_at(1)(parallel.replicate(state, mesh), _batch(order), key=jax.random.key(0)))


def _mapping(state):
    return np.concatenate([leaf.ravel() for leaf in jax.tree.leaves(state["g"][camera_input.PARAMS])])


def test_one_and_four_devices_give_the_same_parameters():
    one, four = _step(1), _step(4)
    # As in test_step: rounding of near-zero gradients, through Adam.
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(four), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=3e-5)


def test_every_term_is_told_and_moves_the_cameras_mapping():
    state, metrics = _step(1)
    assert {"pose", "shape", "texture", "loss_g", "loss_d"} <= set(metrics)
    assert all(metrics[name] > 0 for name in ("pose", "shape", "texture"))
    other, _ = _step(1, pose_weight=0.0, shape_weight=0.0, texture_weight=0.0)
    before = _mapping(jax.device_get(_state()[0]))
    assert np.abs(_mapping(state) - before).max() > 0  # the adversarial loss alone moves it too,
    assert np.abs(_mapping(state) - _mapping(other)).max() > 0  # but elsewhere


def test_one_cameras_twins_are_the_same_picture():
    """A turn by nothing adds nothing: what the consistency terms see then differs in nothing."""
    state, noise = _state()
    phases = CameraPhases(GENERATOR, DISCRIMINATOR, noise, _settings(), CAMERA, Teacher())
    cameras = jnp.asarray(CAMERA.cameras)
    ws = jnp.zeros((len(cameras), GENERATOR.num_ws, GENERATOR.w_dim))
    np.testing.assert_array_equal(phases._turned(state["g"], ws, cameras, cameras), 0.0)
    turned = np.asarray(phases._turned(state["g"], ws[:1], cameras[:1], cameras[1:2]))
    assert np.abs(turned[:, :2]).max() > 0 and not turned[:, 2:].any()


def test_cameras_are_those_of_real_pictures_but_for_the_jitter():
    state, noise = _state()
    still = dataclasses.replace(_settings(), camera=Camera(layers=2, mapping_layers=2, jitter_degrees=0.0))
    phases = CameraPhases(GENERATOR, DISCRIMINATOR, noise, still, CAMERA, Teacher())
    drawn = np.asarray(phases._cameras(jax.random.key(3), _batch(np.arange(16))))
    distance = np.abs(drawn[:, None] - CAMERA.cameras[None]).max(-1)
    assert (distance.min(axis=1) == 0).all() and len(set(distance.argmin(axis=1))) > 2


def _of(settings, arguments):
    return settings(**{field.name: arguments[field.name] for field in dataclasses.fields(settings)})


def _first_state(folder, camera):
    """State of a training whose gan.camera is `camera`, that goes on from a generator that takes CAMERA."""
    state, noise = _state()
    sizes, critic_sizes = arguments_of(GENERATOR), arguments_of(DISCRIMINATOR)
    variables = {"params": state["g"], "noise": noise}
    save_generator(folder / "generator.safetensors", sizes, variables, state["w_avg"], {}, camera=CAMERA)
    save_discriminator(folder / "discriminator.safetensors", critic_sizes, {"params": state["d"]}, {})
    settings = dataclasses.replace(
        _settings(),
        camera=camera,
        start_from=str(folder),
        generator=_of(GeneratorSize, sizes),
        discriminator=_of(DiscriminatorSize, critic_sizes),
    )
    return gan._first_state(GENERATOR, DISCRIMINATOR, settings, CAMERA, seed=0)[0]


def test_a_generator_that_takes_a_camera_is_trained_on_with_its_own_mapping(tmp_path):
    begun = _first_state(tmp_path, Camera(layers=2, mapping_layers=2))
    np.testing.assert_array_equal(_mapping(begun), _mapping(_state()[0]))
    moments = begun["g_optimizer"][0].mu
    assert jax.tree.structure(moments) == jax.tree.structure(begun["g"])


@pytest.mark.parametrize(
    "camera", [None, Camera(layers=1, mapping_layers=2), Camera(layers=2, mapping_layers=3)]
)
def test_a_generator_that_takes_a_camera_is_refused_by_settings_that_take_another(tmp_path, camera):
    with pytest.raises(ValueError, match="takes a camera; set gan.camera .* layers=2 and mapping_layers=2"):
        _first_state(tmp_path, camera)
