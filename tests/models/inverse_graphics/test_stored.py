"""Claims about a stored inverse graphics network: what does not fit is told of its file, with a remedy."""

import numpy as np
import pytest

from ganverse_jax.runtime.checkpoint import load_weights, save_weights
from ganverse_jax.stages.inverse_graphics.stage import load_folder
from tests.models.inverse_graphics.untrained import NETWORK, untrained, write_network

FRAMING = {"size": [32, 32], "share": 0.25, "centre": [0.5, 0.55]}
CARDS = [
    ({"network": NETWORK | {"newer": 1}}, "its network has settings that this version does not know: newer"),
    ({"network": NETWORK | {"code_size": "wide"}}, "its network settings make no network"),
    ({"network": None}, "its network settings are None"),
    ({"fov_degrees": "30"}, "its fov_degrees is '30', not a number"),
    ({"framing": FRAMING | {"share": 0}}, "its framing is .* not a size"),
    ({"framing": {"size": [32, 32], "centre": [0.5, 0.5]}}, "its framing is .* not a size"),
    (
        {"framing": FRAMING | {"size": [33, 32]}},
        "its network settings make no network .the encoder's last plane",
    ),
]


@pytest.mark.parametrize("card, message", CARDS)
def test_metadata_that_does_not_serve_is_told_of_the_file(card, message, tmp_path):
    with pytest.raises(
        ValueError,
        match=rf"network\.safetensors: {message}.*; give another --network, or delete .*--stages=inv",
    ):
        load_folder(write_network(tmp_path, **card))


def without_cameras(tree):
    del tree["cameras"]


def without_elevation(tree):
    del tree["cameras"]["elevation"]


def without_code(tree):
    del tree["network"]["code"]


def of_another_width(tree):
    tree["network"]["code"]["bias"] = np.zeros(5, np.float32)


def with_nan(tree):
    tree["network"]["code"]["bias"][0] = np.nan


@pytest.mark.parametrize(
    "spoil, message",
    [
        (without_cameras, "it lacks the cameras'"),
        (without_elevation, "it lacks the cameras'"),
        (without_code, "its network lacks .*code/bias"),
        (of_another_width, r"its network/code/bias is float32 \(5,\), not floating \(16,\)"),
        (with_nan, "its network/code/bias holds NaN or infinity"),
    ],
)
def test_parameters_that_do_not_fit_are_told_of_the_file(spoil, message, tmp_path):
    file = write_network(tmp_path) / "network.safetensors"
    tree, card = load_weights(file)
    spoil(tree)
    save_weights(file, tree, card)
    with pytest.raises(ValueError, match=rf"network\.safetensors: {message}.*; give another --network"):
        load_folder(tmp_path)


def test_a_network_comes_back_and_one_that_is_absent_names_stage_and_flag(tmp_path):
    _, params, card = load_folder(write_network(tmp_path, framing=None))
    np.testing.assert_array_equal(params["network"]["code"]["bias"], untrained()["network"]["code"]["bias"])
    assert card["fov_degrees"] == 30.0
    with pytest.raises(FileNotFoundError, match="--stages=inverse_graphics, or correct --workdir .or --net"):
        load_folder(tmp_path / "absent")
