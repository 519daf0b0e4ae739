"""Metrics between meshes: Chamfer distance, F-score, volumetric IOU, and the one similarity that aligns
frames.

NumPy (and SciPy's k-d tree) only. Lengths are in world units; an object is about 2 long.
"""

from typing import NamedTuple

import numpy as np


class Similarity(NamedTuple):
    """x -> scale * R_y(azimuth) x + translation: how the predicted frame lies in the true one (azimuth in
    radians)."""

    azimuth: float = 0.0
    scale: float = 1.0
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Map points [... 3]."""
        return self.scale * points @ rotation_y(self.azimuth).T + np.asarray(self.translation)

    def invert(self, points: np.ndarray) -> np.ndarray:
        """Map points [... 3] back: what `apply` maps to them."""
        return (points - np.asarray(self.translation)) @ rotation_y(self.azimuth) / self.scale


def rotation_y(angle: float) -> np.ndarray:
    """The rotation about +y that adds `angle` (radians) to a direction's azimuth: +z goes to (sin, 0,
    cos)."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def sample_surface(vertices: np.ndarray, faces: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """`count` points [count 3] uniform over the area of a mesh (vertices [v 3], faces [f 3]).

    Raises ValueError for a mesh without area.
    """
    corners = vertices[faces]
    areas = 0.5 * np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=-1
    ).astype(np.float64)
    if not areas.sum() > 0:
        raise ValueError(f"a mesh of {len(faces)} faces has area {areas.sum()}; nothing to sample")
    generator = np.random.default_rng(seed)
    face = generator.choice(len(faces), count, p=areas / areas.sum())
    r1, r2 = np.sqrt(generator.random(count))[:, None], generator.random(count)[:, None]
    a, b, c = corners[face, 0], corners[face, 1], corners[face, 2]
    return (1 - r1) * a + r1 * (1 - r2) * b + r1 * r2 * c


def join_parts(parts) -> tuple[np.ndarray, np.ndarray]:
    """One mesh (vertices, faces) out of a list of them, side by side."""
    offsets = np.cumsum([0, *(len(vertices) for vertices, _ in parts)])
    faces = [faces + offset for (_, faces), offset in zip(parts, offsets, strict=False)]
    return np.concatenate([vertices for vertices, _ in parts]), np.concatenate(faces)


def sample_solid(parts, count: int, seed: int = 0) -> np.ndarray:
    """About `count` points [<=count 3] on the outer surface of a union of closed parts (vertices, faces).

    Surfaces inside another part (one half sunk in another) are not surface of the object: points whose outer
    neighbourhood is filled by another part are dropped, by winding number on the sampled points.
    """
    vertices, faces = join_parts(parts)
    points = sample_surface(vertices, faces, 2 * count, seed)
    inside = np.zeros(len(points), bool)
    for part_vertices, part_faces in parts:
        low, high = part_vertices.min(axis=0) + 1e-3, part_vertices.max(axis=0) - 1e-3
        near = ((points > low) & (points < high)).all(axis=1).nonzero()[0]
        # A part's own surface has winding 1/2 and rounds either way; only clearly more counts.
        winding = winding_number(part_vertices, part_faces, points[near])
        inside[near[winding > 0.75]] = True
    return points[~inside][:count]


def winding_number(
    vertices: np.ndarray, faces: np.ndarray, points: np.ndarray, chunk: int = 512
) -> np.ndarray:
    """Generalised winding number [n] of points [n 3]: the solid angle of the mesh / 4 pi (van Oosterom,
    Strackee 1983)."""
    result = np.zeros(len(points))
    corners = np.asarray(vertices, np.float64)[faces]
    for begin in range(0, len(points), chunk):
        a, b, c = np.moveaxis(corners[None] - points[begin : begin + chunk, None, None], 2, 0)
        la, lb, lc = (np.linalg.norm(x, axis=-1) for x in (a, b, c))
        determinant = np.einsum("nfi,nfi->nf", a, np.cross(b, c))
        dots = [np.einsum("nfi,nfi->nf", x, y) for x, y in ((a, b), (b, c), (c, a))]
        denominator = la * lb * lc + dots[0] * lc + dots[1] * la + dots[2] * lb
        result[begin : begin + chunk] = np.arctan2(determinant, denominator).sum(axis=1) / (2 * np.pi)
    return result


def nearest_distances(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance from each point of a [n 3] to the nearest of b [m 3], and from each of b to the nearest of
    a."""
    from scipy.spatial import cKDTree

    return cKDTree(b).query(a)[0], cKDTree(a).query(b)[0]


def chamfer(a: np.ndarray, b: np.ndarray) -> float:
    """Chamfer distance of two point sets: the mean of the two one-way mean distances (not squared), in
    their unit."""
    forth, back = nearest_distances(a, b)
    return float(0.5 * (forth.mean() + back.mean()))


def f_score(a: np.ndarray, b: np.ndarray, threshold: float) -> float:
    """Harmonic mean of precision and recall at `threshold`: the shares of a near b, and of b near a."""
    forth, back = nearest_distances(a, b)
    precision, recall = (forth <= threshold).mean(), (back <= threshold).mean()
    return float(0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall))


def occupancy(
    vertices: np.ndarray, faces: np.ndarray, lower: np.ndarray, upper: np.ndarray, resolution: int
) -> np.ndarray:
    """Which cell centres of a grid over [lower, upper] lie inside a closed mesh: bool [r r r], axes x, y, z.

    Inside means a winding number of at least 1, so overlapping closed parts unite. It is counted along rays
    parallel to z: every face above a point adds 1 where it faces up and -1 where it faces down.
    """
    lower, upper = np.asarray(lower, np.float64), np.asarray(upper, np.float64)
    step = (upper - lower) / resolution
    centres = lower + (np.arange(resolution)[:, None] + 0.5) * step
    # A ray through an edge would be counted twice; made objects have edges at round numbers: rays avoid them.
    columns = np.stack(np.meshgrid(centres[:, 0] + 1.234e-5, centres[:, 1] + 2.345e-5, indexing="ij"), -1)
    column, height, sign = _crossings(np.asarray(vertices, np.float64), faces, columns.reshape(-1, 2))
    winding = np.zeros((resolution**2, resolution + 1), np.int32)
    # Cells whose centre is below the crossing gain its sign.
    below = np.clip(np.ceil((height - centres[0, 2]) / step[2]).astype(int), 0, resolution)
    np.add.at(winding, (column, below), sign)
    above = winding[:, ::-1].cumsum(axis=1)[:, ::-1]  # crossings above: those with index > cell
    return (above[:, 1:] >= 1).reshape(resolution, resolution, resolution)


def _crossings(vertices, faces, columns) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = []
    for corner in vertices[faces]:
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = corner
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-14:
            continue
        box = (
            (columns[:, 0] >= min(ax, bx, cx))
            & (columns[:, 0] <= max(ax, bx, cx))
            & (columns[:, 1] >= min(ay, by, cy))
            & (columns[:, 1] <= max(ay, by, cy))
        ).nonzero()[0]
        x, y = columns[box].T
        wb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
        wc = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
        hit = (wb >= 0) & (wc >= 0) & (wb + wc <= 1)
        z = az + wb[hit] * (bz - az) + wc[hit] * (cz - az)
        found.append((box[hit], z, np.full(hit.sum(), 1 if area > 0 else -1, np.int32)))
    if not found:
        return np.zeros(0, int), np.zeros(0), np.zeros(0, np.int32)
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def volumetric_iou(
    vertices_a: np.ndarray,
    faces_a: np.ndarray,
    vertices_b: np.ndarray,
    faces_b: np.ndarray,
    resolution: int = 48,
) -> float:
    """IOU of the volumes of two closed meshes on a grid of resolution^3 cells over the box that holds
    both."""
    both = np.concatenate([vertices_a, vertices_b])
    lower, upper = both.min(axis=0) - 1e-3, both.max(axis=0) + 1e-3
    a = occupancy(vertices_a, faces_a, lower, upper, resolution)
    b = occupancy(vertices_b, faces_b, lower, upper, resolution)
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else 1.0


def fit_similarity(
    predicted: list[np.ndarray], target: list[np.ndarray], *, azimuth: float, iterations: int = 30
) -> Similarity:
    """The one scale and translation that lay all predicted point sets on their targets, at a given azimuth
    offset.

    predicted, target: point sets [n 3], uniform over the surfaces of the same objects in the same order (a
    validation split). Centroids and spreads give the start; then closest points are matched in both
    directions and scale and translation solved for again (ICP, which alone would stall where surfaces slide
    on themselves).
    """
    from scipy.spatial import cKDTree

    trees = [cKDTree(points) for points in target]
    turned = [points @ rotation_y(azimuth).T for points in predicted]
    scale, translation = _match_moments(turned, target)
    for _ in range(iterations):
        sources, goals = _closest_pairs(turned, target, trees, scale, translation)
        scale, translation = _match_moments([sources], [goals])
    return Similarity(azimuth, scale, tuple(translation.tolist()))


def find_azimuth(
    predicted: list[np.ndarray], target: list[np.ndarray], *, starts: int = 24, points: int = 500
) -> float:
    """The one azimuth offset (radians, in [-pi, pi)) that turns all predicted point sets onto their targets.

    predicted, target: as in `fit_similarity`. The offset whose mean distance of closest points, both ways and
    after scale and translation, is least: sought at `starts` equal steps on the first `points` of each set,
    then between that step's neighbours on all. (ICP over the azimuth too would stall: long sides
    slide on themselves.)
    """
    from scipy.optimize import minimize_scalar
    from scipy.spatial import cKDTree

    few = [cloud[:points] for cloud in predicted], [cloud[:points] for cloud in target]
    trees, step = [cKDTree(cloud) for cloud in few[1]], 2 * np.pi / starts
    best = min(np.arange(starts) * step, key=lambda azimuth: _distance_at(azimuth, *few, trees))
    trees = [cKDTree(cloud) for cloud in target]
    found = minimize_scalar(
        _distance_at,
        args=(predicted, target, trees),
        bounds=(best - step, best + step),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float((found.x + np.pi) % (2 * np.pi) - np.pi)


def _distance_at(azimuth: float, predicted, target, trees) -> float:
    turned = [cloud @ rotation_y(azimuth).T for cloud in predicted]
    scale, translation = _match_moments(turned, target)
    sources, goals = _closest_pairs(turned, target, trees, scale, translation)
    scale, translation = _match_moments([sources], [goals])
    sources, goals = _closest_pairs(turned, target, trees, scale, translation)
    return float(np.linalg.norm(scale * sources + translation - goals, axis=-1).mean())


def _closest_pairs(turned, target, trees, scale, translation) -> tuple[np.ndarray, np.ndarray]:
    """Closest points of all sets in both directions, one below the other: (sources before scale and
    translation, goals)."""
    from scipy.spatial import cKDTree

    sources, goals = [], []
    for points, goal, tree in zip(turned, target, trees, strict=True):
        moved = scale * points + translation
        sources += [points, points[cKDTree(moved).query(goal)[1]]]
        goals += [goal[tree.query(moved)[1]], goal]
    return np.concatenate(sources), np.concatenate(goals)


def _match_moments(sources, goals) -> tuple[float, np.ndarray]:
    """Scale (ratio of spreads: least squares of one side on the other would shrink) and translation
    (centroids)."""
    spread = [
        sum(((points - points.mean(axis=0)) ** 2).sum() / len(points) for points in x)
        for x in (goals, sources)
    ]
    scale = float(np.sqrt(spread[0] / spread[1]))
    shifts = [goal.mean(axis=0) - scale * x.mean(axis=0) for x, goal in zip(sources, goals, strict=True)]
    return scale, np.mean(shifts, axis=0)
