"""Metrics between cameras that look at the origin: one azimuth offset, then angles between rotations.

Angles in radians going in, degrees coming out where a name says so.
"""

from collections.abc import Sequence

import numpy as np

AZIMUTHS, ELEVATIONS = 24, (3.0, 12.0, 20.0)  # of commanded cameras; degrees


def wrap_angle(angle: np.ndarray) -> np.ndarray:
    """The same angle in [-pi, pi)."""
    return (np.asarray(angle) + np.pi) % (2 * np.pi) - np.pi


def azimuth_errors(read: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Absolute errors [n] in degrees of azimuths [n] (radians), but for the one offset between two frames."""
    off = np.asarray(read) - np.asarray(true)
    return np.degrees(np.abs(wrap_angle(off - np.angle(np.exp(1j * off).mean()))))


def commanded_cameras() -> np.ndarray:
    """Cameras [72 2] that a handle is asked for: 24 azimuths at each of three elevations (radians)."""
    azimuths = np.tile(np.arange(AZIMUTHS) * (2 * np.pi / AZIMUTHS), len(ELEVATIONS))
    return np.stack([azimuths, np.repeat(np.radians(ELEVATIONS), AZIMUTHS)], axis=1)


def commanded_errors(
    read: Sequence[np.ndarray], azimuth: np.ndarray, elevation: np.ndarray
) -> dict[str, float]:
    """Degrees by which azimuths and elevations [n] read off pictures miss the commanded ones (radians), but
    for one offset of each between the frames: azimuth_error, its median and the share within 15 degrees, and
    elevation_error."""
    errors, tilt = azimuth_errors(read[0], azimuth), np.degrees(read[1] - np.asarray(elevation))
    return {
        "azimuth_error": float(errors.mean()),
        "azimuth_error_median": float(np.median(errors)),
        "azimuth_within_15": float((errors <= 15).mean()),
        "elevation_error": float(np.abs(tilt - tilt.mean()).mean()),
    }


def camera_rotation(azimuth: np.ndarray, elevation: np.ndarray) -> np.ndarray:
    """Camera-to-world rotations [k 3 3], columns right, up, back: R_y(azimuth) R_x(-elevation)."""
    azimuth, elevation = np.broadcast_arrays(np.asarray(azimuth, float), np.asarray(elevation, float))
    ca, sa, ce, se = np.cos(azimuth), np.sin(azimuth), np.cos(elevation), np.sin(elevation)
    zero = np.zeros_like(ca)
    right = np.stack([ca, zero, -sa], -1)
    up = np.stack([-sa * se, ce, -ca * se], -1)
    back = np.stack([sa * ce, se, ca * ce], -1)
    return np.stack([right, up, back], axis=-1)


def fit_azimuth_offset(predicted: np.ndarray, true: np.ndarray) -> float:
    """The offset to add to predicted azimuths [n] to meet the true ones: the circular mean of true -
    predicted."""
    difference = np.asarray(true) - np.asarray(predicted)
    return float(np.arctan2(np.sin(difference).mean(), np.cos(difference).mean()))


def geodesic_degrees(rotation_a: np.ndarray, rotation_b: np.ndarray) -> np.ndarray:
    """The angle [k] of the rotation between two rotations [k 3 3], in degrees, in [0, 180].

    From the chord |A - B|_F = 2 sqrt(2) sin(angle / 2), which stays exact at small angles where arccos does
    not.
    """
    chord = np.linalg.norm(rotation_a - rotation_b, axis=(-2, -1))
    return np.degrees(2 * np.arcsin(np.clip(chord / (2 * np.sqrt(2)), 0.0, 1.0)))


def quaternion(rotation: np.ndarray) -> np.ndarray:
    """Unit quaternions [k 4] (w, x, y, z) with w >= 0 of rotations [k 3 3]."""
    r = np.asarray(rotation, float)
    # q q^T from the matrix; its largest row is the best conditioned one.
    trace = np.trace(r, axis1=-2, axis2=-1)
    outer = np.empty((*r.shape[:-2], 4, 4))
    outer[..., 0, 0] = 1 + trace
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        outer[..., i + 1, i + 1] = 1 + 2 * r[..., i, i] - trace
        outer[..., 0, i + 1] = outer[..., i + 1, 0] = r[..., k, j] - r[..., j, k]
        outer[..., i + 1, j + 1] = outer[..., j + 1, i + 1] = r[..., i, j] + r[..., j, i]
    best = np.diagonal(outer, axis1=-2, axis2=-1).argmax(axis=-1)
    row = np.take_along_axis(outer, best[..., None, None], axis=-2)[..., 0, :]
    q = row / np.linalg.norm(row, axis=-1, keepdims=True)
    return np.where(q[..., :1] < 0, -q, q)


def axis_angle_differences(rotation_a: np.ndarray, rotation_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The paper's two measures (Appendix D): the angle between rotation axes and the difference of rotation
    angles.

    Both [k], in degrees. An axis and its opposite count as one where that is nearer (q and -q are the same
    rotation, which matters near half a turn). Where either rotation is below 1 degree there is no axis: NaN.
    """
    qa, qb = quaternion(rotation_a), quaternion(rotation_b)
    qb = np.where((qa * qb).sum(axis=-1, keepdims=True) < 0, -qb, qb)
    sine_a, sine_b = (np.linalg.norm(q[..., 1:], axis=-1) for q in (qa, qb))
    angle_a, angle_b = 2 * np.arctan2(sine_a, qa[..., 0]), 2 * np.arctan2(sine_b, qb[..., 0])
    has_axis = np.minimum(sine_a, sine_b) > np.sin(np.radians(0.5))
    safe_a, safe_b = (np.where(has_axis, sine, 1.0)[..., None] for sine in (sine_a, sine_b))
    chord = np.linalg.norm(qa[..., 1:] / safe_a - qb[..., 1:] / safe_b, axis=-1)
    axis = np.where(has_axis, np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1))), np.nan)
    return axis, np.degrees(np.abs(angle_a - angle_b))


def camera_errors(
    predicted: dict[str, np.ndarray], true: dict[str, np.ndarray], azimuth_offset: float = 0.0
) -> dict[str, float]:
    """Mean and max over views of every camera error, in degrees.

    predicted, true: {"azimuth" [k], "elevation" [k]} in radians; azimuth_offset is added to the predicted
    ones.
    """
    azimuth = np.asarray(predicted["azimuth"]) + azimuth_offset
    a = camera_rotation(azimuth, predicted["elevation"])
    b = camera_rotation(true["azimuth"], true["elevation"])
    axis, angle = axis_angle_differences(a, b)
    values = {
        "rotation": geodesic_degrees(a, b),
        "azimuth": np.degrees(np.abs(wrap_angle(azimuth - np.asarray(true["azimuth"])))),
        "elevation": np.degrees(np.abs(np.asarray(predicted["elevation"]) - np.asarray(true["elevation"]))),
        "axis": axis[np.isfinite(axis)],
        "angle": angle,
    }
    metrics = {}
    for name, value in values.items():
        if len(value):
            metrics[f"camera_{name}_mean_degrees"] = float(np.mean(value))
            metrics[f"camera_{name}_max_degrees"] = float(np.max(value))
    return metrics


def circular_median(angles: np.ndarray) -> float | None:
    """The one of angles [n] (radians) whose mean distance round the circle to the others is least; None for
    none."""
    angles = np.asarray(angles, float)
    if not len(angles):
        return None
    distance = np.abs(wrap_angle(angles[:, None] - angles[None]))
    return float(angles[distance.mean(axis=1).argmin()])


def regressor_errors(
    cameras: dict[str, np.ndarray], readings: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> dict[str, float]:
    """Cameras [k] against what a pose regressor reads off images, after one azimuth offset, in degrees.

    readings: for "validation" and "test" (view_id, azimuth, elevation), each [n], in radians. The offset is
    fitted on validation images; the errors are those of each view's circular median over the test images.
    GAN images have no true camera, so this holds the regressor's own error too.
    """
    view, azimuth, _ = readings["validation"]
    offset = fit_azimuth_offset(np.asarray(cameras["azimuth"])[view], azimuth) if len(view) else 0.0
    view, azimuth, elevation = readings["test"]
    errors = []
    for index in np.unique(view):
        median = circular_median(azimuth[view == index]), circular_median(elevation[view == index])
        errors.append(
            [
                abs(wrap_angle(cameras["azimuth"][index] + offset - median[0])),
                abs(cameras["elevation"][index] - median[1]),
            ]
        )
    if not errors:
        return {}
    mean, worst = np.degrees(np.mean(errors, axis=0)), np.degrees(np.max(errors, axis=0))
    return {
        "regressor_azimuth_mean_degrees": float(mean[0]),
        "regressor_azimuth_max_degrees": float(worst[0]),
        "regressor_elevation_mean_degrees": float(mean[1]),
        "regressor_elevation_max_degrees": float(worst[1]),
    }
