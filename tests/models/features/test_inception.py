"""Inception and LPIPS against an independent PyTorch formulation (tests/golden/inception/README.md)."""

import zlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.models.features import inception
from ganverse_jax.models.features.lpips import LAYERS, LPIPS, TAPS

GOLDEN = Path(__file__).parents[2] / "golden" / "inception"
RECORDED = np.load(GOLDEN / "inception.npz")
BLOCKS = {"A": inception.BlockA(32), "B": inception.BlockB(), "C": inception.BlockC(16)}
BLOCKS |= {"D": inception.BlockD(), "E_mean": inception.BlockE(False), "E_max": inception.BlockE(True)}


def drawn(name, shape):
    """The recording's weights: a stream of random numbers per name."""
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    kind = name.rsplit(".", 1)[1]
    if kind == "running_var":
        return generator.uniform(0.5, 2, shape)
    if kind in ("running_mean", "bias"):
        return 0.2 * generator.standard_normal(shape)
    if kind == "weight" and len(shape) == 1:
        return generator.uniform(0.8, 1.6, shape)
    return generator.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))


def folded(name, shape):
    """Kernel and bias of convolution `name` with its batch normalisation, by the definition of both."""
    height, width, inputs, outputs = shape
    kernel = drawn(f"{name}.conv.weight", (outputs, inputs, height, width))
    parts = ("weight", "bias", "running_mean", "running_var")
    scale, shift, mean, variance = (drawn(f"{name}.bn.{part}", (outputs,)) for part in parts)
    gain = scale / np.sqrt(variance + 1e-3)
    kernel = (kernel * gain[:, None, None, None]).transpose(2, 3, 1, 0)
    return {"kernel": kernel.astype(np.float32), "bias": (shift - gain * mean).astype(np.float32)}


def parameters(module, inputs, prefix=""):
    shapes = jax.eval_shape(module.init, jax.random.key(0), inputs)["params"]

    def layer(path, shape):
        return folded(prefix + ".".join(entry.key for entry in path), shape["kernel"].shape)

    return jax.tree_util.tree_map_with_path(layer, shapes, is_leaf=lambda node: "kernel" in node)


def close(ours, recorded):
    # 1e-5 of the largest: two float32 sums of up to 3456 terms in another order, through at most six layers.
    np.testing.assert_allclose(ours, recorded, rtol=0, atol=1e-5 * np.abs(recorded).max())


@pytest.mark.parametrize("name", BLOCKS)
def test_every_block_gives_the_recorded_numbers(name):
    module, x = BLOCKS[name], RECORDED[f"{name}.x"]
    y = jax.jit(module.apply)({"params": parameters(module, x, f"{name}.")}, x)
    close(np.asarray(y)[..., ::5], RECORDED[f"{name}.y"])


@pytest.mark.slow  # the whole network takes half a minute to compile
def test_the_whole_network_gives_the_recorded_numbers_layer_by_layer():
    images = inception.inception_input(jnp.asarray(RECORDED["images"]))
    module = inception.Inception()
    params = parameters(module, images)
    features, seen = module.apply({"params": params}, images, capture_intermediates=True)
    layers = [name.removeprefix("layer.") for name in RECORDED if name.startswith("layer.")]
    assert len(layers) == 16
    for name in layers:
        y = np.asarray(seen["intermediates"][name]["__call__"][0])[0]
        y = np.maximum(y, 0)  # a stem layer's output is taken before its ReLU
        steps = [max(1, size // part) for size, part in zip(y.shape, (3, 3, 4), strict=True)]
        recorded = RECORDED[f"layer.{name}"]
        # 3e-5: as `close`, through up to 47 layers.
        np.testing.assert_allclose(
            y[:: steps[0], :: steps[1], :: steps[2]], recorded, rtol=0, atol=3e-5 * np.abs(recorded).max()
        )
    recorded = RECORDED["features"]
    np.testing.assert_allclose(features, recorded, rtol=0, atol=3e-5 * np.abs(recorded).max())


def test_pictures_are_resized_as_tensorflow_1_does():
    resized = np.asarray(inception.inception_input(jnp.asarray(RECORDED["images"]))) * 128 + 128
    # 1e-4 of 255: float32 weights against the recording's float64 loops
    np.testing.assert_allclose(resized[:, ::13, ::13], RECORDED["resized"], rtol=0, atol=1e-4 * 255)


def test_the_resize_has_no_half_pixel_centres():
    doubled = inception.resize_matrix(2, 4) @ np.array([0.0, 1.0])
    assert doubled.tolist() == [0.0, 0.5, 1.0, 1.0]


def test_a_picture_of_the_networks_size_is_left_as_it_is():
    assert (inception.resize_matrix(299, 299) == np.eye(299)).all()


def lpips_parameters():
    params, inputs = {}, 3
    for index, outputs in LAYERS.items():
        kernel = drawn(f"features.{index}.weight", (outputs, inputs, 3, 3)).transpose(2, 3, 1, 0)
        bias = drawn(f"features.{index}.bias", (outputs,))
        params[f"conv{index}"] = {"kernel": kernel.astype(np.float32), "bias": bias.astype(np.float32)}
        inputs = outputs
    for number, index in enumerate(TAPS):
        weight = np.abs(drawn(f"lin{number}.model.1.weight", (1, LAYERS[index], 1, 1)))
        params[f"linear{number}"] = weight.reshape(-1).astype(np.float32)
    return params


def test_lpips_gives_the_recorded_distances():
    recorded = np.load(GOLDEN / "lpips.npz")
    distance = jax.jit(LPIPS().apply)({"params": lpips_parameters()}, recorded["a"], recorded["b"])
    # 1e-5: means of float32 numbers after thirteen convolutions
    np.testing.assert_allclose(distance, recorded["distance"], rtol=1e-5)
    assert recorded["distance"].min() > 0.01


def test_lpips_refuses_images_that_four_halvings_leave_nothing_of():
    with pytest.raises(ValueError, match="at least 16"):
        LPIPS().init(jax.random.key(0), jnp.zeros((1, 8, 64, 3)), jnp.zeros((1, 8, 64, 3)))
