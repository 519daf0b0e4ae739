"""Metrics on pictures: 2D intersection over union, colour and normal errors, per image, in NumPy."""

import numpy as np


def mask_iou(predicted: np.ndarray, target: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Hard 2D IOU of masks [b h w], per image [b]; both are cut at `threshold`. Two empty masks agree (1)."""
    if predicted.shape != target.shape or predicted.ndim != 3:
        raise ValueError(f"masks {predicted.shape} and {target.shape} must both be [b h w]")
    predicted, target = predicted > threshold, target > threshold
    intersection = (predicted & target).sum(axis=(1, 2))
    union = (predicted | target).sum(axis=(1, 2))
    return np.where(union == 0, 1.0, intersection / np.maximum(union, 1))


def masked_colour_error(
    predicted: np.ndarray, target: np.ndarray, predicted_mask: np.ndarray, target_mask: np.ndarray
) -> np.ndarray:
    """Mean absolute colour difference [b] where both masks [b h w] hold, images [b h w 3] in [0, 1]; NaN if
    nowhere."""
    return _mean_where_both(np.abs(predicted - target).mean(axis=-1), predicted_mask, target_mask)


def mean_change(first: np.ndarray, second: np.ndarray, where: np.ndarray, nothing: float = -1.0) -> float:
    """Mean absolute colour difference, in [0, 1], of images uint8 [n h w 3] over the pixels that `where`
    [n h w] holds.

    `nothing` where it holds none: -1 can stand in the figures' JSON, which NaN could not.
    """
    difference = np.abs(first[where].astype(np.int16) - second[where])
    return float(difference.mean() / 255.0) if len(difference) else nothing


def masked_normal_error(
    predicted: np.ndarray, target: np.ndarray, predicted_mask: np.ndarray, target_mask: np.ndarray
) -> np.ndarray:
    """Mean angle [b], in degrees, between normals [b h w 3] of any length where both masks [b h w] hold; NaN
    if nowhere."""
    # arctan2 stays exact at small angles, where arccos of the product does not.
    sine = np.linalg.norm(np.cross(predicted, target), axis=-1)
    angle = np.degrees(np.arctan2(sine, (predicted * target).sum(axis=-1)))
    return _mean_where_both(angle, predicted_mask, target_mask)


def _mean_where_both(error, predicted_mask, target_mask):
    both = (predicted_mask > 0.5) & (target_mask > 0.5)
    count = both.sum(axis=(1, 2))
    return np.where(count == 0, np.nan, (error * both).sum(axis=(1, 2)) / np.maximum(count, 1))
