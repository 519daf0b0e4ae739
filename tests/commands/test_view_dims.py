"""Claims about choosing view dimensions: those that a pose follows come first; what cannot be is refused."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from configs import toy_car_round1
from ganverse_jax import stages
from ganverse_jax.commands.view_dims import command as view_dims
from ganverse_jax.commands.view_dims.command import Question
from ganverse_jax.models.perception.pose_regressor import Pose
from ganverse_jax.models.stylegan2.style_space import style_layout, styles_of
from tests.models.stylegan2.test_camera_input import MODULE, generator  # noqa: F401


def test_dimensions_that_tell_the_pose_come_first(generator, monkeypatch):  # noqa: F811
    """Azimuths are made from one dimension of the code, elevations from another."""
    plain, layout = generator._replace(camera=None), style_layout(MODULE, include_torgb=True)
    seen = {}

    class Recorder(NamedTuple):
        gan: object

        def codes(self, seeds, psi):
            seen["w"] = np.random.default_rng(0).standard_normal((len(seeds), 8)).astype(np.float32)
            return seen["w"]

        def pairs(self, view, content):
            return np.zeros((len(view), 16, 16, 3), np.uint8), None

    def pose(images):
        styles = styles_of(MODULE, plain.variables, seen["w"])
        flat = np.concatenate([styles[name] for name in layout.names], axis=1)
        azimuth, elevation = (0.3 * (flat[:, i] - flat[:, i].mean()) / flat[:, i].std() for i in (2, 7))
        return Pose(azimuth, elevation, np.full(len(flat), 4.0))

    monkeypatch.setattr(view_dims, "MultiviewGenerator", Recorder)
    correlation = view_dims.rank(plain, pose, 400, seed=0)
    assert correlation.shape == (layout.view_size,)
    # The sine of an angle of a third of a radian is nearly the angle.
    assert correlation[[2, 7]].min() > 0.99
    assert view_dims.mask_of(plain, correlation, 2).sum() == 2


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({"labels": Path("nowhere")}, "nowhere/pose_regressor.safetensors"),
        ({"counts": [64, 128], "out": Path("out")}, "--out writes a generator of one count"),
        ({"counts": [385]}, r"--counts=385 is not in 1..384"),
    ],
)
def test_what_cannot_be_chosen_is_refused_before_anything_is_measured(tmp_path, asked, shown):
    (tmp_path / "pose_regressor.safetensors").touch()
    question = {"labels": tmp_path, "posed_workdir": tmp_path, "counts": [64]} | asked
    experiment = stages.experiment_of(toy_car_round1.get_config().to_dict())
    with pytest.raises((ValueError, FileNotFoundError), match=shown):
        view_dims.run(experiment, tmp_path, Question(**question))
    assert not (tmp_path / view_dims.FILE).exists()
