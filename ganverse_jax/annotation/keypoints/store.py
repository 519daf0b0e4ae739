"""The keypoint annotator's files in a run's `viewpoints` folder.

keypoints.npz: whole pictures of every proposed view in a few contents, without loss; keypoints.json: where a
person clicked the named points of one of these objects, written on every change:

    {"format", "fingerprint" (of the GAN), "candidates" (their digest), "object_class", "names",
     "size": [h, w], "content_seed" (of the object), "seconds",
     "views": [{"id", "points": {name: [x, y] in pixels, or null where hidden}}]}     absent: undecided
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax import classes
from ganverse_jax.annotation.answers import AnswerFile, read_content, read_session, write_answers
from ganverse_jax.annotation.bins.session import DROP
from ganverse_jax.annotation.bins.store import ANNOTATION, read_annotation
from ganverse_jax.annotation.candidates import Candidates
from ganverse_jax.annotation.keypoints.session import HIDDEN, KeypointSession, Point, check_point
from ganverse_jax.annotation.tiles import read_tiles, write_tiles
from ganverse_jax.data.decoding import decode_picture
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS

KEYPOINTS = AnswerFile("keypoints.json", "ganverse-jax keypoints 1", "keypoints", " --keypoints")
PICTURES = "keypoints.npz"


class Task(NamedTuple):
    """What is asked: the points of the class `kind` in WebP pictures [views][contents] of `size` (h, w).

    seeds: of the contents; answers: what is known of each view, its azimuth bin, DROP or None.
    """

    candidates: Candidates
    kind: str
    pictures: list[list[bytes]]
    seeds: list[int]
    size: tuple[int, int]
    answers: tuple[Any, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The points of the class."""
        return classes.get(self.kind).keypoints

    @property
    def kept(self) -> list[int]:
        """The views that are asked for: all but those that the bins' annotation dropped."""
        return [view for view, answer in enumerate(self.answers) if answer != DROP]

    def session(self, **state: Any) -> KeypointSession:
        """A session about these views; state: `content`, `points` and `seconds` to go on from."""
        counts = len(self.pictures), len(self.names), self.size
        return KeypointSession(*counts, num_contents=len(self.seeds), kept=self.kept, **state)


def check_kind(kind: str | None) -> str:
    """A class whose points have names, as given; ValueError for others."""
    named = [name for name in classes.names() if classes.get(name).keypoints]
    if kind not in named:
        raise ValueError(
            f"no points of the class {kind!r} are named; set object_class to one of {', '.join(named)}, give "
            "it keypoints (ganverse_jax/classes), or annotate bins (without --keypoints)"
        )
    return kind


def write_pictures(folder: Path, candidates: Candidates, pictures: np.ndarray, seeds: np.ndarray) -> None:
    """Write whole pictures uint8 [views contents h w 3] of the candidates, and their contents' seeds."""
    path = Path(folder) / PICTURES
    write_tiles(path, candidates.digest, pictures, whole=True, seeds=np.asarray(seeds, np.int64))


def read_task(folder: Path, candidates: Candidates, kind: str) -> Task:
    """What is asked of a person in `folder`. Raises FileNotFoundError and ValueError as the readers do."""
    folder = Path(folder)
    pictures, more = read_tiles(folder / PICTURES, candidates.digest, "seeds")
    size = decode_picture(pictures[0][0], str(folder / PICTURES)).colour.shape[:2]
    path, answers = folder / ANNOTATION.name, (None,) * len(pictures)
    if path.exists():
        answers = read_annotation(path, candidates).answers
    return Task(candidates, check_kind(kind), pictures, more["seeds"].tolist(), size, answers)


def write_keypoints(path: Path, task: Task, session: KeypointSession) -> None:
    """Write a session's points, atomically."""
    entries = [
        {"points": {name: None if point == HIDDEN else list(point)
                    for name, point in zip(task.names, row, strict=True) if point is not None}}
        for row in session.points
    ]  # fmt: skip
    about = _head(task) | {"content_seed": task.seeds[session.content]}
    write_answers(path, task.candidates, KEYPOINTS, session, entries, **about)


def read_keypoints(path: Path, task: Task) -> KeypointSession:
    """A session that goes on from the points in `path`.

    Raises FileNotFoundError; ValueError when they belong to another GAN, other candidates, another class or
    another object than there are pictures of, or an entry is wrong. Messages name file and remedy.
    """

    def make(content: Mapping[str, Any], entries: list, seconds: float) -> KeypointSession:
        _check_head(content, task)
        points = [_points_of(entry, task) for entry in entries]
        return task.session(content=task.seeds.index(content["content_seed"]), points=points, seconds=seconds)

    return read_session(path, task.candidates, KEYPOINTS, make)


def kind_of(path: Path, candidates: Candidates) -> str:
    """The class of the points in `path`. Raises as `read_keypoints` does."""
    content = read_content(path, candidates, KEYPOINTS)
    try:
        return check_kind(content.get("object_class"))
    except ValueError as error:
        raise ValueError(f"{path} : {error}") from error


def _head(task: Task) -> dict[str, Any]:
    return {"object_class": task.kind, "names": list(task.names), "size": list(task.size)}


def _check_head(content: Mapping[str, Any], task: Task) -> None:
    for name, wanted in _head(task).items():
        if content.get(name) != wanted:
            raise ValueError(f"{name} is {content.get(name)!r}, but this run asks for {wanted!r}")
    seed = content.get("content_seed")
    if type(seed) is not int or seed not in task.seeds:
        raise ValueError(f"content_seed is {seed!r}, none of the objects shown here ({task.seeds})")


def _points_of(entry: Mapping[str, Any], task: Task) -> list[Point]:
    points = entry.get("points")
    if not isinstance(points, Mapping) or not set(points) <= set(task.names):
        strange = sorted(set(points) - set(task.names)) if isinstance(points, Mapping) else points
        raise ValueError(f"view {entry['id']} has points {strange!r}, which are none of this class's")
    row: list[Point] = []
    for name in task.names:
        point = points.get(name)
        if point is not None and not isinstance(point, list):
            raise ValueError(f"view {entry['id']} has {name!r} at {point!r}, not at [x, y] in pixels or null")
        try:
            row.append(HIDDEN if name in points and point is None else check_point(point, task.size))
        except ValueError as error:
            raise ValueError(f"view {entry['id']} has {name!r} wrong: {error}") from error
    return row


def rough_bins(task: Task, views: list[int]) -> list[int] | None:
    """The azimuth bins of `views` when the bins' annotation has all of them, else None."""
    bins = [task.answers[view] for view in views]
    return bins if all(b in range(NUM_AZIMUTH_BINS) for b in bins) else None
