"""The car config's own step, at the paper's size and, smaller, run once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import car
from ganverse_jax import stages
from ganverse_jax.models.features.lpips import LPIPS
from ganverse_jax.models.features.perceptual import lpips_perceptual
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.runtime import parallel
from ganverse_jax.scene.cameras import initial_cameras
from ganverse_jax.stages.inverse_graphics import step as ig_step
from ganverse_jax.stages.inverse_graphics.stage import init_network

EXPERIMENT = stages.experiment_of(car.get_config().to_dict())
SETTINGS, WORLD = EXPERIMENT.stages["inverse_graphics"], EXPERIMENT.world


@pytest.fixture(scope="module")
def perceptual():
    picture = np.zeros((1, 16, 16, 3), np.float32)
    shapes = jax.eval_shape(LPIPS().init, jax.random.key(0), picture, picture)["params"]
    rng = np.random.default_rng(0)

    def draw(leaf):  # LPIPS's weights of its layers, vectors, are never negative
        values = 0.05 * rng.standard_normal(leaf.shape, np.float32)
        return np.abs(values) if len(leaf.shape) == 1 else values

    return lpips_perceptual(jax.tree.map(draw, shapes))


def car_step(perceptual, size, **network):
    """The late step of the config, and its starting state for pictures of `size`, by a function."""
    module = InverseGraphics(**plain(SETTINGS.network) | network)
    optimizer = ig_step.make_optimizer(SETTINGS)
    fov_y = float(np.radians(WORLD.fov_degrees))
    mesh = parallel.data_mesh(1)
    step_at = ig_step.make_step_at(module, optimizer, mesh, SETTINGS, fov_y=fov_y, perceptual=perceptual)

    def start():
        cameras = initial_cameras(np.arange(12), WORLD.distance)
        params = {"network": init_network(module, size, 0), "cameras": cameras}
        return ig_step.initial_state(params, optimizer)

    return step_at(SETTINGS.num_steps), start


@pytest.mark.parametrize(("level", "vertices"), [(3, 642), (4, 2562)])
def test_the_papers_batch_and_size_make_a_program(perceptual, level, vertices):
    top, bottom = EXPERIMENT.stages["gan"].crop
    height, width = bottom - top, 512
    assert (height, width) == (384, 512)
    step, start = car_step(perceptual, (height, width), icosphere_level=level)
    shapes = {"images": (16, 2, height, width, 3), "masks": (16, 2, height, width)}
    batch = {name: jax.ShapeDtypeStruct(shape, np.uint8) for name, shape in shapes.items()}
    batch["views"] = jax.ShapeDtypeStruct((16, 2), np.int32)
    before = jax.eval_shape(start)
    after, metrics = jax.eval_shape(lambda *x: step(*x[:2], key=x[2]), before, batch, jax.random.key(0))
    assert after["params"]["network"]["shape"]["free"]["kernel"].shape[1] == 3 * vertices
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, before)
    # Those of Eq. 1: the paper decodes its textures, and gives a view one camera.
    assert {"colour", "iou", "perceptual", "laplacian", "flatten", "movement"} < set(metrics)
    assert not {"flow", "residual"} & set(metrics)


def test_a_small_step_of_the_config_is_finite(perceptual):
    small = dict(encoder_width=8, encoder_blocks=(1, 1), code_size=16, shape_hidden=16)
    small |= dict(icosphere_level=1, texture_size=8, texture_channels=(4,))
    step, start = car_step(perceptual, (64, 64), **small)
    rng = np.random.default_rng(0)
    masks = np.zeros((2, 2, 64, 64), np.uint8)
    masks[..., 16:48, 12:52] = 255
    batch = {"images": rng.integers(0, 256, (2, 2, 64, 64, 3), np.uint8), "masks": masks}
    batch["views"] = np.arange(4, dtype=np.int32).reshape(2, 2)
    state, metrics = step(parallel.replicate(start(), parallel.data_mesh(1)), batch, key=jax.random.key(0))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((jax.device_get(state), metrics)))
    assert metrics["perceptual"] > 0
