"""Adversarial losses against closed forms on functions whose gradients are known."""

import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.losses.adversarial import (
    d_logistic,
    g_nonsaturating,
    path_length_penalty,
    path_lengths,
    r1_penalty,
)

ROUNDING = 1e-6  # a handful of float32 operations on values of order 1


def test_undecided_logits_cost_log_two_a_piece():
    zeros = jnp.zeros(4)
    np.testing.assert_allclose(g_nonsaturating(zeros), np.log(2), rtol=ROUNDING)
    np.testing.assert_allclose(d_logistic(zeros, zeros), 2 * np.log(2), rtol=ROUNDING)


def test_generator_wants_high_and_discriminator_low_fake_logits():
    logits = jnp.array([0.5, -1.0])
    assert np.all(jax.grad(g_nonsaturating)(logits) < 0)
    real, fake = jax.grad(d_logistic, (0, 1))(logits, logits)
    assert np.all(real < 0) and np.all(fake > 0)


def test_confident_logits_keep_finite_losses_and_gradients():
    logits = jnp.array([1e4, -1e4])
    assert np.isfinite(g_nonsaturating(logits)) and np.all(np.isfinite(jax.grad(g_nonsaturating)(logits)))


def test_r1_of_a_linear_score_is_its_squared_slope():
    slope = jnp.arange(12.0).reshape(2, 2, 3) / 12
    images = jnp.ones((5, 2, 2, 3))
    penalty = r1_penalty(lambda x: jnp.sum(x * slope, axis=(1, 2, 3)), images)
    np.testing.assert_allclose(penalty, np.sum(np.square(slope)), rtol=ROUNDING)


def test_path_length_of_a_linear_generator_is_the_projected_noise():
    random = np.random.default_rng(0)
    basis, noise = random.standard_normal((3, 4, 2 * 2 * 3)), random.standard_normal((5, 2, 2, 3))

    def render(rows):
        return jnp.einsum("bnw,nwp->bp", rows, basis).reshape(5, 2, 2, 3)

    lengths = jax.jit(lambda ws: path_lengths(render, ws, noise))(jnp.zeros((5, 3, 4)))
    gradients = np.einsum("nwp,bp->bnw", basis, noise.reshape(5, -1)) / 2  # sqrt(h w) = 2
    np.testing.assert_allclose(lengths, np.sqrt(np.square(gradients).sum(2).mean(1)), rtol=1e-5)


def test_path_length_penalty_moves_its_target_by_the_decay():
    penalty, target = path_length_penalty(jnp.array([1.0, 3.0]), 0.5, decay=0.1)
    np.testing.assert_allclose(target, 0.5 + 0.1 * 1.5, rtol=ROUNDING)
    np.testing.assert_allclose(penalty, ((1 - 0.65) ** 2 + (3 - 0.65) ** 2) / 2, rtol=ROUNDING)


def test_gradient_of_the_penalty_flows_through_the_target_but_not_out_of_it():
    lengths = jnp.array([1.0, 3.0])
    gradient = jax.grad(lambda x: path_length_penalty(x, 0.5, decay=1.0)[0])(lengths)
    np.testing.assert_allclose(gradient, [-1.0, 1.0], rtol=ROUNDING)  # of the variance
    np.testing.assert_array_equal(jax.grad(lambda x: path_length_penalty(x, 0.5)[1])(lengths), 0)


def test_an_injected_mean_is_used_for_penalty_and_target():
    lengths = jnp.array([1.0, 3.0])
    penalty, target = path_length_penalty(lengths, 0.0, decay=1.0, mean=lambda x: jnp.mean(x) + 1)
    np.testing.assert_allclose([penalty, target], [2 + 1, 3], rtol=ROUNDING)
