"""Claims about latent optimisation, on a GAN of 32 pixels with random weights."""

import jax
import numpy as np
import pytest

from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.projection import Projector, draw, project, turned
from tests.commands.untrained_run import untrained_generator


@pytest.fixture(scope="module")
def source():
    gan = untrained_generator()

    def louder(path, weight):
        """Codes that differ and matter, and colours that no byte clips."""
        name = jax.tree_util.keystr(path)
        affine = "affine" in name
        times = 100 if "mapping" in name else 4 if affine else 0.3 if "torgb" in name else 1
        return weight if affine and "bias" in name else times * weight

    params = jax.tree_util.tree_map_with_path(louder, gan.variables["params"])
    return MultiviewGenerator(gan._replace(variables=gan.variables | {"params": params}))


@pytest.fixture(scope="module")
def pictures(source):
    w = source.codes(np.array([901, 902]), 1.0)  # none of the candidates
    ws = np.repeat(w[:, None], source.module.num_ws, axis=1)
    ws[:, 2:] = ws[::-1, 2:]  # no one code draws them
    return draw(source, ws, np.zeros((2, 0), np.float32))


def _error(found, pictures):
    return np.square(found.pictures.astype(float) - pictures).mean()


def test_descent_comes_nearer_than_the_nearest_sample_and_more_codes_nearer_still(source, pictures):
    near, one, each = (
        project(source, pictures, Projector(space=space, num_steps=steps, candidates=32))
        for space, steps in (("w", 1), ("w", 60), ("w+", 60))
    )
    assert np.ptp(one.ws, axis=1).max() == 0 < np.ptp(each.ws, axis=1).max()
    assert _error(one, pictures) < 0.8 * _error(near, pictures)
    assert _error(each, pictures) < 0.7 * _error(one, pictures)
    assert _error(each, pictures) < 1.5 / 12  # of rounding to bytes alone: 1/12


def test_a_picture_is_projected_alike_whatever_others_there_are(source, pictures):
    def perceptual(target, made, mask):  # as ours, a mean over the batch
        return np.abs(1.0) * ((target - made) ** 2).mean()

    how = Projector(space="w", num_steps=20, candidates=32, perceptual=perceptual)
    both, alone = project(source, pictures, how), project(source, pictures[1:], how)
    np.testing.assert_allclose(both.ws[1:], alone.ws, atol=1e-4)  # Adam magnifies float32's rounding


def test_another_view_takes_the_place_of_the_view_layers_alone(source, pictures):
    found = project(source, pictures, Projector(num_steps=1, candidates=8))
    views = source.codes(np.array([5, 6]), 1.0)
    mixed = found.ws.copy()
    mixed[:, :4] = views[:, None]
    np.testing.assert_array_equal(turned(source, found.ws, views), draw(source, mixed, found.cameras))


def test_pictures_of_another_size_are_refused(source, pictures):
    with pytest.raises(ValueError, match="pictures of 16 x 16 are not of the generator's 32 x 32; crop them"):
        project(source, pictures[:, ::2, ::2], Projector())
