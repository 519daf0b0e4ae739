"""Claims about a camera as input of the coarse layers: what it drives, and that its files come back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.models.stylegan2 import camera_input
from ganverse_jax.models.stylegan2.camera_input import CameraInput
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.networks import Generator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator, load_generator, save_generator

SIZES = dict(resolution=16, z_dim=8, w_dim=8, mapping_layers=2, channel_base=64, channel_max=8)
MODULE = Generator(**SIZES)
CAMERAS = np.array([[0.0, 0.1], [1.0, 0.2], [2.0, 0.3]], np.float32)
CAMERA = CameraInput(2, 2, CAMERAS)


@pytest.fixture(scope="module")
def generator():
    variables = jax.device_get(jax.jit(MODULE.init)(jax.random.key(0), jnp.zeros((1, 8))))
    mapping = CAMERA.mapping(8).init(jax.random.key(1), jnp.zeros((1, 4)))["params"]
    params = variables["params"] | {camera_input.PARAMS: jax.device_get(mapping)}
    w_avg = np.random.default_rng(0).standard_normal(8).astype(np.float32)
    return LoadedGenerator(MODULE, {"params": params, "noise": variables["noise"]}, w_avg, "x", {}, CAMERA)


def test_the_camera_drives_the_coarse_rows_and_the_content_every_row(generator):
    view, content = np.full((1, 8), 3.0, np.float32), np.ones((1, MODULE.num_ws, 8), np.float32)
    ws = np.asarray(CAMERA.ws(view, content, generator.w_avg))
    np.testing.assert_allclose(ws[:, :2], np.broadcast_to(4.0 - generator.w_avg, (1, 2, 8)), rtol=1e-6)
    np.testing.assert_array_equal(ws[:, 2:], content[:, 2:])


def test_a_full_turn_leads_back_to_the_same_code(generator):
    params = generator.variables["params"]
    codes = np.asarray(CAMERA.codes(params, jnp.asarray([[0.3, 0.2], [0.3 + 2 * np.pi, 0.2], [1.3, 0.2]])))
    # float32 rounds an angle of 2 pi to 2e-7; two layers at a learning rate of 0.01 keep it there.
    np.testing.assert_allclose(codes[0], codes[1], atol=1e-5)
    assert np.abs(codes[0] - codes[2]).max() > 1e-3


def test_pictures_of_pairs_are_those_of_the_summed_codes(generator):
    source = MultiviewGenerator(generator, batch_size=2)
    view, content = source.camera_codes(CAMERAS[:2]), source.codes(np.arange(2), 0.7)
    images, _ = source.pairs(view, content)
    rows = np.repeat(content[:, None], MODULE.num_ws, axis=1)
    ws = np.asarray(CAMERA.ws(view, rows, generator.w_avg))
    # Two programs round differently: a grey level of 255.
    np.testing.assert_allclose(images.astype(int), source.images(ws).astype(int), atol=1)


def test_random_views_are_cameras_of_real_pictures_by_seed(generator):
    source = MultiviewGenerator(generator)
    known = source.camera_codes(CAMERAS)
    drawn = source.view_codes(np.arange(20), 1.0)
    nearest = np.abs(drawn[:, None] - known[None]).max(-1)
    assert nearest.min(axis=1).max() < 1e-5 and len(set(nearest.argmin(axis=1))) == 3
    # Another batch shape is another program, with other rounding.
    np.testing.assert_allclose(drawn[5:6], source.view_codes(np.array([5]), 1.0), atol=1e-6)


def test_a_generator_without_camera_refuses_one(generator):
    with pytest.raises(ValueError, match=r"takes no camera; train one with gan\.camera"):
        MultiviewGenerator(generator._replace(camera=None)).camera_codes(CAMERAS)


def test_a_camera_comes_back_from_its_file(generator, tmp_path):
    path = tmp_path / "generator.safetensors"
    save_generator(path, SIZES, generator.variables, generator.w_avg, {}, camera=CAMERA)
    loaded = load_generator(path)
    assert loaded.camera[:2] == CAMERA[:2]
    np.testing.assert_array_equal(loaded.camera.cameras, CAMERAS)
    before, after = (MultiviewGenerator(one).camera_codes(CAMERAS) for one in (generator, loaded))
    np.testing.assert_array_equal(before, after)
    save_generator(path, SIZES, generator.variables, generator.w_avg, {})
    assert load_generator(path).camera is None


def test_contents_are_seen_from_cameras_of_real_pictures_by_number(generator):
    cameras = generator.cameras_of(np.arange(5))
    np.testing.assert_array_equal(cameras, CAMERAS[[0, 1, 2, 0, 1]])
    ws = np.ones((5, MODULE.num_ws, 8), np.float32)
    seen = np.asarray(generator.seen_from(generator.variables, generator.w_avg, ws, cameras))
    assert np.abs(seen[0] - seen[1]).max() > 0 and not np.abs(seen[0] - seen[3]).any()
    plain = generator._replace(camera=None)
    assert plain.cameras_of(np.arange(5)).shape == (5, 0)
    assert plain.seen_from(generator.variables, generator.w_avg, ws, cameras) is ws
