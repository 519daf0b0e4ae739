"""Claims about the training of the recogniser: what it learns from, and what it leaves."""

import numpy as np
import pytest

from ganverse_jax.commands.recognise import command as recognition
from ganverse_jax.commands.recognise import pictures
from ganverse_jax.models.perception.recogniser import Recogniser


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("recogniser")
    training = recognition.Training(num_renders=16, num_steps=4, log_every=2, save_every=2, batch_size=8)
    return workdir, training, recognition.run(workdir, training)


def test_a_training_leaves_a_network_of_every_world(trained):
    workdir, training, scores = trained
    network = Recogniser.load(workdir / recognition.FILE)
    assert list(network.classes) == recognition.worlds() == list(scores)
    side = training.resolution
    assert network(np.zeros((3, side, side, 3), np.uint8)).shape == (3, len(network.classes))
    assert all(0 <= share <= 1 for share in scores.values())


def test_pictures_show_the_object_that_their_label_names_or_none():
    one = np.full((12, 8, 8, 3), 250, np.uint8), np.zeros((12, 8, 8), np.uint8)
    one[1][:, 2:6, 2:6] = 255
    renders = {
        "bright": pictures.Renders(*one, np.full((3, 8, 8, 3), 20, np.uint8)),
        "dark": pictures.Renders(one[0] // 50, one[1], np.full((3, 8, 8, 3), 30, np.uint8)),
    }
    made = pictures.compose(renders, 400, seed=1)
    empty = made["label"].sum(axis=1) == 0
    assert 0.15 < empty.mean() < 0.35 and abs(made["label"].mean(axis=0) - 0.375).max() < 0.1
    assert 0.3 < made["mask"][empty].any(axis=(1, 2)).mean() < 0.7  # blobs
    middle = made["image"][:, 3:5, 3:5]
    assert (middle[made["label"][:, 0] == 1] == 250).all() and (middle[made["label"][:, 1] == 1] == 5).all()
    # Half of the objects stand in another place than their own.
    assert 0.3 < (made["image"][~empty, 0, 0] % 245 == 5).all(axis=1).mean() < 0.7


def test_backdrops_show_no_object():
    from ganverse_jax import classes

    world = classes.make_world("car", 32)
    found = pictures.render(world, 8)
    assert found.backdrops.shape == (2, 32, 32, 3) and (found.masks > 127).any(axis=(1, 2)).all()
    far = world.render_views(np.arange(2), np.array([0.0, np.pi]), np.radians(10.0), pictures.FAR)
    assert (far["mask"] > 127).mean() < 0.01
