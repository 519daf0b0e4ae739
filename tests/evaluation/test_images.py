"""Picture metrics on tiny masks."""

import numpy as np
import pytest

from ganverse_jax.evaluation.images import mask_iou, masked_colour_error, masked_normal_error


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


def test_normal_error_is_the_angle_between_normals_of_common_pixels():
    angles = np.radians([0.0, 0.001, 90.0, 180.0])
    predicted = np.stack([np.sin(angles), 0 * angles, np.cos(angles)], axis=-1)[None, None]
    target = np.broadcast_to([0.0, 0.0, 2.0], predicted.shape)
    for index, degrees in enumerate([0.0, 0.001, 90.0, 180.0]):
        mask = np.zeros((1, 1, 4))
        mask[..., index] = 1
        # The smallest would be lost in an arccos; double rounding.
        np.testing.assert_allclose(
            masked_normal_error(predicted, target, mask, np.ones((1, 1, 4))), [degrees], atol=1e-9
        )
    assert np.isnan(masked_normal_error(predicted, target, mask, 1 - mask)).all()
