"""Folders that commands write their results to."""

from collections.abc import Sequence
from pathlib import Path

from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.runtime.names import legible, path_of


def check_own(out: Path, record: str, written: Sequence[str], command: str) -> None:
    """Raise ValueError where `out` is no folder, or where a command would overwrite files of others.

    record: the JSON by which the command knows a folder, and in its "photos" and "failed" the names of
    photos, for its own; written: names of further files, those of a photo being its name and an ending.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out} can be no folder, a file is in its way; use another --out")
    known = None
    if (out / record).is_file():
        content = read_json(out / record, remedy="move it away, or use another --out")
        if isinstance(content, dict) and isinstance(content.get("photos"), dict):
            known = {*content["photos"], *content.get("failed", {})}
    foreign = [
        name
        for name in written
        if (out / path_of(name)).exists()
        and (known is None or not ("." in name and name.rpartition(".")[0] in known | {"index"}))
    ]
    if foreign:
        told = ", ".join(legible(Path(name)) for name in foreign[:3])
        raise ValueError(
            f"{out} has {told}, which {command} did not make and would overwrite; use another --out"
        )
