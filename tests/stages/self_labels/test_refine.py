"""Claims about refining shapes and poses together: renders come nearer to the pictures, and both learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor, PoseNet
from ganverse_jax.runtime.loop import Metrics
from ganverse_jax.stages.perception.step import initial_state, make_optimizer
from ganverse_jax.stages.self_labels.refine import read_camera, refine
from ganverse_jax.stages.self_labels.settings import Refine, Settings
from tests.stages.tiny_world import run_in

NETWORK = InverseGraphics(
    icosphere_level=1, encoder_width=8, encoder_blocks=(1,), code_size=8, shape_hidden=8,
    texture_size=8, texture_channels=(4,), template_scale=(0.4, 0.3, 0.8), shape_degree=None,
)  # fmt: skip


def _pictures():
    """Red discs in the middle of grey pictures, and their masks."""
    rows, columns = np.mgrid[:16, :16] - 7.5
    masks = np.stack([(rows**2 + columns**2 < radius**2) * np.uint8(255) for radius in (4, 5, 6, 5)])
    images = np.full((4, 16, 16, 3), 90, np.uint8)
    images[masks > 0] = (200, 30, 30)
    return images, masks


def test_renders_come_nearer_to_the_pictures_and_both_networks_learn(tmp_path):
    images, masks = _pictures()
    inputs = jnp.zeros((1, 16, 16, 3)), jnp.zeros((1, 16, 16, 1))
    params = jax.jit(NETWORK.init)(jax.random.key(0), *inputs)["params"]
    module = PoseNet((8, 8), 8)
    start = initial_state(module, 16, make_optimizer(1e-3, 1), seed=0)["params"]
    pose = LearnedPoseRegressor(
        start, widths=(8, 8), hidden=8, resolution=16, elevation_stats=(0.2, 0.1), distance_stats=(3.5, 0.2)
    )
    settings = Settings(refine=Refine(num_steps=60, batch_size=4, learning_rate=1e-2), log_every=10)
    pictures = {"images": images, "masks": masks, "fov_y": 0.5}
    learned = refine(run_in(tmp_path), settings, NETWORK, params, pose, **pictures)
    losses = [row["loss"] for row in Metrics(tmp_path).read()]
    assert losses[-1] < 0.5 * losses[0]
    for before, after in ((params, learned["network"]), (start, learned["pose"])):
        moved = [np.abs(a - b).max() for a, b in zip(*map(jax.tree.leaves, (before, after)), strict=True)]
        assert max(moved) > 1e-4


def test_a_camera_is_what_the_pose_network_reads():
    class Reader:
        elevation_stats, distance_stats = (0.2, 0.1), (4.0, 0.5)

        def apply(self, params, images):
            return params * jnp.ones((len(images), 1)) + 0 * images.mean()

    read = read_camera(Reader(), jnp.asarray([[1.0, 0.0, 2.0, -1.0]]), jnp.zeros((1, 4, 4, 3)), 0.5)
    assert float(read.azimuth[0]) == pytest.approx(np.pi / 2)
    assert float(read.elevation[0]) == pytest.approx(0.4) and float(read.distance[0]) == pytest.approx(3.5)
