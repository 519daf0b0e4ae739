"""Of what the toy worlds' surroundings are made."""

import numpy as np

from ganverse_jax.classes.toy.background import wave


def test_wave_is_a_sine():
    x = np.linspace(-20, 20, 2001, dtype=np.float32)
    # The approximation's own maximal error, 0.0011, and float32 rounding of the argument.
    np.testing.assert_allclose(wave(x), np.sin(x), atol=1.2e-3)
