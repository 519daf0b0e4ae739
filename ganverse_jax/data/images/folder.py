"""Encoded pictures in a folder or a .zip, by position in the order of their names."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ganverse_jax.data.decoding import EXTENSIONS, MAX_BYTES, TOO_LARGE
from ganverse_jax.data.images.pictures import UnfitPicture
from ganverse_jax.data.intake import HIDDEN, Intake, files_under

LIMIT, NAMED_AGAIN = "beyond gan.data.limit", "of a name that comes again"


class Entry(NamedTuple):
    """One encoded picture: its name within the set, and `stamp`, which changes with it (size, checksum)."""

    name: str
    stamp: str


class ImageFolder:
    """The PNG, JPEG and WebP files under `path`, at any depth, in the order of their relative names.

    Hidden files, other kinds of files, dangling links and unreadable folders are left out, which `intake`
    tells; links are followed, each folder once. Raises FileNotFoundError for a missing path and ValueError
    when no picture is found.
    """

    def __init__(self, path: str | Path, limit: int | None = None):
        self.path = Path(path)
        if not self.path.is_dir():
            raise FileNotFoundError(f"no folder of images at {self.path}; correct gan.data.path")
        self.intake, sizes = Intake(), {}
        for file in files_under(self.path, self.intake):
            name = file.relative_to(self.path).as_posix()
            if not self.intake.left_out_by(file, name) and _is_picture(name, self.intake):
                sizes[name] = file.stat().st_size
        names = _first_by_name(sizes, limit, self.intake, self.path)
        self.entries = [Entry(name, str(sizes[name])) for name in names]

    def read(self, index: int) -> bytes:
        """Bytes of one file. Raises UnfitPicture when it is unreadable or larger than MAX_BYTES."""
        path = self.path / self.entries[index].name
        try:
            with open(path, "rb") as file:
                return _bounded(file, str(path))
        except OSError as error:
            raise UnfitPicture(
                f"{path} cannot be read ({error.strerror}); restore or remove it, or set gan.data.unfit=skip"
            ) from error


class ImageZip:
    """The PNG, JPEG and WebP entries of the .zip at `path`, nested folders included, in order of name.

    Nothing is unpacked to disk; reading is safe from several threads. Of entries of one name the last is
    taken; `intake` tells what is not. Raises FileNotFoundError for a missing file and ValueError for a
    damaged archive, or one without pictures.
    """

    def __init__(self, path: str | Path, limit: int | None = None):
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"no file at {self.path}; correct gan.data.path")
        try:
            self._zip = zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{self.path} is no readable .zip ({error}); get or make it again") from error
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        if any(PurePosixPath(info.filename).name == "data.mdb" for info in infos):
            raise ValueError(f"{self.path} holds an LMDB; unpack it and set gan.data.kind=lsun")
        self.intake, kept = Intake(), {}
        for info in infos:
            if _is_picture(info.filename, self.intake):
                self.intake.leave_out(NAMED_AGAIN, *[info.filename] * (info.filename in kept))
                kept[info.filename] = info
        self._infos = [kept[name] for name in _first_by_name(kept, limit, self.intake, self.path)]
        self.entries = [Entry(info.filename, f"{info.file_size} {info.CRC:08x}") for info in self._infos]

    def read(self, index: int) -> bytes:
        """Bytes of one entry. Raises UnfitPicture when damaged, encrypted, or larger than MAX_BYTES."""
        info = self._infos[index]
        name = f"{self.path}/{info.filename}"
        if info.flag_bits & 1:
            raise UnfitPicture(f"{name} is encrypted; unpack the .zip by its password, and give the folder")
        try:
            with self._zip.open(info) as file:  # reads at most what the archive's directory declares
                return _bounded(file, name)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            RuntimeError,
            NotImplementedError,
        ) as error:
            raise UnfitPicture(f"{name} cannot be unpacked ({error}); make the .zip again") from error


def open_images(path: str | Path, limit: int | None = None) -> ImageFolder | ImageZip:
    """A folder or a .zip, whichever `path` is; of more than `limit` pictures the first by name.

    Raises FileNotFoundError when nothing is there, ValueError for another kind of file.
    """
    if not str(path):
        raise FileNotFoundError("no images are named; set gan.data.path to a folder or a .zip")
    path = Path(path)
    if (path / "data.mdb").is_file():
        raise ValueError(f"{path} holds an LMDB, not image files; set gan.data.kind=lsun")
    if path.is_dir():
        return ImageFolder(path, limit)
    if path.exists() and path.suffix.lower() != ".zip" and not zipfile.is_zipfile(path):
        raise ValueError(
            f"{path} is neither a folder nor a .zip; unpack it (tar, 7z, ...) and set gan.data.path to the "
            "folder"
        )
    if not path.exists():
        raise FileNotFoundError(f"no folder or .zip of images at {path}; correct gan.data.path")
    return ImageZip(path, limit)


def _is_picture(name: str, intake: Intake) -> bool:
    path = PurePosixPath(name)
    # macOS puts a "__MACOSX/._picture.jpg" beside each picture of a zip.
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    if hidden or not name.lower().endswith(EXTENSIONS):
        intake.leave_out(HIDDEN if hidden else path.suffix.lower() or "without an ending", name)
        return False
    return True


def _first_by_name(found: Mapping[str, object], limit: int | None, intake: Intake, path: Path) -> list[str]:
    names = sorted(found)
    intake.leave_out(LIMIT, *names[len(names) if limit is None else limit :])
    if not names:
        raise ValueError(
            f"{path} holds no {', '.join(EXTENSIONS)} pictures (found {intake.told() or 'nothing'}); convert "
            "them or correct gan.data.path"
        )
    return names[:limit]


def _bounded(file, name: str) -> bytes:
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UnfitPicture(
            f"{name} has more than {MAX_BYTES:,} bytes; save it smaller or remove it, or set "
            "gan.data.unfit=skip",
            TOO_LARGE,
        )
    return data
