"""Claims about half precision: convolutions only, at the four highest resolutions, near float32's results."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.losses import adversarial
from ganverse_jax.models.stylegan2.networks import Discriminator, Generator
from tests.models.stylegan2.plain_functions import plain_functions

jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})  # compiles 2.5 times faster
GENERATOR = Generator(
    resolution=8, z_dim=8, w_dim=8, mapping_layers=1, channel_base=64, channel_max=8, conv_clamp=256.0
)
DISCRIMINATOR = Discriminator(resolution=8, channel_base=64, channel_max=8, conv_clamp=256.0)
# bfloat16 rounds to 2^-9 = 0.002 of a value; its layers add up to a few times that.
OUTPUT_TOLERANCE = 0.02


@pytest.fixture(scope="module")
def variables():
    return jit(GENERATOR.init)(jax.random.key(0), jnp.zeros((1, 8)))


@pytest.fixture(scope="module")
def d_params():
    return jit(DISCRIMINATOR.init)(jax.random.key(1), jnp.zeros((1, 8, 8, 3)))["params"]


def results(compute_dtype, variables, d_params):
    """Images, logits, and the gradients of both networks' main losses."""
    generator = GENERATOR.clone(compute_dtype=compute_dtype)
    discriminator = DISCRIMINATOR.clone(compute_dtype=compute_dtype)
    functions = plain_functions(generator, discriminator, variables["noise"])
    z = jax.random.normal(jax.random.key(2), (8, 8))
    reals = jnp.tanh(jax.random.normal(jax.random.key(3), (8, 8, 8, 3)))

    def g_loss(params):
        return adversarial.g_main(params, d_params, functions, z)[0]

    def d_loss(params):
        penalty = adversarial.r1_penalty(partial(functions.score, params), reals)
        return adversarial.d_main(params, variables["params"], functions, z, reals)[0] + penalty

    @jit
    def everything(variables, d_params):
        logits = discriminator.apply({"params": d_params}, reals)
        gradients = jax.grad(g_loss)(variables["params"]), jax.grad(d_loss)(d_params)
        return generator.apply(variables, z), logits, *gradients

    return everything(variables, d_params)


def test_half_precision_stays_near_float32(variables, d_params):
    half, full = (results(name, variables, d_params) for name in ("bfloat16", "float32"))
    for ours, expected in zip(half[:2], full[:2], strict=True):
        assert ours.dtype == jnp.float32
        np.testing.assert_allclose(ours, expected, rtol=0, atol=OUTPUT_TOLERANCE * np.abs(expected).max())
        assert not np.array_equal(ours, expected)
    for ours, expected in zip(half[2:], full[2:], strict=True):
        assert {leaf.dtype for leaf in jax.tree.leaves(ours)} == {jnp.dtype("float32")}
        a, b = (
            np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)]) for tree in (ours, expected)
        )
        assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > 0.995  # 0.999 measured at 32 px; NaN fails too


def test_only_the_four_highest_resolutions_are_in_half_precision():
    discriminator = Discriminator(128, 256, 4, compute_dtype="bfloat16")
    image = jax.ShapeDtypeStruct((4, 128, 128, 3), jnp.float32)
    variables = jax.eval_shape(discriminator.init, jax.random.key(0), image)
    outputs = jax.eval_shape(partial(discriminator.apply, method="features"), variables, image)
    half, full = jnp.dtype("bfloat16"), jnp.dtype("float32")
    assert [output.dtype for output in outputs] == [half] * 4 + [full]  # blocks 128, 64, 32, 16 and 8
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {full}
    assert jax.eval_shape(discriminator.apply, variables, image).dtype == full


def test_the_clamp_holds_in_half_precision(variables):
    strong = jax.tree.map(lambda leaf: leaf, variables["params"])
    strong["b8"]["conv1"]["bias"] = jnp.full_like(strong["b8"]["conv1"]["bias"], 1e4)
    tight = GENERATOR.clone(compute_dtype="bfloat16", conv_clamp=4.0)
    loud = jit(tight.apply)(variables | {"params": strong}, jnp.ones((1, 8)))
    assert np.abs(loud).max() <= 3 * 4.0 * 1.001  # toRGB of the last block, and two upsampled below it


def test_an_unknown_compute_dtype_is_refused():
    with pytest.raises(ValueError, match="'float16' is unknown; set gan.compute_dtype"):
        jax.eval_shape(GENERATOR.clone(compute_dtype="float16").init, jax.random.key(0), jnp.zeros((1, 8)))
