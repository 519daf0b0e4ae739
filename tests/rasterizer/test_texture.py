"""Wrap modes and mip-mapping of `sample_texture`, and its refusals."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rasterizer


def row(texels):
    """A texture of one row, and uv that run along it."""
    return jnp.asarray(texels, jnp.float32).reshape(1, 1, -1, 1)


def along(u):
    u = jnp.asarray(u, jnp.float32)
    return jnp.stack([u, jnp.full_like(u, 0.5)], axis=-1)[None, None]


def test_wrap_modes_continue_the_texture_on_both_sides(implementation):
    # Texel centres of four texels, one and a half textures to either side.
    u = (np.arange(-6, 10) + 0.5) / 4
    expected = {
        "repeat": [2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1],
        "clamp": [0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3, 3],
        "mirror": [2, 3, 3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0, 0, 1],
    }
    for wrap, texels in expected.items():
        sample = jax.jit(partial(rasterizer.sample_texture, wrap_u=wrap, implementation=implementation))
        out = sample(row(range(4)), along(u))
        # Between centres the error is that of u in float32, 1e-7 times 4 texels.
        np.testing.assert_allclose(out[0, 0, :, 0], texels, atol=1e-5, err_msg=wrap)


def test_the_gradient_of_a_mirrored_texture_falls_on_the_reflected_texel(implementation):
    @jax.jit
    def total(texture):
        out = rasterizer.sample_texture(
            texture, along([1.125]), wrap_u="mirror", implementation=implementation
        )
        return jnp.sum(out)

    np.testing.assert_allclose(jax.grad(total)(row(range(4)))[0, 0, :, 0], [0, 0, 0, 1], atol=1e-5)


@pytest.mark.parametrize("mip_levels", [1, 2])
def test_a_sample_that_is_not_a_number_stays_one_and_harms_no_other(implementation, mip_levels):
    uv = along([0.125, 0.375, np.nan, 0.375, 0.625, 0.875, np.inf])

    @jax.jit
    def run(texture):
        out = rasterizer.sample_texture(
            jnp.tile(texture, (1, 2, 1, 1)), uv, mip_levels=mip_levels, implementation=implementation
        )
        return jnp.sum(jnp.where(jnp.isfinite(out), out, 0)), out

    gradient, out = jax.grad(run, has_aux=True)(row(range(4)))
    assert np.array_equal(np.isfinite(out[0, 0, :, 0]), [True, True, False, True, True, True, False])
    # One texel per pixel is level 0, whose weight is a rounding from one.
    np.testing.assert_allclose(gradient[0, 0, :, 0], [1, 2, 1, 1], atol=1e-5)


def test_a_distant_texture_shows_its_mean_and_a_near_one_its_texels(needs_kernel):
    needs_kernel("cpu")
    board = jnp.asarray(np.indices((16, 16)).sum(axis=0) % 2, jnp.float32)[None, :, :, None]
    grid = np.stack(np.meshgrid(np.arange(8), np.arange(8)), axis=-1)[None]
    near = jnp.asarray((grid + 0.5) / 16, jnp.float32)
    plain = rasterizer.sample_texture(board, near)
    # One texel per pixel is level 0: the same up to float32 of log2(1).
    np.testing.assert_allclose(rasterizer.sample_texture(board, near, mip_levels=5), plain, atol=1e-5)
    far = jnp.asarray((grid + 0.5) / 4, jnp.float32)  # four texels per pixel: level 2, all of it grey
    np.testing.assert_allclose(rasterizer.sample_texture(board, far, mip_levels=5), 0.5, atol=1e-5)


def test_mip_levels_count_texels_per_pixel_and_ignore_seams():
    u = jnp.asarray([0.0, 0.25, 0.5, 5.0, 5.25, 5.5])  # 16 texels: 4 per pixel, and one jump
    level = rasterizer.mip_level(along(u), 16, 16, 5)
    np.testing.assert_allclose(level[0, 0], 2.0, atol=1e-5)  # log2 in float32
    assert float(rasterizer.mip_level(along(u), 16, 16, 2).max()) == 1.0
    assert not rasterizer.mip_level(along([0.3]), 16, 16, 5).any()


def test_wrong_textures_are_refused_with_the_value_and_the_remedy():
    with pytest.raises(ValueError, match="'tile'; choose one of repeat, clamp, mirror"):
        rasterizer.sample_texture(row(range(4)), along([0.5]), wrap_u="tile")
    with pytest.raises(ValueError, match=r"4 mip levels of a texture of 12 x 16.*multiples of"):
        rasterizer.sample_texture(jnp.zeros((1, 12, 16, 3)), along([0.5]), mip_levels=4)
    with pytest.raises(ValueError, match="0 mip levels"):
        rasterizer.mip_pyramid(jnp.zeros((1, 4, 4, 3)), 0)
    with pytest.raises(ValueError, match=r"expected \[b th tw c\]"):
        rasterizer.sample_texture(jnp.zeros((4, 4, 3)), along([0.5]))
