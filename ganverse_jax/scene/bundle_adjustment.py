"""Least squares of image points over cameras that look at the origin and over the points they see.

Cameras are rows (azimuth, elevation, log distance), so that a camera has three unknowns and no roll; the
projection and its derivatives are the rasterizer's, in float64.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize, sparse

import rasterizer

MAX_EVALUATIONS = 200
_NEAREST = 0.05  # a point is taken to be at least this share of the camera's distance in front of it


class Observations(NamedTuple):
    """points [k n 2] in pixels (x right, y down), seen [k n] bool, size (h, w), fov_y in radians."""

    points: np.ndarray
    seen: np.ndarray
    size: tuple[int, int]
    fov_y: float

    @property
    def outlier_pixels(self) -> float:
        """From about here on an error counts linearly (soft L1): 2 % of the picture's height."""
        return 0.02 * self.size[0]


class Scene(NamedTuple):
    """cameras [k 3] (azimuth, elevation, log distance) and points [n 3]; cost: robust, in pixels squared."""

    cameras: np.ndarray
    points: np.ndarray
    cost: float = np.inf
    converged: bool = False


def _project_one(camera, point, size, fov_y):
    height, width = size
    view = rasterizer.Camera(camera[0], camera[1], jnp.exp(camera[2]), fov_y)
    x, y, _, depth = rasterizer.transform(point[None], view, height, width)[0, 0]
    depth = jnp.maximum(depth, _NEAREST * jnp.exp(camera[2]))
    return jnp.stack([(1 + x / depth) * width, (1 - y / depth) * height]) / 2


@functools.partial(jax.jit, static_argnames="size")
def _project_all(cameras, points, fov_y, *, size):
    """Pixels [k n 2] and their derivatives [k n 2 3] in the camera and in the point."""

    def one(camera, point):
        def value(camera, point):
            pixels = _project_one(camera, point, size, fov_y)
            return pixels, pixels

        (by_camera, by_point), pixels = jax.jacfwd(value, argnums=(0, 1), has_aux=True)(camera, point)
        return pixels, by_camera, by_point

    return jax.vmap(jax.vmap(one, (None, 0)), (0, None))(cameras, points)


@functools.partial(jax.jit, static_argnames="size")
def _clip_corners(cameras, fov_y, *, size):
    """Clip coordinates [k 4 4] of the origin and the unit vectors: they are affine in the point."""
    corners = jnp.concatenate([jnp.zeros((1, 3)), jnp.eye(3)])
    camera = rasterizer.Camera(cameras[:, 0], cameras[:, 1], jnp.exp(cameras[:, 2]), fov_y)
    return rasterizer.transform(corners, camera, *size)


def project(cameras: np.ndarray, points: np.ndarray, observed: Observations) -> tuple[np.ndarray, ...]:
    """Pixels [k n 2] of points [n 3] in cameras [k 3]; derivatives [k n 2 3] by camera and by point."""
    with jax.enable_x64(True):
        out = _project_all(
            np.asarray(cameras, np.float64),
            np.asarray(points, np.float64),
            np.float64(observed.fov_y),
            size=observed.size,
        )
        return tuple(np.asarray(part) for part in out)


def jacobian(
    scene: Scene, observed: Observations, views: np.ndarray, points: np.ndarray
) -> sparse.csr_matrix:
    """Derivatives [2m 3k + 3n] of the m seen pixels of views [k] and points [n] (index arrays)."""
    _, by_camera, by_point = project(scene.cameras, scene.points, observed)
    view, point = np.nonzero(observed.seen[np.ix_(views, points)])
    seen = views[view], points[point]
    values = np.concatenate([by_camera[seen], by_point[seen]], axis=-1)  # [m 2 6]
    first = np.stack([3 * view, 3 * (len(views) + point)], axis=-1)  # [m 2]
    columns = (first[:, :, None] + np.arange(3)).reshape(-1, 1, 6)
    rows = np.arange(2 * len(view)).reshape(-1, 2, 1)
    shape = (2 * len(view), 3 * (len(views) + len(points)))
    places = (np.broadcast_to(part, values.shape).ravel() for part in (rows, columns))
    return sparse.csr_matrix((values.ravel(), tuple(places)), shape)


def triangulate(cameras: np.ndarray, observed: Observations, views: np.ndarray) -> np.ndarray:
    """Points [n 3] nearest to the rays through their pixels in `views` [k], drawn a little to the origin.

    Linear: in every view f_x right.X - x depth(X) = 0, the same in y. The pull (far weaker than two good
    rays) keeps a point that rough cameras leave undetermined in front of them.
    """
    height, width = observed.size
    with jax.enable_x64(True):
        inputs = np.asarray(cameras, np.float64), np.float64(observed.fov_y)
        clip = np.asarray(_clip_corners(*inputs, size=observed.size))
    offset, slope = clip[:, 0], clip[:, 1:] - clip[:, :1]  # [k 4], [k 3 4]
    ndc = 2 * observed.points / (width, height) - 1
    ndc[..., 1] *= -1
    result = np.zeros((observed.points.shape[1], 3))
    for point in range(len(result)):
        rows = views[observed.seen[views, point]]
        at = ndc[rows, point][:, :, None]  # [m 2 1]
        matrix = slope[rows][:, :, :2].swapaxes(1, 2) - at * slope[rows][:, None, :, 3]
        target = at[..., 0] * offset[rows, 3:] - offset[rows, :2]
        pull = 0.05 * np.eye(3)
        stacked = np.concatenate([matrix.reshape(-1, 3), pull]), np.concatenate([target.ravel(), np.zeros(3)])
        result[point] = np.linalg.lstsq(*stacked, rcond=None)[0]
    return result


def _least_squares(residuals, start, derivatives, observed: Observations, evaluations: int):
    # A trial step may fling a camera into its object: the infinite error rejects it, in silence.
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            return optimize.least_squares(
                residuals,
                start,
                derivatives,
                loss="soft_l1",
                f_scale=observed.outlier_pixels,
                x_scale="jac",
                tr_solver="lsmr",  # the decomposition of a dense matrix would take nearly all the time
                max_nfev=evaluations,
            )
        except ValueError as error:  # scipy's, of numbers that are not finite
            raise ValueError(
                f"the solution diverges ({error}): the clicks are no points of one object, or too few in "
                "common; click them again"
            ) from error


def adjust(
    start: Scene, observed: Observations, views: np.ndarray | None = None, *, evaluations=MAX_EVALUATIONS
) -> Scene:
    """The scene nearest to `start` with the least robust error over `views` (all by default).

    Points that fewer than two of the views see, and the other views, stay as they are.
    """
    views = np.arange(len(start.cameras)) if views is None else np.asarray(views)
    points = np.flatnonzero(observed.seen[views].sum(axis=0) >= 2)
    seen = np.zeros_like(observed.seen)
    seen[np.ix_(views, points)] = observed.seen[np.ix_(views, points)]
    split = 3 * len(views)

    def unpack(x):
        cameras, world = start.cameras.copy(), start.points.copy()
        cameras[views], world[points] = x[:split].reshape(-1, 3), x[split:].reshape(-1, 3)
        return Scene(cameras, world)

    def residuals(x):
        scene = unpack(x)
        pixels, _, _ = project(scene.cameras, scene.points, observed)  # all: one compiled shape
        return (pixels - observed.points)[seen].ravel()

    found = _least_squares(
        residuals,
        np.concatenate([start.cameras[views].ravel(), start.points[points].ravel()]),
        lambda x: jacobian(unpack(x), observed, views, points),
        observed,
        evaluations,
    )
    return unpack(found.x)._replace(cost=float(found.cost), converged=found.status > 0)


def locate(
    view: int, scene: Scene, observed: Observations, known: np.ndarray, log_distance: float
) -> tuple[np.ndarray, float]:
    """The camera [3] from which one view sees the `known` [n] points best, whatever it was before; its cost.

    Tries azimuths round the circle at several elevations, then improves the best few.
    """
    rows, target, world = observed.seen[view] & known, observed.points[view], scene.points
    angles = np.meshgrid(np.radians(np.arange(0, 360, 15)), np.radians((-5.0, 15.0, 40.0)), indexing="ij")
    trial = np.stack([*(a.ravel() for a in angles), np.full(angles[0].size, log_distance)], axis=-1)
    error = np.linalg.norm(project(trial, world, observed)[0] - target, axis=-1)[:, rows].sum(axis=1)
    best, cost = scene.cameras[view], np.inf
    for camera in trial[np.argsort(error)[:3]]:
        found = _least_squares(
            lambda x: (project(x[None], world, observed)[0][0] - target)[rows].ravel(),
            camera,
            lambda x: project(x[None], world, observed)[1][0][rows].reshape(-1, 3),
            observed,
            50,
        )
        if found.cost < cost:
            best, cost = found.x, float(found.cost)
    return best, cost


def grow(first: int, second: int, turn: float, observed: Observations, log_distance: float) -> Scene:
    """A scene without rough azimuths: from two views `turn` radians apart, then view by view.

    Next comes the view that sees most points placed so far. Views that share fewer than three with the
    others stay at azimuth 0.
    """
    number = len(observed.points)
    cameras = np.tile([0.0, np.radians(10), log_distance], (number, 1))
    cameras[second, 0] = turn
    placed = [first, second]
    scene = Scene(cameras, triangulate(cameras, observed, np.array(placed)))
    scene = adjust(scene, observed, np.array(placed), evaluations=30)
    while len(placed) < number:
        known = observed.seen[placed].sum(axis=0) >= 2
        counts = (observed.seen & known).sum(axis=1)
        counts[placed] = 0
        view = int(counts.argmax())
        if counts[view] < 3:
            break
        camera, _ = locate(view, scene, observed, known, float(scene.cameras[placed, 2].mean()))
        scene.cameras[view] = camera
        placed.append(view)
        fresh = ~known & (observed.seen[placed].sum(axis=0) >= 2)
        scene.points[fresh] = triangulate(scene.cameras, observed, np.array(placed))[fresh]
        scene = adjust(scene, observed, np.array(placed), evaluations=15)
    return adjust(scene, observed)


def relocate_poor_views(scene: Scene, observed: Observations) -> Scene:
    """The scene after views with large errors were looked for all round it, where that lowers the cost."""
    pixels, _, _ = project(scene.cameras, scene.points, observed)
    errors = np.where(observed.seen, np.linalg.norm(pixels - observed.points, axis=-1), 0.0)
    mean = errors.sum(axis=1) / observed.seen.sum(axis=1)
    poor = np.flatnonzero(mean > max(2 * np.median(mean), 0.5 * observed.outlier_pixels))
    if not len(poor) or len(poor) > len(mean) - 2:
        return scene
    others = np.setdiff1d(np.arange(len(mean)), poor)
    known = observed.seen[others].sum(axis=0) >= 2
    base = adjust(scene, observed, others)
    cameras = base.cameras.copy()
    log_distance = float(cameras[others, 2].mean())
    for view in poor[(observed.seen[poor] & known).sum(axis=1) >= 3]:
        cameras[view], _ = locate(view, base, observed, known, log_distance)
    moved = adjust(base._replace(cameras=cameras), observed)
    return moved if moved.cost < scene.cost else scene
