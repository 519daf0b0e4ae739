"""The annotator's files in a run's `viewpoints` folder.

candidates.json: the proposed views (GAN's fingerprint, codes, scores); candidates.npz: their pictures as
WebP; annotation.json: a person's answers, written on every change. The viewpoints stage turns them into
viewpoints.json.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ganverse_jax.annotation.session import DROP, NUM_BINS, Session
from ganverse_jax.checkpoint import read_json, read_npz, write_json, write_npz

CANDIDATES, PICTURES, ANNOTATION = "candidates.json", "candidates.npz", "annotation.json"
FORMAT = "ganverse-jax view annotation 1"
_TILE = 256  # pixels on the longer side of a picture on the page


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
    encoded = [[encode_tile(picture) for picture in row] for row in pictures]
    data = np.frombuffer(b"".join(tile for row in encoded for tile in row), np.uint8)
    lengths = np.array([[len(tile) for tile in row] for row in encoded], np.int64)
    write_npz(folder / PICTURES, data=data, lengths=lengths, digest=np.array(_digest(fingerprint, views)))
    write_json(folder / CANDIDATES, {"fingerprint": fingerprint, "views": views})


def encode_tile(picture: np.ndarray) -> bytes:
    """uint8 [h w 3] as WebP, at most 256 pixels long."""
    image = Image.fromarray(picture)
    image.thumbnail((_TILE, _TILE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=88, method=4)
    return buffer.getvalue()


def data_uri(tile: bytes) -> str:
    """A WebP picture for the `src` of an image."""
    return "data:image/webp;base64," + base64.b64encode(tile).decode("ascii")


def read_candidates(folder: Path, fingerprint: str | None = None) -> Candidates:
    """The views proposed in `folder`. Raises FileNotFoundError; ValueError when they are of another GAN than
    `fingerprint` (when given), or the file is no such file. Messages name file and remedy."""
    path = Path(folder) / CANDIDATES
    if not path.is_file():
        raise FileNotFoundError(f"no candidate views at {path}; run launch.annotate or launch.train first")
    content = read_json(path)
    try:
        owner, views = content["fingerprint"], content["views"]
        digest = _digest(owner, views)
    except (TypeError, KeyError) as error:
        raise ValueError(
            f"{path} holds no candidate views ({error!r}); delete it and propose again"
        ) from error
    if fingerprint is not None and owner != fingerprint:
        raise ValueError(
            f"the candidate views in {path} belong to GAN {owner}, but this GAN is {fingerprint}; use that "
            f"GAN, or delete {Path(folder)} to propose views of this one"
        )
    return Candidates(views, owner, digest)


def read_pictures(folder: Path, candidates: Candidates) -> list[list[bytes]]:
    """WebP pictures [views][contents] of the candidates. Raises ValueError when they show other views."""
    path = Path(folder) / PICTURES
    if not path.is_file():
        raise FileNotFoundError(
            f"no pictures at {path}; delete {Path(folder) / CANDIDATES} and propose again"
        )
    arrays = read_npz(path)
    if str(arrays["digest"]) != candidates.digest:
        raise ValueError(
            f"{path} shows other views than {CANDIDATES}; delete both and run launch.annotate again"
        )
    data, ends = arrays["data"].tobytes(), np.cumsum(arrays["lengths"]).reshape(arrays["lengths"].shape)
    return [
        [data[end - length : end] for end, length in zip(*row, strict=True)]
        for row in zip(ends.tolist(), arrays["lengths"].tolist(), strict=True)
    ]


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
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no annotation at {path}; check the path, or annotate with launch.annotate")
    content = read_json(path)
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise ValueError(f"{path} is no annotation of views; write one with launch.annotate --export=FILE")
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
    try:
        answers = _answers(content["views"], candidates)
        seconds = float(content.get("seconds") or 0.0)
        if not 0.0 <= seconds < math.inf:
            raise ValueError(f"seconds is {seconds}, not a time spent")
        return Session(len(candidates.views), answers, seconds)
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{path} : {error}; correct that entry, or move the file away") from error


def _answers(entries: list[Mapping[str, Any]], candidates: Candidates) -> list[Any]:
    by_id = {entry["id"]: entry for entry in entries}
    ids = [view["id"] for view in candidates.views]
    if sorted(by_id) != sorted(ids) or len(entries) != len(ids):
        raise ValueError(f"{len(entries)} entries, but there are the views {ids[0]}..{ids[-1]}, once each")
    answers = []
    for number in ids:
        azimuth_bin, keep = by_id[number].get("azimuth_bin"), by_id[number].get("keep")
        if keep not in (True, False, None):
            raise ValueError(f"view {number} has keep {keep!r}, not true, false or null")
        if azimuth_bin is not None and (type(azimuth_bin) is not int or azimuth_bin not in range(NUM_BINS)):
            raise ValueError(f"view {number} has azimuth_bin {azimuth_bin!r}, not 0..{NUM_BINS - 1} or null")
        if keep is True and azimuth_bin is None:
            raise ValueError(f"view {number} is kept but has no azimuth_bin")
        answers.append(DROP if keep is False else azimuth_bin)
    return answers


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
    kept = [(answer, view) for view, answer in zip(candidates.views, session.answers, strict=True)
            if answer != DROP]  # fmt: skip
    if len(kept) < 2:
        raise ValueError(f"{folder / ANNOTATION} keeps {len(kept)} views; a multi-view set needs two or more")
    kept.sort(key=lambda pair: (pair[0], pair[1]["id"]))
    views = [view | {"id": i, "candidate": view["id"], "azimuth_bin": b} for i, (b, view) in enumerate(kept)]
    return {
        "fingerprint": fingerprint,
        "annotated_by": "person",
        "annotation_seconds": round(session.seconds, 1),
        "dropped": len(candidates.views) - len(views),
        "views": views,
    }
