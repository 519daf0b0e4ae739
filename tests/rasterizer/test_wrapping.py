"""Texture samples at any finite uv: every kernel gives what exact arithmetic gives, values and gradients."""

from functools import lru_cache

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import rasterizer
from rasterizer.texture import WRAP_MODES

SIZES = ROWS, COLUMNS = 4, 8  # powers of two: products with them are exact in binary
SAMPLES = (1, 2, 8)
TEXTURE, WEIGHTS = (
    np.random.default_rng(n).uniform(-1, 1, shape).astype(np.float32)
    for n, shape in enumerate([(1, ROWS, COLUMNS, 2), (*SAMPLES, 2)])
)
# Where products with the sizes leave int32 and float32, and whole numbers their parity.
FAR = [
    sign * value for sign in (1, -1) for value in (5e8, 1e9, 2.0**31, 2.0**24 + 2, 1e20, 3.4028235e38, 1e-45)
]
ANY = (
    st.sampled_from(FAR)
    | st.floats(-3, 3, width=32)
    | st.floats(width=32, allow_nan=False, allow_infinity=False)
)
UV = arrays(np.float32, (*SAMPLES, 2), elements=ANY, fill=st.nothing())


@lru_cache
def program(wrap_u, wrap_v, implementation):
    """(texture, uv, weights) -> samples, and the gradients of their weighted sum."""

    def total(texture, uv, weights):
        samples = rasterizer.sample_texture(
            texture, uv, wrap_u=wrap_u, wrap_v=wrap_v, implementation=implementation
        )
        return (samples * weights).sum(), samples

    run = jax.jit(jax.value_and_grad(total, (0, 1), has_aux=True))
    return lambda *arguments: jax.tree.map(np.asarray, (lambda out, g: (out[1], *g))(*run(*arguments)))


def along_one_axis(coordinate, size, wrap, reverse):
    """First and second texel, the second's weight, and the distance from where they change, in float64."""
    period = {"repeat": 1, "clamp": np.inf, "mirror": 2}[wrap]
    coordinate = coordinate if wrap == "clamp" else coordinate - period * np.floor(coordinate / period)
    position = (1 - coordinate if reverse else coordinate) * size - 0.5
    around = [np.arange(size), np.arange(size)[::-1]][: 1 + (wrap == "mirror")]
    first = np.floor(position)
    index = [np.clip(i, 0, size - 1) if wrap == "clamp" else i % (period * size) for i in (first, first + 1)]
    texels = [np.concatenate(around)[i.astype(int)] for i in index]
    return *texels, position - first, np.abs(position - np.round(position))


def exactly(texture, uv, weights, wrap_u, wrap_v):
    """What `program` gives, and where uv's gradient has one value, in float64."""
    texture, uv, weights = (array[0].astype(np.float64) for array in (texture, uv, weights))
    left, right, along, sure_u = along_one_axis(uv[..., 0], COLUMNS, wrap_u, reverse=False)
    top, bottom, down, sure_v = along_one_axis(uv[..., 1], ROWS, wrap_v, reverse=True)
    samples, to_texture = np.zeros(weights.shape), np.zeros(texture.shape)
    to_uv = np.zeros(uv.shape)
    for row, share_v, slope_v in ((top, 1 - down, -1), (bottom, down, 1)):
        for column, share_u, slope_u in ((left, 1 - along, -1), (right, along, 1)):
            samples += (share_u * share_v)[..., None] * texture[row, column]
            np.add.at(to_texture, (row, column), (share_u * share_v)[..., None] * weights)
            weighted = (texture[row, column] * weights).sum(axis=-1)
            to_uv += weighted[..., None] * np.stack(
                [slope_u * share_v * COLUMNS, -slope_v * share_u * ROWS], axis=-1
            )
    return samples, to_texture, to_uv, np.minimum(sure_u, sure_v) > 1e-5  # a rounding of 16 texels is 1e-6


@pytest.mark.parametrize("wrap_u", WRAP_MODES)
@pytest.mark.parametrize("wrap_v", WRAP_MODES)
@settings(
    max_examples=30,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(uv=UV)
def test_samples_at_any_finite_uv_are_those_of_exact_arithmetic(implementation, wrap_u, wrap_v, uv):
    found = program(wrap_u, wrap_v, implementation)(TEXTURE, uv, WEIGHTS)
    *expected, sure = exactly(TEXTURE, uv, WEIGHTS, wrap_u, wrap_v)
    # Weights err by a rounding of 16 texels, 1e-6, times texels and sums of 16 weights of at most one.
    np.testing.assert_allclose(found[0][0], expected[0], atol=1e-5)
    np.testing.assert_allclose(found[1][0], expected[1], atol=5e-5)
    np.testing.assert_allclose(found[2][0][sure], expected[2][sure], atol=5e-5)  # times 8 columns


@settings(max_examples=100, derandomize=True, deadline=None)
@given(uv=UV)
def test_kernels_take_the_same_texels_on_both_sides_of_every_kink(needs_kernel, uv):
    needs_kernel("cpu")
    for wrap in WRAP_MODES:
        cpu, xla = (program(wrap, wrap, name)(TEXTURE, uv, WEIGHTS) for name in ("cpu", "xla"))
        for one, other in zip(cpu, xla, strict=True):  # in another order of additions
            np.testing.assert_allclose(one, other, atol=5e-5)


@pytest.mark.parametrize("far", FAR)
def test_mip_levels_of_finite_samples_are_finite(far):
    uv = np.full((1, 3, 3, 2), far, np.float32)
    uv[0, 1, 1] = -0.3
    assert np.isfinite(rasterizer.sample_texture(np.tile(TEXTURE, (1, 2, 1, 1)), uv, mip_levels=3)).all()


def test_a_sample_between_others_that_are_no_numbers_is_one(needs_kernel):
    uv = np.full((1, 3, 3, 2), np.nan, np.float32)
    uv[0, 1, 1] = 0.3
    samples = np.asarray(rasterizer.sample_texture(TEXTURE, uv, mip_levels=2))
    assert np.isfinite(samples[0, 1, 1]).all() and np.isnan(samples).sum() == 2 * 8


def test_what_is_no_number_adds_nothing_to_the_texture(implementation):
    uv = np.full((*SAMPLES, 2), np.nan, np.float32)
    uv[0, 0] = 0.5, np.inf
    for wrap in WRAP_MODES:
        samples, to_texture, to_uv = program(wrap, wrap, implementation)(TEXTURE, uv, WEIGHTS)
        assert np.isnan(samples).all() and not to_texture.any() and not to_uv.any()
