"""Cameras of views from points clicked in pictures of one object, by structure from motion (Appendix D).

A bundle adjustment over cameras that look at the origin (azimuth, elevation, distance; no roll) and the
points. What pictures leave open and how it is settled: a turn of everything about +y, by the mirror pairs of
the object (left at +x) or else by the azimuth bins; the scale, by the mean distance. There is no freedom of
translation: the origin is where all optical axes meet.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from ganverse_jax.scene.bundle_adjustment import (
    Observations,
    Scene,
    adjust,
    grow,
    jacobian,
    project,
    relocate_poor_views,
    triangulate,
)

MIN_VIEWS, MIN_POINTS = 3, 3
LARGE_RMS, LARGE_ERROR = 0.03, 0.08  # of the picture's height: of all clicks, of one
LEAST_EXTENT = 0.02  # of the picture's height: of the clicks of a view
HOPELESS_RMS = 0.4  # of how far the clicks lie from their view's middle; clicks at random miss by 0.8
_TURNS = np.radians((30.0, 60.0, 100.0, 150.0))


class KeypointCameras(NamedTuple):
    """cameras: {"azimuth", "elevation" (radians), "distance"} [k] float64; points3d [n 3] in the same frame.

    residuals [k n]: distance in pixels from each click to its point's projection, NaN where not visible;
    rms_pixels: root of their mean square. scale_fixed_by: what the pictures do not tell. problems: lines
    naming views and keypoints where the solution is not to be trusted; empty when all is well.
    """

    cameras: dict[str, np.ndarray]
    points3d: np.ndarray
    residuals: np.ndarray
    rms_pixels: float
    scale_fixed_by: str
    problems: tuple[str, ...] = ()


def solve_cameras(
    points: Float[np.ndarray, "k n 2"],
    visible: Bool[np.ndarray, "k n"],
    *,
    size: tuple[int, int],
    fov_y: float,
    azimuth_bins: Sequence[int] | None = None,
    distance: float,
    mirror_pairs: Sequence[tuple[int, int]] = (),
) -> KeypointCameras:
    """Cameras of k views of one object in which n of its points were clicked.

    points: pixels, x right, y down, the centre of the first pixel at (0.5, 0.5); ignored where not visible.
    size: (h, w) of the pictures; fov_y: vertical, radians; distance: mean distance of the result.
    azimuth_bins: rough azimuths in steps of 30 degrees to start from (at elevation 0); None: found from the
    points, and azimuth 0 is the first view's unless mirror_pairs (left, right) turn left to +x.

    Raises ValueError, naming view and keypoint, for points that are too few, not finite, outside the picture
    or all in one place of it, that leave a camera or point undetermined or are no points of one object, and
    for mirror pairs that contradict the bins.
    """
    observed = _checked(points, visible, size, fov_y, azimuth_bins, distance, mirror_pairs)
    scene = _best_scene(observed, azimuth_bins, float(np.log(distance)))
    pixels, _, _ = project(scene.cameras, scene.points, observed)
    residuals = np.where(observed.seen, np.linalg.norm(pixels - observed.points, axis=-1), np.nan)
    rms = float(np.sqrt(np.nanmean(residuals**2)))
    _check_determined(scene, observed)
    _check_fit(observed, residuals, rms)
    turn, scale = _offset(scene, azimuth_bins, mirror_pairs), distance / np.exp(scene.cameras[:, 2]).mean()
    cameras = {
        "azimuth": (scene.cameras[:, 0] + turn) % (2 * np.pi),
        "elevation": scene.cameras[:, 1],
        "distance": scale * np.exp(scene.cameras[:, 2]),
    }
    problems = _problems(scene, observed, residuals, rms)
    points3d = scale * _turn(scene.points, turn)
    return KeypointCameras(cameras, points3d, residuals, rms, f"mean distance {distance:g}", problems)


def _best_scene(observed: Observations, bins: Sequence[int] | None, log_distance: float) -> Scene:
    """The solution of least cost from any start."""
    if bins is None:
        starts = _without_bins(observed, log_distance)
    else:
        starts = _from_bins(observed, np.asarray(bins), log_distance)
    return min((relocate_poor_views(start, observed) for start in starts), key=lambda scene: scene.cost)


def _from_bins(observed: Observations, bins: np.ndarray, log_distance: float) -> list[Scene]:
    """The solution from elevation 0, and from 15 degrees, where pictures from above do not mistake front
    for back."""
    scenes = []
    for elevation in (0.0, np.radians(15)):
        cameras = np.stack(
            [bins * (np.pi / 6), np.full(len(bins), elevation), np.full(len(bins), log_distance)], axis=-1
        )
        points = triangulate(cameras, observed, np.arange(len(bins)))
        scenes.append(adjust(Scene(cameras, points), observed))
    return scenes


def _without_bins(observed: Observations, log_distance: float) -> list[Scene]:
    """Solutions grown from the two views with most points in common, for several turns between them."""
    common = observed.seen.astype(int) @ observed.seen.T.astype(int)
    np.fill_diagonal(common, 0)
    first, second = np.unravel_index(common.argmax(), common.shape)
    turns = np.concatenate([_TURNS, -_TURNS])
    return [grow(int(first), int(second), turn, observed, log_distance) for turn in turns]


def _turn(points: np.ndarray, angle: float) -> np.ndarray:
    """Points [n 3] turned about +y by `angle`, which adds it to the azimuth of everything."""
    sin, cos = np.sin(angle), np.cos(angle)
    return points @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


def _offset(scene: Scene, azimuth_bins, mirror_pairs) -> float:
    """What to add to the azimuths: from the mirror pairs, else the bins, else so that the first is 0."""
    by_bins = None
    if azimuth_bins is not None:
        difference = np.asarray(azimuth_bins) * (np.pi / 6) - scene.cameras[:, 0]
        by_bins = float(np.arctan2(np.sin(difference).mean(), np.cos(difference).mean()))
    if not len(mirror_pairs):
        return -float(scene.cameras[0, 0]) if by_bins is None else by_bins
    left, right = np.asarray(mirror_pairs).T
    across = (scene.points[left] - scene.points[right]).sum(axis=0)
    by_pairs = float(np.pi / 2 - np.arctan2(across[0], across[2]))
    apart = 0.0 if by_bins is None else abs((by_pairs - by_bins + np.pi) % (2 * np.pi) - np.pi)
    if apart > np.radians(60):
        raise ValueError(
            f"the left and right points put the front {np.degrees(apart):.0f} degrees from where the azimuth "
            "bins put it; left is the object's own (seen from 90 degrees): exchange left and right, or mend "
            "the bins"
        )
    return by_pairs


def _check_determined(scene: Scene, observed: Observations) -> None:
    views, points = (np.arange(n) for n in observed.seen.shape)
    columns = jacobian(scene, observed, views, points).toarray()
    _, singular, directions = np.linalg.svd(columns / np.maximum(np.linalg.norm(columns, axis=0), 1e-12))
    # Two are zero always: the turn and the scale.
    if singular[-3] < 1e-6 * singular[0]:
        free = np.abs(directions[-3].reshape(-1, 3)).max(axis=1)
        worst = int(free.argmax())
        name = f"view {worst}" if worst < len(views) else f"keypoint {worst - len(views)}"
        raise ValueError(
            f"the points leave {name} undetermined; click more points there, that views from several sides "
            "have in common"
        )


def _check_fit(observed: Observations, residuals: np.ndarray, rms: float) -> None:
    weight = observed.seen[..., None] / observed.seen.sum(axis=1)[:, None, None]
    middle = (weight * observed.points).sum(axis=1, keepdims=True)
    spread = np.sqrt(np.mean(np.sum((observed.points - middle) ** 2, axis=-1)[observed.seen]))
    if rms > HOPELESS_RMS * spread:
        worst = np.argsort(-np.nanmean(residuals, axis=1))[:3]
        raise ValueError(
            f"the clicks miss their points by {rms:.1f} pixels (root mean square), over {HOPELESS_RMS:.0%} "
            f"of the {spread:.1f} that they lie from their views' middles: they are no points of one object; "
            f"click them again, worst are {', '.join(f'view {view}' for view in worst)}"
        )


def _problems(scene: Scene, observed: Observations, residuals: np.ndarray, rms: float) -> tuple[str, ...]:
    lines = []
    if not scene.converged:
        lines.append("the solution did not settle; click more points, or check those with large errors")
    limit = LARGE_RMS * observed.size[0]
    if rms > limit:
        lines.append(f"clicks miss their points by {rms:.1f} pixels (root mean square), over {limit:.1f}")
    for view, point in np.argwhere(np.nan_to_num(residuals) > LARGE_ERROR * observed.size[0]):
        lines.append(
            f"keypoint {point} of view {view} is {residuals[view, point]:.1f} pixels from where the other "
            "views put it: check it, and that left and right are not exchanged there"
        )
    return tuple(lines)


def _checked(points, visible, size, fov_y, azimuth_bins, distance, mirror_pairs) -> Observations:
    points, seen = np.asarray(points, np.float64), np.asarray(visible, bool)
    if points.ndim != 3 or points.shape[2] != 2 or seen.shape != points.shape[:2]:
        raise ValueError(f"points {points.shape} and visible {seen.shape} must be [k n 2] and [k n]")
    number, count = seen.shape
    if azimuth_bins is not None and len(azimuth_bins) != number:
        raise ValueError(f"{len(azimuth_bins)} azimuth bins for {number} views; give one each, or None")
    if not (distance > 0 and 0 < fov_y < np.pi):
        raise ValueError(f"distance {distance} must be positive and fov_y {fov_y} in (0, pi) radians")
    pairs = np.asarray(mirror_pairs, int).ravel()
    if len(pairs) and not (0 <= pairs.min() and pairs.max() < count):
        raise ValueError(f"mirror pairs name keypoint {pairs.max()}; there are {count}, counted from 0")
    _check_points(points, seen, size)
    _check_counts(seen)
    _check_extents(points, seen, size[0])
    return Observations(np.where(seen[..., None], points, 0.0), seen, (int(size[0]), int(size[1])), fov_y)


def _check_points(points: np.ndarray, seen: np.ndarray, size: tuple[int, int]) -> None:
    height, width = size
    inside = np.isfinite(points).all(axis=-1) & (points >= 0).all(axis=-1)
    inside &= (points <= (width, height)).all(axis=-1)
    bad = np.argwhere(seen & ~inside)
    if len(bad):
        view, point = bad[0]
        x, y = points[view, point]
        raise ValueError(
            f"keypoint {point} of view {view} is at ({x:g}, {y:g}), outside the picture of {width} x "
            f"{height} pixels; click it inside, or mark it as not visible"
        )


def _check_counts(seen: np.ndarray) -> None:
    if len(seen) < MIN_VIEWS:
        raise ValueError(f"{len(seen)} views are too few; annotate {MIN_VIEWS} or more")
    for view in np.flatnonzero(seen.sum(axis=1) < MIN_POINTS):
        raise ValueError(
            f"view {view} has {seen[view].sum()} visible points; click {MIN_POINTS} or more, or leave it out"
        )
    for point in np.flatnonzero(seen.sum(axis=0) < 2):
        raise ValueError(
            f"keypoint {point} is seen in {seen[:, point].sum()} views; click it in 2 or more, or leave it "
            "out"
        )
    equations, unknowns = 2 * int(seen.sum()), 3 * sum(seen.shape) - 2
    if equations < unknowns:
        raise ValueError(
            f"{seen.sum()} clicks give {equations} equations for {unknowns} unknowns; click more points"
        )


def _check_extents(points: np.ndarray, seen: np.ndarray, height: int) -> None:
    for view, (row, there) in enumerate(zip(points, seen, strict=True)):
        extent = float(np.linalg.norm(np.ptp(row[there], axis=0)))
        if extent < LEAST_EXTENT * height:
            raise ValueError(
                f"all {there.sum()} points of view {view} lie within {extent:.1f} pixels, under "
                f"{LEAST_EXTENT:.0%} of the picture's height; click each where it is, or hide all of them to "
                "leave the view out"
            )
