"""A file of a person's answers: the GAN and the candidates they belong to, the time spent, an entry each."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ganverse_jax.annotation.candidates import Candidates
from ganverse_jax.annotation.session import History
from ganverse_jax.annotation.view_records import is_number
from ganverse_jax.runtime.checkpoint import read_json, write_json

S = TypeVar("S", bound=History)


class AnswerFile(NamedTuple):
    """A kind of file: its name in a run, what `format` says in it, what was annotated, and the flag of
    launch.annotate that asks for it."""

    name: str
    form: str
    what: str
    flag: str = ""


def write_answers(
    path: Path,
    candidates: Candidates,
    kind: AnswerFile,
    session: History,
    entries: list[Mapping[str, Any]],
    **about: Any,
) -> None:
    """Write a session's answers, atomically. entries: of each candidate beside its id; about: of them all."""
    owner = {"format": kind.form, "fingerprint": candidates.fingerprint, "candidates": candidates.digest}
    views = [{"id": view["id"]} | entry for view, entry in zip(candidates.views, entries, strict=True)]
    write_json(path, owner | about | {"seconds": round(session.seconds, 1), "views": views})


def read_session(
    path: Path,
    candidates: Candidates,
    kind: AnswerFile,
    make: Callable[[Mapping[str, Any], list[Mapping[str, Any]], float], S],
) -> S:
    """What `make` makes of a file's content, its entries in the candidates' order, and the time spent.

    Raises as `read_content` does, and ValueError that names the file for an entry that is wrong.
    """
    content = read_content(path, candidates, kind)
    try:
        return make(content, _entries_by_id(content.get("views"), candidates), seconds_of(content))
    except ValueError as error:
        raise ValueError(f"{path} : {error}; correct that entry, or move the file away") from error


def read_content(path: Path, candidates: Candidates, kind: AnswerFile) -> Mapping[str, Any]:
    """The content of a file of answers that belongs to the candidates.

    Raises FileNotFoundError; ValueError for another kind of file, another GAN or other candidates.
    """
    path, command = Path(path), f"launch.annotate{kind.flag}"
    if not path.is_file():
        raise FileNotFoundError(f"no annotation at {path}; check the path, or annotate with {command}")
    content = read_json(path, remedy=f"write one with {command} --export=FILE, or move it away")
    if not isinstance(content, Mapping) or content.get("format") != kind.form:
        raise ValueError(f"{path} is no annotation of {kind.what}; write one with {command} --export=FILE")
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


def _entries_by_id(entries: Any, candidates: Candidates) -> list[Mapping[str, Any]]:
    """The entries of a file of answers in the candidates' order; ValueError unless there is one for each."""
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise ValueError(f"views is {repr(entries)[:60]}, not a list of objects")
    ids = [view["id"] for view in candidates.views]
    by_id = {entry.get("id"): entry for entry in entries if type(entry.get("id")) is int}
    if sorted(by_id) != sorted(ids) or len(entries) != len(ids):
        raise ValueError(f"{len(entries)} entries, but there are the views {ids[0]}..{ids[-1]}, once each")
    return [by_id[number] for number in ids]
