"""Claims about what the GAN stage leaves."""

import numpy as np

from ganverse_jax.stages.gan import stage as gan


def test_samples_are_drawn_a_few_at_a_time_and_are_those_of_all_at_once(generator, monkeypatch):
    z = np.random.default_rng(0).standard_normal((7, 8)).astype(np.float32)
    whole, sizes, in_batches = gan.sample(generator.gan, z, psi=0.7), [], gan.in_batches
    monkeypatch.setattr(gan, "pictures_at_once", lambda height, width: 3)
    monkeypatch.setattr(
        gan, "in_batches", lambda *given, size: sizes.append(size) or in_batches(*given, size=size)
    )
    few = gan.sample(generator.gan, z, psi=0.7)
    assert sizes == [3] and few.shape == whole.shape == (7, 16, 16, 3)
    assert np.abs(few.astype(int) - whole).max() <= 1  # the same program on another batch: rounding alone
