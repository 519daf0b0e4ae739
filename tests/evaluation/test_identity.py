"""Identity on made objects: what cameras change is projected away, what tells objects apart stays."""

import numpy as np
import pytest

from ganverse_jax.evaluation.identity import fit_identity, verify


def pictures(seed, count, views=6, scale=10.0):
    """Features of `count` objects: 5 numbers of the object, 5 of the camera (`scale` larger), mixed."""
    generator = np.random.default_rng(seed)
    objects = np.repeat(np.arange(count), views)
    own, camera = generator.standard_normal((count, 5))[objects], generator.standard_normal((len(objects), 5))
    mixing = np.random.default_rng(99).standard_normal((10, 10))
    return np.concatenate([own, scale * camera], axis=1) @ mixing, objects


def test_cameras_ten_times_louder_than_objects_are_projected_away():
    identity = fit_identity(*pictures(0, 200), dimensions=5, shrinkage=1e-6)
    features, objects = pictures(1, 40)
    figures = verify(identity(features), objects)
    # the object's numbers are exact functions of the features, so a held-out object is told perfectly
    assert figures["auc"] > 0.999 and figures["same"] > 0.95 and abs(figures["different"]) < 0.1


def test_features_without_objects_tell_nothing():
    noise = np.random.default_rng(0).standard_normal((1200, 10))
    objects = np.repeat(np.arange(200), 6)
    identity = fit_identity(noise, objects, dimensions=5)
    figures = verify(identity(np.random.default_rng(1).standard_normal((1200, 10))), objects)
    # 3000 pairs of one object: the area's deviation is 0.005
    assert abs(figures["auc"] - 0.5) < 0.03 and abs(figures["same"]) < 0.05


def test_embeddings_are_unit_vectors_that_ignore_the_features_units():
    features, objects = pictures(0, 60)
    scales = np.logspace(-3, 3, 10)
    plain, scaled = (
        fit_identity(features, objects, dimensions=4),
        fit_identity(features * scales, objects, dimensions=4),
    )
    a, b = plain(features), scaled(features * scales)
    assert np.allclose(np.linalg.norm(a, axis=1), 1)
    # signs of directions are free, cosines are not; 1e-4: the floor of 1e-6 on a deviation of about 1e-2
    assert np.allclose(a @ a.T, b @ b.T, atol=1e-3)


@pytest.mark.parametrize(("count", "views"), [(5, 6), (40, 1)])
def test_too_few_objects_or_views_are_refused(count, views):
    with pytest.raises(ValueError, match="render more"):
        fit_identity(*pictures(0, count, views), dimensions=5)


def test_a_verification_needs_both_kinds_of_pairs():
    with pytest.raises(ValueError, match="pairs"):
        verify(np.eye(3), np.array([0, 1, 2]))
