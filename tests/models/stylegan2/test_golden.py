"""The port agrees with NVIDIA's PyTorch code on recorded numbers (tests/golden/stylegan2).

Tolerances: the recording's own float32 error is <= 4.2e-7 of the maximum on ops and 1.1e-6 on images,
3e-6 on gradients. Another order of summation is allowed ten times that: 1e-5 on outputs, 5e-5 on
gradients. Compiled without LLVM optimisation, which is 2.5 times faster to compile and equally exact.
"""

import json
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.interchange.stylegan2.parameters import (
    discriminator_from_torch_state,
    generator_from_torch_state,
)
from ganverse_jax.models.stylegan2.networks import Discriminator, Generator, truncate

GOLDEN = Path(__file__).parents[2] / "golden" / "stylegan2"
OUTPUT_TOLERANCE = 1e-5
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def load(name):
    with np.load(GOLDEN / f"{name}.npz") as archive:
        return {key: archive[key] for key in archive.files}


def nhwc(x):
    return np.transpose(x, (0, 2, 3, 1))


def assert_close(actual, expected, tolerance=OUTPUT_TOLERANCE):
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.fixture(scope="module")
def generator():
    return Generator(32, 64, 64, 8, 512, 32)


@pytest.fixture(scope="module")
def bundle():
    return generator_from_torch_state(load("tiny_g_state"))


@pytest.fixture(scope="module")
def variables(bundle):
    return {"params": bundle["params"], "noise": bundle["noise"]}


@pytest.fixture(scope="module")
def recorded():
    return load("tiny_g_io")


@pytest.fixture(scope="module")
def synthesis(generator, variables):
    """ws [8 8 64] to (const-noise images, noiseless images, styles), compiled once."""

    @jit
    def run(ws):
        styles = generator.apply(variables, ws, method="styles")
        const = generator.apply(variables, styles, method="from_styles")
        none = generator.apply(variables, styles, noise="none", method="from_styles")
        return const, none, styles

    return run


def test_a_fresh_generator_has_the_tree_of_the_converted_one(generator, variables):
    fresh = jax.eval_shape(generator.init, jax.random.key(0), jnp.zeros((1, 64)))
    assert jax.tree.map(jnp.shape, fresh) == jax.tree.map(jnp.shape, variables)


def test_mapping_matches(generator, variables, recorded):
    assert_close(jit(partial(generator.apply, method="map"))(variables, recorded["z"]), recorded["w"])


def test_truncation_matches_with_and_without_cutoff(generator, bundle, recorded):
    ws = generator.broadcast(recorded["w"])
    assert_close(truncate(ws, bundle["w_avg"], 1.0)[:2], recorded["ws_psi1"])
    assert_close(truncate(ws, bundle["w_avg"], 0.7)[:, 0], recorded["ws_psi07"])
    assert_close(truncate(ws, bundle["w_avg"], 0.7, 4)[:2], recorded["ws_psi07_cutoff4"])


def test_images_and_styles_match_with_truncation(generator, bundle, recorded, synthesis):
    const, none, styles = synthesis(truncate(generator.broadcast(recorded["w"]), bundle["w_avg"], 0.7))
    assert_close(const, nhwc(recorded["image_psi07_const"]))
    assert_close(none, nhwc(recorded["image_psi07_none"]))
    names = [layer.name for layer in generator.layers]
    assert names == json.loads(recorded["meta"].item())["style_order"]
    for name in names:
        assert_close(styles[name], recorded[f"style/{name}"])


def test_images_match_without_truncation(generator, recorded, synthesis):
    const, none, _ = synthesis(generator.broadcast(recorded["w"]))
    assert_close(const, nhwc(recorded["image_psi1_const"]))
    assert_close(none, nhwc(recorded["image_psi1_none"]))


def test_every_row_of_ws_drives_the_layers_it_should(recorded, synthesis):
    ws = np.tile(recorded["wplus"], (4, 1, 1))
    assert_close(synthesis(ws)[0][:2], nhwc(recorded["wplus_image_const"]))


@pytest.fixture(scope="module")
def d_params():
    return discriminator_from_torch_state(load("tiny_d_state"))


@pytest.fixture(scope="module")
def d_recorded():
    return load("tiny_d_io")


def test_a_fresh_discriminator_has_the_tree_of_the_converted_one(d_params):
    fresh = jax.eval_shape(Discriminator(32, 512, 32).init, jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    assert jax.tree.map(jnp.shape, fresh["params"]) == jax.tree.map(jnp.shape, d_params)


def test_logits_and_block_features_match(d_params, d_recorded):
    discriminator = Discriminator(32, 512, 32)

    @jit
    def run(images):
        variables = {"params": d_params}
        features = discriminator.apply(variables, images, method="features")
        return discriminator.apply(variables, images), features

    logits, features = run(nhwc(d_recorded["image"]))
    assert_close(logits, d_recorded["logits"][:, 0])
    for name, feature in zip(("b32", "b16", "b8"), features, strict=True):
        assert_close(feature[:2], nhwc(d_recorded[f"feat/{name}"]))


@pytest.mark.parametrize(
    ("samples", "group", "name"),
    [
        (4, 4, "logits_first4"),
        (3, 4, "logits_first3"),
        (1, 4, "logits_first1"),
        (8, None, "logits_groupNone"),
    ],
)
def test_logits_follow_the_stddev_group(d_params, d_recorded, samples, group, name):
    head = Discriminator(32, 512, 32, mbstd_group=group)
    logits = jit(head.apply)({"params": d_params}, nhwc(d_recorded["image"])[:samples])
    assert_close(logits, d_recorded[name][:, 0])


def test_a_foreign_state_is_refused_by_what_it_lacks():
    with pytest.raises(ValueError, match="synthesis.b4.const"):
        generator_from_torch_state({"conv.weight": np.zeros(1)})
    with pytest.raises(ValueError, match="b4.fc.weight"):
        discriminator_from_torch_state({"conv.weight": np.zeros(1)})
