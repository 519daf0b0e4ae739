"""The annotator's files in a run's `viewpoints` folder.

candidates.json: the proposed views (GAN's fingerprint, codes, scores); candidates.npz: their pictures as
WebP; annotation.json: a person's answers, written on every change. The viewpoints stage turns them into
viewpoints.json.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.annotation.bins.session import DROP, Session
from ganverse_jax.annotation.bins.view_records import check_views, is_number
from ganverse_jax.annotation.tiles import read_tiles, write_tiles
from ganverse_jax.runtime.checkpoint import read_json, write_json
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS

CANDIDATES, PICTURES, ANNOTATION = "candidates.json", "candidates.npz", "annotation.json"
FORMAT = "ganverse-jax view annotation 1"


class Candidates(NamedTuple):
    """Proposed views as in candidates.json, the GAN they belong to, and a digest that names exactly them."""

    views: list[dict[str, Any]]
    fingerprint: str
    digest: str


def _digest(fingerprint: str, views: list[dict[str, Any]]) -> str:
    codes = [[view["w_seed"], view["w"]] for view in views]
    return hashlib.sha256(json.dumps([fingerprint, codes]).encode()).hexdigest()[:16]


def write_candidates(folder: Path, fingerprint: str, views: list[dict], pictures: np.ndarray) -> None:
    """Write proposed views and their pictures uint8 [views contents h w 3]."""
    write_tiles(folder / PICTURES, _digest(fingerprint, views), pictures)
    write_json(folder / CANDIDATES, {"fingerprint": fingerprint, "views": views})


def read_candidates(folder: Path, fingerprint: str | None = None, w_dim: int | None = None) -> Candidates:
    """The views proposed in `folder`. Raises FileNotFoundError; ValueError when they are of another GAN than
    `fingerprint` (when given), their codes are not `w_dim` long (when given), or the file is no such file.
    Messages name file and remedy."""
    path = Path(folder) / CANDIDATES
    if not path.is_file():
        raise FileNotFoundError(f"no candidate views at {path}; run launch.annotate or launch.train first")
    remedy = "delete it and run launch.annotate again"
    content = read_json(path, remedy=remedy)
    try:
        owner, views = content["fingerprint"], content["views"]
        digest = _digest(owner, views)
    except (TypeError, KeyError) as error:
        raise ValueError(f"{path} holds no candidate views ({error!r}); {remedy}") from error
    if fingerprint is not None and owner != fingerprint:
        raise ValueError(
            f"the candidate views in {path} belong to GAN {owner}, but this GAN is {fingerprint}; use that "
            f"GAN, or delete {Path(folder)} to propose views of this one"
        )
    check_views(views, path, remedy, w_dim=w_dim)
    return Candidates(views, owner, digest)


def read_pictures(folder: Path, candidates: Candidates) -> list[list[bytes]]:
    """WebP pictures [views][contents] of the candidates. Raises as `read_tiles` does."""
    return read_tiles(Path(folder) / PICTURES, candidates.digest)[0]


def annotation_of(candidates: Candidates, session: Session) -> dict[str, Any]:
    """The content of annotation.json: per view its bin and whether it is kept (null: undecided)."""
    return {
        "format": FORMAT,
        "fingerprint": candidates.fingerprint,
        "candidates": candidates.digest,
        "seconds": round(session.seconds, 1),
        "views": [
            {
                "id": view["id"],
                "azimuth_bin": None if answer == DROP else answer,
                "keep": None if answer is None else answer != DROP,
            }
            for view, answer in zip(candidates.views, session.answers, strict=True)
        ],
    }


def write_annotation(path: Path, candidates: Candidates, session: Session) -> None:
    """Write a session's answers, atomically."""
    write_json(path, annotation_of(candidates, session))


def read_annotation(path: Path, candidates: Candidates) -> Session:
    """A session that goes on from the answers in `path`.

    Raises FileNotFoundError; ValueError when they belong to another GAN or other candidates, or an entry is
    wrong. A bin given without "keep" counts as kept, so that the file is easily filled in by hand.
    """
    content = read_answers(path, candidates, FORMAT, "views")
    try:
        answers = _answers(content.get("views"), candidates)
        return Session(len(candidates.views), answers, seconds_of(content))
    except ValueError as error:
        raise ValueError(f"{path} : {error}; correct that entry, or move the file away") from error


def read_answers(
    path: Path, candidates: Candidates, form: str, what: str, flags: str = ""
) -> Mapping[str, Any]:
    """The content of a file of answers in format `form` that belongs to the candidates.

    what: what was annotated; flags: of the launch.annotate command that writes such a file. Raises
    FileNotFoundError; ValueError for another kind of file, another GAN or other candidates.
    """
    path, command = Path(path), f"launch.annotate{flags}"
    if not path.is_file():
        raise FileNotFoundError(f"no annotation at {path}; check the path, or annotate with {command}")
    content = read_json(path, remedy=f"write one with {command} --export=FILE, or move it away")
    if not isinstance(content, Mapping) or content.get("format") != form:
        raise ValueError(f"{path} is no annotation of {what}; write one with {command} --export=FILE")
    owner = content.get("fingerprint")
    if owner != candidates.fingerprint:
        raise ValueError(
            f"the annotation in {path} belongs to GAN {owner}, but this GAN is {candidates.fingerprint}; use "
            "it in a run of that GAN, or move it away and annotate this one's views"
        )
    if content.get("candidates") != candidates.digest:
        raise ValueError(
            f"the annotation in {path} belongs to other candidate views of this GAN (another seed or other "
            "viewpoints settings); use those settings, or move it away and annotate again"
        )
    return content


def seconds_of(content: Mapping[str, Any]) -> float:
    """The time spent that a file of answers tells, 0 when it tells none; ValueError for what is no time."""
    seconds = content.get("seconds", 0.0)
    if not is_number(seconds) or seconds < 0:
        raise ValueError(f"seconds is {seconds!r}, not a time spent")
    return float(seconds)


def entries_by_id(entries: Any, candidates: Candidates) -> list[Mapping[str, Any]]:
    """The entries of a file of answers in the candidates' order; ValueError unless there is one for each."""
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise ValueError(f"views is {repr(entries)[:60]}, not a list of objects")
    ids = [view["id"] for view in candidates.views]
    by_id = {entry.get("id"): entry for entry in entries if type(entry.get("id")) is int}
    if sorted(by_id) != sorted(ids) or len(entries) != len(ids):
        raise ValueError(f"{len(entries)} entries, but there are the views {ids[0]}..{ids[-1]}, once each")
    return [by_id[number] for number in ids]


def _answers(entries: Any, candidates: Candidates) -> list[Any]:
    answers = []
    for entry in entries_by_id(entries, candidates):
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
    if not (folder / ANNOTATION).is_file() or not (folder / CANDIDATES).is_file():
        return None
    candidates = read_candidates(folder, fingerprint)
    session = read_annotation(folder / ANNOTATION, candidates)
    if not session.complete:
        return None
    check_kept(session, folder / ANNOTATION)
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
