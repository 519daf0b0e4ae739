"""Claims about the losses of StyleGAN-R (Eq. 5 and 6)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.losses import cycle


def test_entropy_has_its_closed_form():
    gates = jnp.array([[1 / 3, 1.0, 0.5], [1 / 3, 0.0, 0.5], [1 / 3, 0.0, 0.0]])
    expected = (np.log(3) + 0.0 + np.log(2)) / 3
    assert float(cycle.gate_entropy(gates)) == pytest.approx(expected, rel=1e-6)  # float32 logarithms


def test_entropy_gradient_is_finite_where_a_gate_is_shut():
    logits = jnp.array([[200.0], [-200.0], [0.0]])  # softmax underflows to exactly 0
    gradient = jax.grad(lambda x: cycle.gate_entropy(jax.nn.softmax(x, axis=0)))(logits)
    assert np.isfinite(gradient).all()


def test_descending_the_entropy_lets_one_property_win():
    logits = jnp.array([[0.1], [0.0], [-0.1]])
    for _ in range(50):
        logits = logits - jax.grad(lambda x: cycle.gate_entropy(jax.nn.softmax(x, axis=0)))(logits)
    assert float(jax.nn.softmax(logits, axis=0)[0, 0]) > 0.9


def _properties(background):
    rng = np.random.default_rng(0)
    shape, texture = rng.normal(size=(2, 5, 3)), rng.random((2, 4, 4, 3))
    return {"shape": shape, "texture": texture, "background": background}


def test_perfect_cycle_costs_nothing():
    background = np.ones((2, 7))
    first, second = _properties(background), _properties(background)
    sampled = {name: (first[name], second[name]) for name in ("shape", "texture")}
    terms = cycle.cycle_terms(sampled | {"background": background}, first, second)
    assert set(terms) == {"shape", "texture", "background", "background_pair"}
    assert all(float(value) == 0.0 for value in terms.values())


def test_background_that_follows_the_object_costs_the_pair_term():
    still, moved = _properties(np.zeros((2, 7))), _properties(np.full((2, 7), 2.0))
    sampled = {name: (still[name],) * 2 for name in ("shape", "texture")}
    terms = cycle.cycle_terms(sampled | {"background": still["background"]}, still, moved)
    assert float(terms["background_pair"]) == 4.0
    assert float(terms["background"]) == 2.0  # averaged over the two images
    assert float(terms["shape"]) == 0.0


def test_low_frequencies_are_compared_where_both_pictures_show_them():
    rng = np.random.default_rng(0)
    a, b = (np.repeat(np.repeat(rng.random((2, 8, 8, 3)), 2, 1), 2, 2) for _ in range(2))
    seen = np.ones((2, 16, 16, 1))
    fine = np.indices((16, 16)).sum(0)[..., None] % 2 - 0.5  # of every cell's mean nothing is left
    assert float(cycle.low_frequency_distance(a, a + fine, seen, seen)) < 1e-6  # float32
    hidden = seen * (rng.random((2, 16, 16, 1)) < 0.7)
    where = np.broadcast_to(hidden, a.shape) > 0
    found = float(cycle.low_frequency_distance(a, np.where(where, a, b), hidden, seen))
    assert found < 1e-6  # what either hides is not seen
    assert float(cycle.low_frequency_distance(a, b, seen, seen)) == pytest.approx(
        np.abs(a - b).mean(), rel=1e-5
    )  # float32
    assert float(cycle.low_frequency_distance(a, b, 0 * seen, seen)) == 0
