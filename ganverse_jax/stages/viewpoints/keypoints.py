"""Cameras of views from the points that a person clicked on one object (Appendix D's alternative to bins)."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax import classes
from ganverse_jax.annotation.candidates import CANDIDATES, read_candidates
from ganverse_jax.annotation.keypoints import store as keypoint_store
from ganverse_jax.annotation.keypoints.session import HIDDEN, KeypointSession
from ganverse_jax.annotation.keypoints.store import KEYPOINTS, Task
from ganverse_jax.pipeline.experiment import WorldSettings
from ganverse_jax.scene.bins import nearest_azimuth_bin
from ganverse_jax.scene.keypoint_cameras import KeypointCameras, solve_cameras

MIN_VIEWS_OF_A_POINT = 2  # fewer tell nothing of where it lies


class Solved(NamedTuple):
    """views: numbers of the candidates that have a camera; result: the cameras in that order, its problems
    told with the candidates' ids and the points' names."""

    views: list[int]
    result: KeypointCameras


def keypoint_views(folder: Path, fingerprint: str, world: WorldSettings) -> dict[str, Any] | None:
    """The content of viewpoints.json from finished keypoints: views with bin, azimuth, elevation, distance.

    None while there are no keypoints or a point is
    undecided. Raises ValueError as the readers do, and when no cameras follow from the points.
    """
    folder = Path(folder)
    if not (folder / KEYPOINTS.name).is_file() or not (folder / CANDIDATES).is_file():
        return None
    candidates = read_candidates(folder, fingerprint)
    kind = keypoint_store.kind_of(folder / KEYPOINTS.name, candidates)
    task = keypoint_store.read_task(folder, candidates, kind)
    session = keypoint_store.read_keypoints(folder / KEYPOINTS.name, task)
    if not session.complete:
        return None
    solved = solve(task, session, folder / KEYPOINTS.name, world)
    print("\n".join(f"[{folder.name}] {line}" for line in report(solved).splitlines()), flush=True)
    return content_of(task, session, solved)


def solve(task: Task, session: KeypointSession, path: Path, world: WorldSettings) -> Solved:
    """Cameras of the views with visible points. Raises ValueError that names `path`, view, point and remedy.

    Points seen in a single view are left out: they determine nothing.
    """
    rows = [session.points[view] for view in session.kept]
    seen = np.array([[point not in (None, HIDDEN) for point in row] for row in rows], bool)
    seen = seen.reshape(len(rows), len(task.names))  # also of no rows: every view was dropped
    pixels = np.array([[point if s else (np.nan, np.nan) for point, s in zip(*pair, strict=True)]
                       for pair in zip(rows, seen, strict=True)]).reshape(*seen.shape, 2)  # fmt: skip
    views = [view for view, any_seen in zip(session.kept, seen.any(axis=1), strict=True) if any_seen]
    seen, pixels = seen[seen.any(axis=1)], pixels[seen.any(axis=1)]
    used = np.flatnonzero(seen.sum(axis=0) >= MIN_VIEWS_OF_A_POINT)
    place = {point: i for i, point in enumerate(used.tolist())}
    pairs = [
        (place[a], place[b]) for a, b in classes.get(task.kind).mirror_pairs if a in place and b in place
    ]
    ids = [task.candidates.views[view]["id"] for view in views]
    names = [task.names[point] for point in used]
    try:
        result = solve_cameras(
            pixels[:, used], seen[:, used], size=task.size, fov_y=float(np.radians(world.fov_degrees)),
            azimuth_bins=keypoint_store.rough_bins(task, views), distance=world.distance,
            mirror_pairs=pairs)  # fmt: skip
    except ValueError as error:
        raise ValueError(f"{path} : {_told(str(error), ids, names)}; mend it with launch.annotate"
                         f"{KEYPOINTS.flag}") from error  # fmt: skip
    problems = tuple(_told(problem, ids, names) for problem in result.problems)
    return Solved(views, result._replace(problems=problems))


def _told(text: str, ids: Sequence[int], names: Sequence[str]) -> str:
    """The solver's words with the candidates' ids and the points' names in place of its own counting."""
    text = re.sub(r"\bview (\d+)", lambda found: f"view {ids[int(found[1])]}", text)
    return re.sub(r"\bkeypoint (\d+)", lambda found: f"{names[int(found[1])]!r}", text)


def content_of(task: Task, session: KeypointSession, solved: Solved) -> dict[str, Any]:
    """The content of viewpoints.json: the views by bin, with new ids and their cameras (radians)."""
    cameras, residuals = solved.result.cameras, solved.result.residuals
    bins = keypoint_store.rough_bins(task, solved.views)
    if bins is None:
        bins = [int(nearest_azimuth_bin(azimuth)) for azimuth in cameras["azimuth"]]
    order = sorted(range(len(bins)), key=lambda i: (bins[i], solved.views[i]))
    views = []
    for number, i in enumerate(order):
        view = task.candidates.views[solved.views[i]]
        known = {name: float(cameras[name][i]) for name in ("azimuth", "elevation", "distance")}
        known["keypoint_rms_pixels"] = round(float(np.sqrt(np.nanmean(residuals[i] ** 2))), 3)
        views.append(view | {"id": number, "candidate": view["id"], "azimuth_bin": bins[i]} | known)
    return {
        "fingerprint": task.candidates.fingerprint,
        "annotated_by": "keypoints",
        "annotation_seconds": round(session.seconds, 1),
        "dropped": len(task.candidates.views) - len(views),
        "keypoints": {
            "content_seed": task.seeds[session.content],
            "size": list(task.size),
            "rms_pixels": round(solved.result.rms_pixels, 3),
            "problems": list(solved.result.problems),
        },
        "views": views,
    }


def report(solved: Solved) -> str:
    """What a person should know of the solution: the error, what follows from nothing, and what to check."""
    result = solved.result
    lines = [f"{len(solved.views)} cameras; the clicks miss their points by {result.rms_pixels:.2f} pixels "
             "(root of the mean square)"]  # fmt: skip
    return "\n".join([*lines, *(f"check: {problem}" for problem in result.problems)])
