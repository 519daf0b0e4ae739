"""Claims about real pictures with self-labelled cameras beside the GAN's pairs."""

import jax
import numpy as np
import pytest

from ganverse_jax.runtime import parallel
from ganverse_jax.scene.cameras import initial_cameras
from ganverse_jax.stages.inverse_graphics import labelled
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics import step as inverse_graphics_step
from ganverse_jax.stages.inverse_graphics.settings import Labelled, Training, Weights
from tests.stages.inverse_graphics.test_offset import NETWORK

SIZE, VIEW = (16, 16), 2


def pictures() -> labelled.LabelledPictures:
    """Four noisy pictures of a square, from one camera."""
    images = np.random.default_rng(0).integers(0, 255, (4, *SIZE, 3), np.uint8)
    masks = np.zeros((4, *SIZE), np.uint8)
    masks[:, 4:12, 3:11] = 255
    cameras = np.tile(np.float32([np.pi / 3, 0.0, 4.2]), (4, 1))
    return labelled.LabelledPictures(images, masks, cameras, 2)


def first_terms(weights: Weights, batch) -> dict[str, float]:
    """What the first step says of a batch; the view VIEW has the camera of `pictures`."""
    training = Training(weights=weights, num_steps=1, sigma_inverse=300.0, margin=0.1)
    optimizer = inverse_graphics_step.make_optimizer(training)
    params = {
        "network": inverse_graphics.init_network(NETWORK, SIZE, 0),
        "cameras": initial_cameras([0, 1, VIEW], 4.2),
    }
    mesh = parallel.data_mesh(1)
    step_at = inverse_graphics_step.make_step_at(NETWORK, optimizer, mesh, training, fov_y=0.52)
    state = parallel.replicate(inverse_graphics_step.initial_state(params, optimizer), mesh)
    return jax.device_get(step_at(0)(state, batch, key=jax.random.key(0))[1])


def test_a_labelled_picture_weighs_half_of_a_pair_that_shows_it_twice():
    """Eq. 2 is the sum of two views' Eq. 1; a labelled picture has one."""
    real = pictures().batch((0, 0))
    pairs = {
        "images": np.stack([real["labelled_images"]] * 2, axis=1),
        "masks": np.stack([real["labelled_masks"]] * 2, axis=1),
        "views": np.full((2, 2), VIEW, np.int32),
    }
    alone = first_terms(Weights(), pairs)
    both = first_terms(Weights(), pairs | real)
    # float32 sums of the same pictures in batches of another size
    np.testing.assert_allclose(both["labelled"], 0.5 * alone["loss"], rtol=1e-5)
    np.testing.assert_allclose(both["loss"], 1.5 * alone["loss"], rtol=1e-5)
    assert "labelled" not in alone
    np.testing.assert_allclose(
        first_terms(Weights(labelled=0.0), pairs | real)["loss"], alone["loss"], rtol=1e-5
    )


def test_a_batch_depends_on_its_key_alone():
    real = pictures()
    first, again, other = (real.batch(key) for key in ((3, 5), (3, 5), (3, 6)))
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name])
    assert any((other[name] != values).any() for name, values in first.items())


def test_labels_that_are_not_there_are_told_before_anything_begins(tmp_path):
    assert labelled.absent(Labelled(), "inverse_graphics") == []
    (line,) = labelled.absent(Labelled(labels=str(tmp_path)), "inverse_graphics")
    assert line.startswith("inverse_graphics.labelled.labels: nothing at") and "or to None" in line
    (tmp_path / "pose_regressor.safetensors").write_bytes(b"no weights")
    (line,) = labelled.absent(Labelled(labels=str(tmp_path)), "inverse_graphics")
    assert "pose_regressor.safetensors" in line


def test_as_many_pictures_as_the_devices_share_are_asked_for(tmp_path):
    run = inverse_graphics.Run(tmp_path, 0, parallel.data_mesh(2), None, "car", None)
    with pytest.raises(ValueError, match="inverse_graphics.labelled.batch_size"):
        labelled.read(run, Labelled(labels="anywhere", batch_size=3))
