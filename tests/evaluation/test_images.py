"""Picture metrics on tiny masks."""

import numpy as np
import pytest

from ganverse_jax.evaluation.images import mask_iou, masked_colour_error


def test_iou_is_taken_per_image_on_cut_masks():
    predicted = np.array([[[0.9, 0.6, 0.1]], [[0.0, 0.0, 0.0]]])
    target = np.array([[[1.0, 0.4, 1.0]], [[0.0, 0.0, 0.0]]])
    np.testing.assert_allclose(mask_iou(predicted, target), [1 / 3, 1.0])


def test_masks_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="must both be"):
        mask_iou(np.zeros((1, 2, 2)), np.zeros((1, 2, 3)))


def test_colour_error_counts_only_common_pixels():
    predicted, target = np.zeros((1, 1, 2, 3)), np.ones((1, 1, 2, 3)) * [[[[0.5], [1.0]]]]
    mask = np.array([[[1.0, 0.0]]])
    np.testing.assert_allclose(masked_colour_error(predicted, target, mask, np.ones((1, 1, 2))), [0.5])
    assert np.isnan(masked_colour_error(predicted, target, mask, 1 - mask)).all()
