"""Claims about held-out objects: without one nothing is trained, and only what is measured is asked for."""

import dataclasses

import numpy as np
import pytest

from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics.settings import Training
from tests.stages.tiny_world import run_in


class Begun(Exception):
    """Stands for a training that begins."""


def objects(count):
    object_id, view_id = np.repeat(np.arange(count), 2), np.tile(np.arange(2), count)
    masks = np.full((2 * count, 8, 8), 255, np.uint8)
    views = [{"azimuth_bin": 0}, {"azimuth_bin": 3}]
    return MultiviewSet(np.repeat(masks[..., None], 3, axis=-1), masks, view_id, object_id, views)


@pytest.fixture
def train(tmp_path, monkeypatch):
    def begins(*args):
        raise Begun

    monkeypatch.setattr(inverse_graphics, "starting_network", begins)
    training = Training(num_steps=1, batch_size=1)
    return lambda multiview, **given: inverse_graphics.train(
        run_in(tmp_path), training, inverse_graphics.Given(multiview, 30.0, 4.2, **given)
    )


@pytest.mark.parametrize("count", [1, 4])
def test_a_set_without_a_test_object_is_refused_before_the_training(train, count):
    with pytest.raises(ValueError, match=r"none is in the split test; .* 80 / 10 / 10 %: give 10 objects"):
        train(objects(count))


def test_validation_is_asked_for_where_it_is_measured(train):
    five = objects(5)  # four for training, one for testing
    with pytest.raises(Begun):
        train(five)
    with pytest.raises(ValueError, match="trained on: 4, but none is in the split validation;"):
        train(five, evaluate=dict)
    with pytest.raises(Begun):
        train(objects(10), evaluate=dict)
    with pytest.raises(Begun):  # as Pascal3D's
        train(dataclasses.replace(objects(2), splits={"train": (0,), "test": (1,)}))
