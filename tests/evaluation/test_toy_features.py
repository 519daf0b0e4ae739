"""The toy world's stand-ins for Inception and LPIPS, on a network of random weights."""

import jax
import numpy as np
import pytest

from ganverse_jax.evaluation.toy_features import ToyFeatures
from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor, PoseNet


@pytest.fixture(scope="module")
def features():
    module = PoseNet((8, 8, 16, 16), 8)
    shapes = jax.eval_shape(module.init, jax.random.key(0), np.zeros((1, 16, 16, 3), np.float32))["params"]
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape).astype(np.float32), shapes)
    regressor = LearnedPoseRegressor(params, widths=module.widths, hidden=8, resolution=16)
    return ToyFeatures(regressor, batch_size=4)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).integers(0, 256, (6, 16, 16, 3), np.uint8)


def test_batches_do_not_change_the_features(features, images):
    assert features(images).shape == (6, features.dimensions) == (6, 48)
    # 1e-5: the same sums, in programs of the same shape
    np.testing.assert_allclose(features(images)[4:], features(images[4:]), rtol=1e-5, atol=1e-5)


def test_a_full_mask_changes_nothing_and_an_empty_one_leaves_nothing(features, images):
    full = features(images, np.ones((6, 16, 16), np.float32))
    # 1e-3 is added to a sum of at least 4 pixels
    np.testing.assert_allclose(full, features(images), rtol=1e-3, atol=1e-3)
    assert np.abs(features(images, np.zeros((6, 16, 16), np.float32))).max() < 1e-6


def test_the_distance_is_zero_for_equal_pictures_and_grows_as_the_square(features, images):
    a = images.astype(np.float64) / 127.5 - 1
    change = np.random.default_rng(2).standard_normal(a.shape)

    measure = jax.jit(features.distance)

    def distance(share):
        b = a + share * change
        return np.asarray(measure(features.params, a.astype(np.float32), b.astype(np.float32)))

    # 1e-12: one picture in two rows of a batch may round differently, and that is squared
    assert np.abs(distance(0.0)).max() < 1e-12
    # 10 %: third-order terms and float32 at a change of a hundredth
    np.testing.assert_allclose(distance(0.02) / distance(0.01), 4, rtol=0.1)


@pytest.mark.slow  # a thousand renders
def test_the_shipped_proxy_sees_blur_tint_and_missing_views():
    from PIL import Image, ImageFilter

    from ganverse_jax.classes.car.toy.world import ToyCars
    from ganverse_jax.evaluation.distributions import frechet_distance
    from ganverse_jax.runtime.shipped import ASSETS
    from ganverse_jax.stages.perception.stage import load_folder

    features = ToyFeatures(load_folder(ASSETS / "toy_car").pose_regressor)
    renders = ToyCars(64, split="validation").render(np.arange(1200))
    known, others = renders["image"][:600], renders["image"][600:]
    blurred = np.stack([np.asarray(Image.fromarray(x).filter(ImageFilter.GaussianBlur(1))) for x in others])
    tinted = np.uint8((others * np.array([1.15, 1, 0.85])).clip(0, 255))
    front = others[np.cos(renders["azimuth"][600:]) > 0]
    real = features(known)
    same = frechet_distance(real, features(others))
    # measured with 2,000 images: 7, 13 and 9 times; with 600 the distance of equal sets is larger
    for changed in (blurred, tinted, np.concatenate([front, front])):
        assert frechet_distance(real, features(changed)) > 2 * same
