"""The folder that `launch.reconstruct` writes to: which files there are its own, and reconstruction.json."""

import contextlib
import errno
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ganverse_jax.commands.folders import refuse
from ganverse_jax.commands.reconstruct.page import Reconstruction, photos_page
from ganverse_jax.data.intake import Intake
from ganverse_jax.runtime.checkpoint import read_json, write_json, write_text
from ganverse_jax.runtime.names import legible, path_of

RECORD, PAGE, OBJ = "reconstruction.json", "index.html", "obj"


class Files(NamedTuple):
    """Of one result, in its folder; an .obj needs two more beside it, NAME.mtl and NAME.png."""

    glb: Path
    obj: Path
    turntable: Path
    sheet: Path
    camera: Path
    overlay: Path


def files_of(out: Path, name: str) -> Files:
    """Where the result called `name` is written to."""
    return Files(
        out / path_of(f"{name}.glb"),
        out / OBJ / path_of(f"{name}.obj"),
        *(out / path_of(f"{name}{suffix}") for suffix in (".webp", ".png", ".camera.json", ".overlay.jpg")),
    )


class ResultsFolder:
    """The folder `out`, claimed for the results called `names` of the network in `network`; `intake`: what
    beside the photos their folder holds.

    Its record lists every result, by which a later call knows its files for reconstruct's own. Results of
    earlier calls stay in it until there is a newer one of the name; those of another network name it.
    Raises ValueError when it holds files of others that this call would overwrite, or when a file is in its
    way, and OSError when it cannot be written to.
    """

    def __init__(self, out: Path, names: Sequence[str], network: Path, intake: Intake):
        self.out, self.network, self.intake, self._names = out, legible(network), intake, names
        self.results: list[Reconstruction] = []
        self.failed: dict[str, str] = {}
        earlier = _earlier(out / RECORD)
        _check_own(out, names, earlier)
        earlier = earlier or {"network": self.network, "photos": [], "failed": {}}
        other = {} if earlier["network"] == self.network else {"network": earlier["network"]}
        self._photos = {photo["name"]: other | photo for photo in earlier["photos"]}
        waiting = dict.fromkeys(names, "interrupted before its turn")
        self._failed = dict(earlier["failed"]) | waiting
        self._failed = {name: text for name, text in self._failed.items() if name not in self._photos}
        with writing(out):
            try:
                out.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError) as error:
                raise ValueError(
                    f"{out} can be no folder, a file is in its way; use another --out"
                ) from error
            self._write()

    def add(self, result: Reconstruction) -> None:
        """Record a result whose files are written."""
        self.results.append(result)
        self._failed.pop(result.name, None)
        self._photos[result.name] = result.record()
        self._write()

    def fail(self, name: str, error: str) -> None:
        """Record that a photo failed."""
        self._photos.pop(name, None)
        self.failed[name] = self._failed[name] = error
        self._write()

    def write_page(self) -> str:
        """Write the page of this call's photos, those whose turn did not come as failed; returns its path,
        legible."""
        failed = {name: self._failed[name] for name in self._names if name in self._failed}
        page = photos_page(self.results, failed, self.out, self.intake.lines())
        with writing(self.out):
            write_text(self.out / PAGE, page)
        return legible(self.out / PAGE)

    def _write(self) -> None:
        photos = list(self._photos.values())
        with writing(self.out):
            content = {"network": self.network, "photos": photos, "failed": self._failed}
            write_json(self.out / RECORD, content | self.intake.summary())


@contextlib.contextmanager
def writing(out: Path) -> Iterator[None]:
    """Let an OSError name the folder that could not be written to, and what to do."""
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno or errno.EIO,
            f"cannot write to {legible(out)} ({error.strerror or error}); free some space there, make it "
            f"writable or use another --out; photos that are finished stay in its {RECORD}",
        ) from error


def _check_own(out: Path, names: Sequence[str], earlier: Mapping[str, Any] | None) -> None:
    own = (
        set() if earlier is None else {photo["name"] for photo in earlier["photos"]} | set(earlier["failed"])
    )
    written = [path for name in names if name not in own for path in files_of(out, name)]
    written += [out / PAGE, out / RECORD, out / OBJ] if earlier is None else []
    refuse(out, written, "reconstruct")


def _earlier(path: Path) -> dict[str, Any] | None:
    """The record of earlier calls; None where there is none, or something else of that name."""
    if not path.is_file():
        return None
    content = read_json(path, remedy="move it away, or use another --out")
    is_record = (
        isinstance(content, dict)
        and {"network", "photos", "failed"} <= set(content)
        and isinstance(content["photos"], list)
        and isinstance(content["failed"], dict)
        and all(isinstance(photo, dict) and isinstance(photo.get("name"), str) for photo in content["photos"])
    )
    return content if is_record else None
