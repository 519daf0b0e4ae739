"""annotation.json in a run's `viewpoints` folder: a person's answers, written on every change.

The viewpoints stage turns them into viewpoints.json.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganverse_jax.annotation.answers import AnswerFile, read_session, seconds_of, write_answers
from ganverse_jax.annotation.bins.session import DROP, Answer, Session
from ganverse_jax.annotation.candidates import CANDIDATES, Candidates, read_candidates
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS

ANNOTATION = AnswerFile("annotation.json", "ganverse-jax view annotation 1", "views")


def write_annotation(path: Path, candidates: Candidates, session: Session) -> None:
    """Write a session's answers, atomically: per view its bin and whether it is kept (null: undecided)."""
    entries = [
        {
            "azimuth_bin": None if answer == DROP else answer,
            "keep": None if answer is None else answer != DROP,
        }
        for answer in session.answers
    ]
    write_answers(path, candidates, ANNOTATION, session, entries)


def read_annotation(path: Path, candidates: Candidates) -> Session:
    """A session that goes on from the answers in `path`.

    Raises FileNotFoundError; ValueError when they belong to another GAN or other candidates, or an entry is
    wrong. A bin given without "keep" counts as kept, so that the file is easily filled in by hand.
    """
    make = lambda _, entries, seconds: Session(len(entries), _answers(entries), seconds)  # noqa: E731
    return read_session(path, candidates, ANNOTATION, make)


def _answers(entries: list[Mapping[str, Any]]) -> list[Answer]:
    answers: list[Answer] = []
    for entry in entries:
        number, azimuth_bin, keep = entry["id"], entry.get("azimuth_bin"), entry.get("keep")
        if keep is not None and type(keep) is not bool:
            raise ValueError(f"view {number} has keep {keep!r}, not true, false or null")
        if azimuth_bin is not None and (
            type(azimuth_bin) is not int or azimuth_bin not in range(NUM_AZIMUTH_BINS)
        ):
            raise ValueError(
                f"view {number} has azimuth_bin {azimuth_bin!r}, not 0..{NUM_AZIMUTH_BINS - 1} or null"
            )
        if keep is True and azimuth_bin is None:
            raise ValueError(f"view {number} is kept but has no azimuth_bin")
        answers.append(DROP if keep is False else azimuth_bin)
    return answers


def session_in_use(candidates: Candidates, content: Mapping[str, Any], path: Path) -> Session:
    """The answers that led to the `content` of a viewpoints.json at `path`; what is not in it was dropped.

    Raises ValueError when it has other views than the candidates.
    """
    places = {tuple(view["w"]): place for place, view in enumerate(candidates.views)}
    answers: list[Any] = [DROP] * len(candidates.views)
    for view in content["views"]:
        if tuple(view["w"]) not in places:
            raise ValueError(f"view {view['id']} in {path}, which is in use, is none of the proposed ones; "
                             "there are no answers to export: read that file")  # fmt: skip
        answers[places[tuple(view["w"])]] = view["azimuth_bin"]
    return Session(len(answers), answers, seconds_of({"seconds": content.get("annotation_seconds", 0.0)}))


def check_kept(session: Session, path: Path) -> None:
    """ValueError that names `path` when a finished session keeps fewer than two views."""
    kept = sum(answer != DROP for answer in session.answers)
    if session.complete and kept < 2:
        raise ValueError(
            f"{path} keeps {kept} views; a multi-view set needs two or more: bring some back with "
            "launch.annotate, or in a file to --import"
        )


def annotated_views(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """The content of viewpoints.json from a finished annotation: kept views by bin, with new ids.

    None while there is no annotation or a view has no answer. Raises ValueError as the readers do, and when
    fewer than two views were kept.
    """
    folder = Path(folder)
    if not (folder / ANNOTATION.name).is_file() or not (folder / CANDIDATES).is_file():
        return None
    candidates = read_candidates(folder, fingerprint)
    session = read_annotation(folder / ANNOTATION.name, candidates)
    if not session.complete:
        return None
    check_kept(session, folder / ANNOTATION.name)
    kept = [(answer, view) for view, answer in zip(candidates.views, session.answers, strict=True)
            if answer != DROP]  # fmt: skip
    kept.sort(key=lambda pair: (pair[0], pair[1]["id"]))
    views = [view | {"id": i, "candidate": view["id"], "azimuth_bin": b} for i, (b, view) in enumerate(kept)]
    return {
        "fingerprint": fingerprint,
        "annotated_by": "person",
        "annotation_seconds": round(session.seconds, 1),
        "dropped": len(candidates.views) - len(views),
        "views": views,
    }
