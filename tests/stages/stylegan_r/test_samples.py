"""Claims about the fresh samples that StyleGAN-R trains on."""

import jax
import numpy as np
import pytest

from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.networks import Generator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator
from ganverse_jax.stages.multiview_dataset.settings import Filter
from ganverse_jax.stages.stylegan_r.samples import draw_samples
from ganverse_jax.stages.viewpoints.stage import Viewpoints

SIZE, W_DIM, COUNT = 16, 4, 8
DRAW = {"seed": 0, "psi": 0.7}


@pytest.fixture(scope="module")
def generator():
    module = Generator(
        resolution=SIZE, z_dim=W_DIM, w_dim=W_DIM, mapping_layers=1, channel_base=32, channel_max=4
    )
    variables = jax.jit(module.init)(jax.random.key(0), np.zeros((1, W_DIM), np.float32))
    loaded = LoadedGenerator(module, variables, np.zeros(W_DIM, np.float32), "0" * 16, {})
    return MultiviewGenerator(loaded, batch_size=COUNT)


@pytest.fixture(scope="module")
def views():
    w = np.random.default_rng(0).normal(size=(3, W_DIM)).astype(np.float32)
    return Viewpoints([{"azimuth_bin": 4 * i} for i in range(3)], w, "0" * 16)


def _every_other(images):
    masks = np.zeros(images.shape[:3], np.float32)
    masks[::2, 4:12, 4:12] = 1.0
    return masks


def _nothing(images):
    return np.zeros(images.shape[:3], np.float32)


def test_samples_pass_the_filter_and_carry_the_codes_of_their_view(generator, views):
    samples, content_w = draw_samples(generator, _every_other, views, COUNT, **DRAW)
    assert len(samples) == len(content_w) == COUNT // 2
    assert len(np.unique(samples.object_id)) == len(samples)
    same_w = generator.codes(samples.object_id, DRAW["psi"])
    # The same program on the same rows in another order of the batch: equal up to rounding.
    np.testing.assert_allclose(content_w, same_w, rtol=1e-5, atol=1e-6)
    again, _ = generator.pairs(views.w[samples.view_id], content_w)
    assert np.abs(samples.images.astype(int) - again).max() <= 1


def test_samples_are_as_small_as_those_that_the_views_were_chosen_by(generator, views):
    # The square of `_every_other` is a quarter of the picture.
    strict = views._replace(filter=Filter(min_area=0.3))
    with pytest.raises(ValueError, match="kept none"):
        draw_samples(generator, _every_other, strict, COUNT, **DRAW)


def test_no_usable_sample_is_an_error(generator, views):
    with pytest.raises(ValueError, match=f"none of {COUNT} samples"):
        draw_samples(generator, _nothing, views, COUNT, **DRAW)
