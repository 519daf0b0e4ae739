"""Path lengths against the derivative they approximate."""

import jax
import numpy as np
import pytest

from ganverse_jax.evaluation.path_length import make_path_lengths, mean_path_length
from ganverse_jax.models.stylegan2.networks import Generator


def squared(scale, a, b):
    return scale * ((a - b) ** 2).mean(axis=(1, 2, 3))


def test_lengths_are_the_distance_of_two_near_pictures_over_the_squared_step(module, variables):
    rng = np.random.default_rng(1)
    z = rng.standard_normal((2, 3, 8)).astype(np.float32)
    t = np.array([0.1, 0.5, 0.9], np.float32)

    @jax.jit
    def image(share):
        start, end = (module.apply(variables, part, method=Generator.map) for part in z)
        w = (1 - share)[:, None] * start + share[:, None] * end
        ws = module.apply(variables, w, method=Generator.broadcast)
        return module.apply(variables, ws, method=Generator.synthesis)

    # 3e-2: large enough that float32 images differ well above rounding
    step = 3e-2
    lengths = make_path_lengths(module, squared, epsilon=step)(variables, 2.0, z, t)
    expected = 2 * ((image(t + step) - image(t)) ** 2).mean(axis=(1, 2, 3)) / step**2
    # 1e-3: rounding of 1e-7 of the images, twice, against differences of 6e-4 and more
    np.testing.assert_allclose(lengths, expected, rtol=1e-3)
    halved = make_path_lengths(module, squared, epsilon=step / 2)(variables, 2.0, z, t)
    # 10 %: chords of a curve; a figure that did not divide by the square would change by four
    np.testing.assert_allclose(halved, lengths, rtol=0.1)


def test_rows_outside_the_crop_do_not_count(module, variables):
    def top_row(_, a, b):
        assert a.shape[1:3] == (8, 16)
        return squared(1.0, a, b)

    z, t = np.ones((2, 2, 8), np.float32), np.zeros(2, np.float32)
    lengths = make_path_lengths(module, top_row, crop=(4, 12))(variables, None, z, t)
    assert np.abs(lengths).max() == 0  # both ends are one code


def test_large_images_are_averaged_down_before_the_distance():
    from ganverse_jax.evaluation.path_length import _smaller

    images = np.arange(512 * 384.0, dtype=np.float32).reshape(1, 384, 512, 1)
    assert _smaller(images).shape == images.shape  # 384 is less than twice 256
    tall = np.arange(512 * 768.0, dtype=np.float32).reshape(1, 512, 768, 1)
    assert _smaller(tall).shape == (1, 256, 384, 1)
    assert _smaller(tall)[0, 0, 0, 0] == tall[0, :2, :2].mean()


def test_outliers_beyond_the_percentiles_are_left_out():
    lengths = np.concatenate([np.full(998, 2.0), [1e9, 0.0]])
    assert mean_path_length(lengths) == 2.0


@pytest.mark.parametrize("lengths", [[], [1.0, np.nan], [np.inf]])
def test_lengths_that_are_not_finite_are_refused(lengths):
    with pytest.raises(ValueError, match="not finite"):
        mean_path_length(np.array(lengths))
