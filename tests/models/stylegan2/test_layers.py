"""Single operations agree with NVIDIA's PyTorch code, values and gradients (golden/stylegan2/ops.npz).

The recording's float32 error is <= 4.2e-7 of the maximum; another order of summation may have 1e-5,
gradients 5e-5.
"""

import json
import math
from functools import partial
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.models import convolution
from ganverse_jax.models.stylegan2.layers import (
    Convolution,
    Dense,
    clamp_values,
    layer_noise,
    leaky_relu,
    minibatch_stddev,
    modulated_convolution,
    normalize_second_moment,
)
from ganverse_jax.models.stylegan2.resample import blur, downsample, upsample

GOLDEN = Path(__file__).parents[2] / "golden" / "stylegan2" / "ops.npz"
OUTPUT_TOLERANCE, GRADIENT_TOLERANCE = 1e-5, 5e-5
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})  # compiles 2.5 times faster


@pytest.fixture(scope="module")
def ops():
    with np.load(GOLDEN) as archive:
        return {key: archive[key] for key in archive.files}


def ours(x):
    """Images NCHW to NHWC; vectors stay."""
    return np.transpose(x, (0, 2, 3, 1)) if x.ndim == 4 else x


def kernel(x):
    return np.transpose(x, (2, 3, 1, 0))


def check(ops, case, function, **arguments):
    """function(**arguments) and its gradients against `case`; each argument is (name, converter)."""
    names = {name: ops[f"{case}/{source}"] for name, (source, _) in arguments.items()}
    values = {name: arguments[name][1](value) for name, value in names.items()}

    @jit
    def run(values):
        y, pullback = jax.vjp(lambda v: function(**v), values)
        return y, pullback(jnp.asarray(ours(ops[f"{case}/dy"])))[0]

    y, gradients = run(values)
    close(y, ours(ops[f"{case}/y"]), OUTPUT_TOLERANCE)
    for name, (source, convert) in arguments.items():
        close(gradients[name], convert(ops[f"{case}/d{source}"]), GRADIENT_TOLERANCE)


def close(actual, expected, tolerance):
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize(("name", "function"), [("upsample2d", upsample), ("downsample2d", downsample)])
def test_resampling_matches(ops, name, function):
    check(ops, f"{name}/1331", function, x=("x", ours))


@pytest.mark.parametrize(
    ("case", "function"),
    [
        ("k3_plain_corr", convolution.convolve),
        ("k3_up2_conv", lambda x, weight: blur(convolution.convolve_up(x, weight), 1, 2.0)),
        ("k3_down2_corr", lambda x, weight: convolution.convolve_down(blur(x, 2), weight)),
        ("k1_down2_corr", lambda x, weight: downsample(x) @ weight[0, 0]),
    ],
)
def test_convolutions_match(ops, case, function):
    check(ops, f"conv2d_resample/{case}_1331", function, x=("x", ours), weight=("w", kernel))


@pytest.mark.parametrize(
    "case",
    ["k3_plain_demod", "k3_plain_nodemod", "k3_up2_demod", "k3_up2_nodemod", "k3_plain_demod_tinystyle"],
)
def test_modulated_convolutions_match(ops, case):
    meta = json.loads(ops[f"modulated_conv2d/{case}/meta"].item())
    function = partial(modulated_convolution, up="up" in meta, demodulate=meta["demodulate"])
    arguments = {"x": ("x", ours), "weight": ("weight", kernel), "style": ("styles", ours)}
    check(ops, f"modulated_conv2d/{case}", function, **arguments)


@pytest.mark.parametrize(
    ("case", "function"),
    [
        ("lrelu_default", leaky_relu),
        # the recorded clamp is absolute, ours is multiplied by the gain
        ("lrelu_gain_clamp", partial(leaky_relu, gain=math.sqrt(0.5), clamp=0.7 / math.sqrt(0.5))),
        ("linear_clamp", partial(clamp_values, clamp=1.25)),
    ],
)
def test_activations_match(ops, case, function):
    check(ops, f"bias_act/{case}", lambda x, b: function(x + b), x=("x", ours), b=("b", ours))


@pytest.mark.parametrize(
    "case", ["n8_g4_f1", "n8_g4_f2", "n4_g4_f1", "n3_g4_f1", "n1_g4_f1", "n6_gNone_f3", "n12_g4_f1"]
)
def test_minibatch_stddev_matches(ops, case):
    meta = json.loads(ops[f"mbstd/{case}/meta"].item())
    check(ops, f"mbstd/{case}", partial(minibatch_stddev, **meta), x=("x", ours))


def test_a_batch_that_splits_into_no_groups_is_refused():
    with pytest.raises(ValueError, match="batch 6 is not divisible by the stddev group 4"):
        minibatch_stddev(jnp.zeros((6, 1, 1, 1)))


@pytest.mark.parametrize("case", ["a", "tiny"])
def test_normalisation_matches(ops, case):
    check(ops, f"normalize_2nd_moment/{case}", normalize_second_moment, x=("x", ours))


@pytest.mark.parametrize(
    ("case", "settings"),
    [
        ("lrelu_lr001", {"activate": True, "lr_multiplier": 0.01}),
        ("linear_biasinit1", {"bias_init": 1.0}),
        ("linear_lr01", {"lr_multiplier": 0.1}),
    ],
)
def test_dense_layers_match(ops, case, settings):
    layer = Dense(7, 5, **settings)

    def function(x, weight, bias):
        return layer.apply({"params": {"weight": weight, "bias": bias}}, x)

    arguments = {"x": ("x", ours), "weight": ("weight", np.transpose), "bias": ("bias", ours)}
    check(ops, f"fully_connected/{case}", function, **arguments)


def second_derivatives(convolve, x, weight):
    """Gradients of a gradient's squared norm, as R1 and path-length regularisation take them."""

    def penalty(x, weight):
        gradient = jax.grad(lambda x: jnp.sum(jnp.sin(convolve(x, weight))))(x)
        weight_gradient = jax.grad(lambda w: jnp.sum(jnp.cos(convolve(x, w))))(weight)
        return jnp.sum(gradient**2) + jnp.sum(weight_gradient**2)

    return jit(jax.grad(penalty, (0, 1)))(x, weight)


@pytest.mark.parametrize(
    ("ours_", "plain", "size"),
    [
        ("convolve", {"window_strides": (1, 1), "padding": "SAME"}, 4),
        ("convolve_down", {"window_strides": (2, 2), "padding": "VALID"}, 5),
        ("convolve_up", {"window_strides": (1, 1), "padding": ((2, 2), (2, 2)), "lhs_dilation": (2, 2)}, 3),
    ],
)
def test_second_derivatives_equal_those_of_the_plain_convolution(ours_, plain, size):
    random = np.random.default_rng(0)
    x = random.standard_normal((2, size, size, 2), np.float32)
    weight = random.standard_normal((3, 3, 2, 3), np.float32) / 4

    def reference(x, weight):
        if ours_ == "convolve_up":
            weight = jnp.flip(weight, (0, 1))
        return jax.lax.conv_general_dilated(x, weight, dimension_numbers=("NHWC", "HWIO", "NHWC"), **plain)

    actual = second_derivatives(getattr(convolution, ours_), x, weight)
    for a, e in zip(actual, second_derivatives(reference, x, weight), strict=True):
        close(a, e, GRADIENT_TOLERANCE)


@pytest.mark.parametrize(("size", "stride"), [(10, 1), (17, 2)])
@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize("band", [64, 16])  # pixels: whole images, and two rows of them
def test_every_way_to_a_weight_gradient_agrees(monkeypatch, batch, size, stride, band):
    monkeypatch.setattr(convolution, "_BLOCK", 128)  # two images of 8 x 8 a block
    monkeypatch.setattr(convolution, "_BAND", band)
    random = np.random.default_rng(0)
    x, cotangent = (random.standard_normal((batch, n, n, 3), np.float32) for n in (size, 8))
    by_matmul = jit(partial(convolution._weight_by_matmul, stride=stride))(x, cotangent)
    by_xla = jit(partial(convolution._weight_by_xla, stride=stride))(x, cotangent)
    close(by_xla, by_matmul, OUTPUT_TOLERANCE)


def test_on_a_cpu_large_planes_go_by_matmul_and_small_ones_by_xla():
    def program(size):
        x, cotangent = jnp.zeros((1, size + 2, size + 2, 8)), jnp.zeros((1, size, size, 8))
        return jit(partial(convolution._weight_gradient, stride=1)).lower(x, cotangent).as_text()

    assert "stablehlo.dot_general" in program(64) and "stablehlo.convolution" not in program(64)
    assert "stablehlo.convolution" in program(32)


@pytest.mark.parametrize(("side", "stride"), [(3, 1), (3, 2), (1, 2)])
def test_a_flax_convolution_keeps_its_values_and_gradients(monkeypatch, side, stride):
    monkeypatch.setattr(convolution, "_LARGE", 1)
    x = np.random.default_rng(0).standard_normal((2, 12, 8, 3), np.float32)
    settings = {"features": 4, "kernel_size": (side, side), "strides": (stride, stride)}
    plain = nn.Conv(**settings)
    ours = nn.Conv(**settings, conv_general_dilated=convolution.conv_general_dilated)
    params = plain.init(jax.random.key(0), x)

    def results(module):
        return jit(jax.value_and_grad(lambda p, x: (module.apply(p, x) ** 2).sum(), (0, 1)))(params, x)

    for actual, expected in zip(*map(jax.tree.leaves, (results(ours), results(plain))), strict=True):
        close(actual, expected, GRADIENT_TOLERANCE)


def test_an_even_image_is_refused_before_the_strided_convolution():
    with pytest.raises(ValueError, match="must be odd"):
        convolution.convolve_down(jnp.zeros((1, 4, 4, 1)), jnp.zeros((3, 3, 1, 1)))


def test_the_clamp_limits_a_convolution_at_clamp_times_gain():
    layer = Convolution(1, 1, 1, gain=0.5, clamp=2.0)
    variables = {"params": {"weight": jnp.full((1, 1, 1, 1), 100.0), "bias": jnp.zeros(1)}}
    assert float(layer.apply(variables, jnp.ones((1, 1, 1, 1))).max()) == 1.0


def test_noise_of_a_sample_follows_its_own_key_and_the_layer():
    @jit
    def draw(key):
        keys = jax.random.split(key, 3)
        draws = layer_noise(keys, 1, 3, 4), layer_noise(keys[1:2], 1, 1, 4), layer_noise(keys, 2, 3, 4)
        return *draws, layer_noise(key, 1, 3, 4)

    noise, of_second_sample, of_next_layer, of_one_key = draw(jax.random.key(0))
    np.testing.assert_array_equal(of_second_sample, noise[1:2])
    assert not np.allclose(of_next_layer, noise)
    assert of_one_key.shape == (3, 4, 4, 1)
