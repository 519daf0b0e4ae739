"""One tiny random GAN for the tests of its views and sets: compiling a second costs most."""

import dataclasses
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.networks import Generator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset
from ganverse_jax.stages.viewpoints import stage as viewpoints
from tests.stages.tiny_world import DATASET, DRAWING, VIEWS, brightness_angle, centred_disc, run_in


@pytest.fixture(scope="session")
def generator():
    module = Generator(resolution=16, z_dim=8, w_dim=8, mapping_layers=1, channel_base=64, channel_max=8)
    shapes = jax.eval_shape(module.init, jax.random.key(0), np.zeros((1, 8), np.float32))
    rng = np.random.default_rng(0)
    variables = jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape).astype(np.float32), dict(shapes))
    gan = LoadedGenerator(module, variables, np.zeros(8, np.float32), "tiny", {})
    return MultiviewGenerator(gan, batch_size=8)


@pytest.fixture
def stages(monkeypatch, generator, tmp_path):
    """Run either stage in a fresh workdir with the upstream stages replaced."""

    def perception(workdir):
        return SimpleNamespace(segmenter=centred_disc, pose_regressor=brightness_angle)

    monkeypatch.setattr(viewpoints.gan_stage, "load_drawing", lambda workdir: DRAWING)
    for stage in (viewpoints, multiview_dataset):
        monkeypatch.setattr(stage.gan_stage, "load", lambda workdir: (generator.gan, None))
        monkeypatch.setattr(stage.perception_stage, "load", perception)
        monkeypatch.setattr(stage, "MultiviewGenerator", lambda gan, **_: generator)

    def run(stage, **changes):
        settings = VIEWS if stage is viewpoints else DATASET
        stage.run(run_in(tmp_path), dataclasses.replace(settings, **changes))
        return tmp_path

    return run
