"""Folders of photos' results, and of masks, that commands are given, and what they say at the end."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.runtime.names import legible, path_of


def masks_folder(masks: str | Path | None) -> Path | None:
    """The folder that --masks names, if any. Raises FileNotFoundError where there is none."""
    if masks is not None and not Path(masks).is_dir():
        raise FileNotFoundError(f"no folder of masks at {masks}; correct --masks")
    return None if masks is None else Path(masks)


def check_own(
    out: Path, record: str, files: Mapping[str, Sequence[str]], others: Sequence[str], command: str
) -> None:
    """Raise ValueError where `out` is no folder, or where a command would overwrite files of others.

    record: the JSON by which the command knows a folder, and in its "photos" and "failed" the names of
    photos, for its own; files: by the name of a photo, those that will be written; others: beside them.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out} can be no folder, a file is in its way; use another --out")
    known = _recorded(out / record)
    written = [file for name, own in files.items() if name not in (known or ()) for file in own]
    written += others if known is None else []
    refuse(out, (out / path_of(file) for file in written), command)


def refuse(out: Path, written: Iterable[Path], command: str) -> None:
    """Raise ValueError where any of the files is there, which the command did not make."""
    found = [legible(Path(path.name)) for path in written if path.exists()]
    if found:
        told = ", ".join(found[:3]) + " and more" * (len(found) > 3)
        raise ValueError(
            f"{out} has {told}, which {command} did not make and would overwrite; use another --out, or "
            "move them away"
        )


def _recorded(path: Path) -> set[str] | None:
    """The photos that a record names; None where it is none of ours."""
    content = read_json(path, remedy="move it away, or use another --out") if path.is_file() else None
    if not isinstance(content, dict) or not isinstance(content.get("photos"), dict):
        return None
    return {*content["photos"], *content.get("failed", {})}


def outcome(verb: str, done: int, failed: Mapping[str, str], wrote: str, notes: Sequence[str] = ()) -> str:
    """What to print at the end: how many photos were reconstructed (verb), and why the others were not."""
    lines = [f"{done} of {done + len(failed)} photos {verb}"]
    lines += [f"  failed: {error}" for error in failed.values()]
    lines += [f"  {note}" for note in notes]
    return "\n".join([*lines, f"wrote {wrote}"])
