"""Inception and LPIPS weights from PyTorch files written by the tests, in torchvision's layout."""

import jax
import numpy as np
import pytest

from ganverse_jax.interchange import metric_weights
from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.models.features.inception import Inception
from ganverse_jax.models.features.lpips import LAYERS, TAPS


@pytest.fixture(scope="module")
def inception_state():
    """All arrays of an Inception-v3 state dict; kernels are zero but for one layer."""
    shapes = jax.eval_shape(Inception().init, jax.random.key(0), np.zeros((1, 299, 299, 3), np.float32))
    state = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(shapes["params"]):
        *names, kind = (entry.key for entry in path)
        if kind == "kernel":
            height, width, inputs, outputs = leaf.shape
            name = ".".join(names)
            state[f"{name}.conv.weight"] = np.zeros((outputs, inputs, height, width), np.float32)
            for part in ("weight", "running_var"):
                state[f"{name}.bn.{part}"] = np.ones(outputs, np.float32)
            for part in ("bias", "running_mean"):
                state[f"{name}.bn.{part}"] = np.zeros(outputs, np.float32)
    state["fc.weight"] = np.zeros((1008, 2048), np.float32)
    return state


def test_an_inception_of_94_layers_is_read_with_its_normalisation_folded_in(
    tmp_path, inception_state, write_torch
):
    name, rng = "Mixed_5b.branch5x5_2", np.random.default_rng(0)
    state = dict(inception_state)
    kernel = rng.standard_normal((64, 48, 5, 5)).astype(np.float32)
    scale, shift, mean = rng.standard_normal((3, 64)).astype(np.float32)
    variance = rng.uniform(0.1, 2, 64).astype(np.float32)
    state[f"{name}.conv.weight"] = kernel
    values = {"weight": scale, "bias": shift, "running_mean": mean, "running_var": variance}
    state |= {f"{name}.bn.{part}": value for part, value in values.items()}
    loaded = metric_weights.load_inception(write_torch(tmp_path / "inception.pth", state))
    assert loaded.is_fid
    assert sum("kernel" in layer for layer in jax.tree.leaves(loaded.params, lambda x: "kernel" in x)) == 94
    found = loaded.params["Mixed_5b"]["branch5x5_2"]
    x = rng.standard_normal((5, 5, 48))
    convolved = np.einsum("oihw,hwi->o", kernel.astype(float), x)
    normalised = scale * (convolved - mean) / np.sqrt(variance + 1e-3) + shift
    ours = np.einsum("hwio,hwi->o", found["kernel"].astype(float), x) + found["bias"]
    # 1e-5: the folded kernel is rounded to float32 once, 1200 terms
    np.testing.assert_allclose(ours, normalised, rtol=1e-5, atol=1e-5)


def _without(name):
    return lambda state: state.pop(name)


def _set(name, value):
    return lambda state: state.update({name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without("Mixed_7c.branch_pool.bn.bias"), "Mixed_7c.branch_pool.bn.bias is not among"),
        (
            _set("Conv2d_1a_3x3.conv.weight", np.zeros((32, 1, 3, 3), np.float32)),
            r"Conv2d_1a_3x3.conv.weight has shape \(32, 1, 3, 3\), expected \(32, 3, 3, 3\)",
        ),
        (_set("Mixed_6b.branch1x1.bn.weight", np.full(192, np.nan, np.float32)), "NaN or infinity"),
        (_set("Mixed_6b.branch1x1.bn.running_var", np.full(192, -1, np.float32)), "is negative"),
    ],
)
def test_an_array_that_does_not_fit_is_named(tmp_path, inception_state, write_torch, change, message):
    state = dict(inception_state)
    change(state)
    path = write_torch(tmp_path / "inception.pth", state)
    with pytest.raises(ImportedFileError, match=message):
        metric_weights.load_inception(path)


def test_weights_of_another_classifier_are_no_fid(tmp_path, inception_state, write_torch):
    state = inception_state | {"fc.weight": np.zeros((1000, 2048), np.float32)}
    assert not metric_weights.load_inception(write_torch(tmp_path / "a.pth", state)).is_fid


def test_a_missing_file_says_where_weights_are_to_be_had(tmp_path):
    with pytest.raises(FileNotFoundError, match="pytorch-fid"):
        metric_weights.load_inception(tmp_path / "none.pth")
    with pytest.raises(FileNotFoundError, match="vgg16"):
        metric_weights.load_lpips(tmp_path / "none.pth", tmp_path / "none.pth")


@pytest.fixture(scope="module")
def lpips_states():
    rng, trunk, inputs = np.random.default_rng(0), {}, 3
    for index, outputs in LAYERS.items():
        trunk[f"features.{index}.weight"] = rng.standard_normal((outputs, inputs, 3, 3)).astype(np.float32)
        trunk[f"features.{index}.bias"] = rng.standard_normal(outputs).astype(np.float32)
        inputs = outputs
    widths = [LAYERS[index] for index in TAPS]
    linear = {
        f"lin{i}.model.1.weight": rng.random((1, n, 1, 1)).astype(np.float32) for i, n in enumerate(widths)
    }
    return trunk, linear


def test_lpips_is_read_from_the_trunk_and_its_layers(tmp_path, lpips_states, write_torch):
    trunk, linear = lpips_states
    files = (
        write_torch(tmp_path / "vgg.pth", trunk),
        write_torch(tmp_path / "lin.pth", linear),
    )
    params = metric_weights.load_lpips(*files)
    kernel = params["conv5"]["kernel"]
    np.testing.assert_array_equal(kernel, trunk["features.5.weight"].transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(params["linear4"], linear["lin4.model.1.weight"].ravel())


def test_exchanged_lpips_files_are_noticed(tmp_path, lpips_states, write_torch):
    trunk, linear = lpips_states
    files = (
        write_torch(tmp_path / "vgg.pth", trunk),
        write_torch(tmp_path / "lin.pth", linear),
    )
    with pytest.raises(ImportedFileError, match=r"lin.pth: no VGG16.*features.0.weight"):
        metric_weights.load_lpips(files[1], files[0])
