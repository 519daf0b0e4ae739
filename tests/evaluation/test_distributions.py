"""Frechet distance against closed forms, precision and recall on sets whose answer is known."""

import numpy as np
import pytest

from ganverse_jax.evaluation import distributions
from ganverse_jax.evaluation.distributions import frechet_distance, precision_recall


def exact(mean, covariance, count=64):
    """Samples whose sample mean and covariance are exactly the given ones."""
    x = np.random.default_rng(0).standard_normal((count, len(mean)))
    x -= x.mean(axis=0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T
    return x @ np.linalg.cholesky(covariance).T + mean


def test_gaussians_along_the_axes_have_the_closed_form():
    a, b = np.array([1.0, 4.0, 9.0]), np.array([4.0, 1.0, 0.25])
    distance = frechet_distance(exact(np.zeros(3), np.diag(a)), exact([3.0, 0, 4.0], np.diag(b)))
    # float64 throughout: 1e-9 is rounding of the samples' own covariance
    assert np.isclose(distance, 25 + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum(), rtol=1e-9)


def test_turning_both_sets_changes_nothing():
    generator = np.random.default_rng(1)
    a = generator.standard_normal((50, 6)) @ generator.standard_normal((6, 6))
    b = generator.standard_normal((40, 6)) @ generator.standard_normal((6, 6)) + 1
    turn, _ = np.linalg.qr(generator.standard_normal((6, 6)))
    assert np.isclose(frechet_distance(a, b), frechet_distance(a @ turn, b @ turn), rtol=1e-9)
    assert np.isclose(frechet_distance(a, b), frechet_distance(b, a), rtol=1e-9)


def test_the_trace_equals_that_of_the_matrix_square_root_of_the_product():
    generator = np.random.default_rng(2)
    a = generator.standard_normal((80, 5)) @ generator.standard_normal((5, 5))
    b = generator.standard_normal((80, 5)) @ generator.standard_normal((5, 5))
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.sqrt(np.linalg.eigvals(ca @ cb)).real.sum()
    plain = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca + cb) - 2 * root
    assert np.isclose(frechet_distance(a, b), plain, rtol=1e-9)


def test_equal_sets_are_at_no_distance():
    x = np.random.default_rng(3).standard_normal((100, 8)) * 1e3
    # the trace is 8e6: 1e-6 is 1e-13 of it
    assert frechet_distance(x, x) < 1e-6


def test_features_that_never_change_do_not_break_the_root():
    x = np.random.default_rng(4).standard_normal((100, 8))
    x[:, 3] = 5.0
    # 1e-7: the root of a rounding error of 1e-14, which an eigenvalue of zero may be
    assert np.isclose(frechet_distance(x, x + np.eye(8)[3]), 1.0, atol=1e-6)


@pytest.mark.parametrize("count", [1, 7, 8])
def test_too_few_samples_for_a_covariance_are_refused(count):
    x = np.random.default_rng(0).standard_normal((100, 8))
    with pytest.raises(ValueError, match=f"{count} samples of 8 features"):
        frechet_distance(x, x[:count])


@pytest.mark.parametrize("function", [frechet_distance, precision_recall])
def test_nan_features_are_refused(function):
    x = np.random.default_rng(0).standard_normal((20, 3))
    y = x.copy()
    y[4, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        function(x, y)


@pytest.mark.parametrize("function", [frechet_distance, precision_recall])
def test_features_of_different_networks_are_refused(function):
    with pytest.raises(ValueError, match="one network"):
        function(np.zeros((9, 3)), np.zeros((9, 4)))


def test_a_set_covers_itself():
    x = np.random.default_rng(0).standard_normal((60, 4))
    assert precision_recall(x, x.copy()) == (1.0, 1.0)


def test_far_sets_share_nothing():
    x = np.random.default_rng(0).standard_normal((60, 4))
    assert precision_recall(x, x + 100) == (0.0, 0.0)


def test_a_generator_of_one_mode_is_precise_but_recalls_half():
    generator = np.random.default_rng(0)
    one, other = generator.standard_normal((2, 300, 2)) * 0.1
    real = np.concatenate([one, other + 10])
    generated = generator.standard_normal((600, 2)) * 0.05
    precision, recall = precision_recall(real, generated)
    assert precision > 0.95 and 0.1 < recall < 0.5


def test_stray_samples_lower_precision_alone():
    generator = np.random.default_rng(0)
    real = generator.standard_normal((500, 2))
    kept = generator.standard_normal((250, 2))
    strays = np.stack([np.full(250, 50.0), 10.0 * np.arange(250)], axis=1)
    precision, recall = precision_recall(real, np.concatenate([kept, strays]))
    assert 0.4 < precision <= 0.5 and recall > 0.8


def test_the_radius_reaches_to_the_kth_neighbour():
    real = np.array([[0.0], [1.0], [3.0], [7.0]])
    # k = 1: balls [-1, 1], [0, 2], [1, 5], [3, 11]
    inside = [
        precision_recall(real, np.array([[x], [100.0]]), neighbours=1)[0] for x in (-1.0, -1.1, 11, 11.1)
    ]
    assert inside == [0.5, 0.0, 0.5, 0.0]


def test_the_answer_does_not_depend_on_the_blocks(monkeypatch):
    x = np.random.default_rng(0).standard_normal((300, 4))
    whole = precision_recall(x[:150], x[150:])
    monkeypatch.setattr(distributions, "_ENTRIES", 1000)  # six rows at once
    assert precision_recall(x[:150], x[150:]) == whole


def test_too_few_samples_for_the_neighbours_are_refused():
    x = np.random.default_rng(0).standard_normal((20, 3))
    with pytest.raises(ValueError, match="3 neighbours need more than 3 samples"):
        precision_recall(x, x[:3])
