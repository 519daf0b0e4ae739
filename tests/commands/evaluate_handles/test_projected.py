"""Claims about latent optimisation as a renderer: codes of examples are turned and mixed, no more."""

from types import SimpleNamespace

import numpy as np
import pytest

from ganverse_jax.commands.evaluate_handles.measuring import Subject, question
from ganverse_jax.commands.evaluate_handles.projected import SHAPE_LAYERS, LatentOptimisation
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.projection import Projector, draw
from ganverse_jax.stages.stylegan_r.properties import Properties
from tests.commands.untrained_run import SIZE, untrained_generator

COUNT = 3


@pytest.fixture(scope="module")
def renderer():
    source, random = MultiviewGenerator(untrained_generator()), np.random.default_rng(0)
    images = random.integers(0, 256, (COUNT, SIZE, SIZE, 3), np.uint8)
    cameras = np.array([[0.0, 0.1, 4.0], [2.0, 0.1, 4.0]], np.float32)
    codes = np.zeros((COUNT, 0), np.float32)
    shapes = random.normal(size=(COUNT, 5, 3)).astype(np.float32)
    textures = random.random((COUNT, 2, 4, 3)).astype(np.float16)
    views = np.array([0, 1, 0])
    data = Properties(
        images, images[..., 0], views, np.arange(COUNT), shapes, textures, codes, codes[:2], cameras
    )
    views = SimpleNamespace(w=source.codes(np.array([7, 8]), 1.0))
    known = {"azimuth": cameras[:, 0], "elevation": cameras[:, 1]}
    pieces = SimpleNamespace(source=source, views=views, cameras=known)
    return LatentOptimisation(
        pieces, Subject(data, question(data), {}), Projector(num_steps=1, candidates=8)
    ), data


def test_shape_and_texture_are_layers_of_their_own_examples_in_the_nearest_view(renderer):
    neural, data = renderer
    nearly = np.array([[2 * np.pi + 1.9, 0.2, 3.0]], np.float32)
    drawn = neural(nearly, data.shapes[:1], data.textures[2:], data.images[:1], data.masks[:1])
    source = neural.pieces.source
    ws = neural.ws[:1].copy()
    ws[:, SHAPE_LAYERS:] = neural.ws[2:, SHAPE_LAYERS:]
    ws[:, :4] = neural.pieces.views.w[1]
    np.testing.assert_array_equal(255 * drawn, draw(source, ws, np.zeros((1, 0), np.float32)))
    with pytest.raises(KeyError):
        neural(nearly, 2 * data.shapes[:1], data.textures[:1], data.images[:1], data.masks[:1])
