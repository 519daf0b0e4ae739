"""Encoded pictures in a folder or a .zip, by position in the order of their names."""

import os
import zipfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ganverse_jax.data.images.pictures import EXTENSIONS, MAX_BYTES, UnfitPicture


class Entry(NamedTuple):
    """One encoded picture: its name within the set, and `stamp`, which changes with it (size, checksum)."""

    name: str
    stamp: str


class ImageFolder:
    """The PNG, JPEG and WebP files under `path`, at any depth, in the order of their relative names.

    Hidden files and other kinds of files are left out; links are followed, each folder once. Raises
    FileNotFoundError for a missing path and ValueError when no picture is found.
    """

    def __init__(self, path: str | Path, limit: int | None = None):
        self.path = Path(path)
        if not self.path.is_dir():
            raise FileNotFoundError(f"no folder of images at {self.path}; correct gan.data.path")
        sizes, others = {}, Counter()
        for file in _files(self.path):
            name = file.relative_to(self.path).as_posix()
            if _is_picture(name):
                sizes[name] = file.stat().st_size
            elif not _is_hidden(name):
                others[file.suffix.lower() or "no extension"] += 1
        _check_found(sizes, others, self.path)
        self.entries = [Entry(name, str(sizes[name])) for name in sorted(sizes)[:limit]]

    def read(self, index: int) -> bytes:
        """Bytes of one file. Raises UnfitPicture when it is unreadable or larger than MAX_BYTES."""
        path = self.path / self.entries[index].name
        try:
            with open(path, "rb") as file:
                return _bounded(file, str(path))
        except OSError as error:
            raise UnfitPicture(f"{path} cannot be read ({error.strerror}); restore or remove it") from error


class ImageZip:
    """The PNG, JPEG and WebP entries of the .zip at `path`, nested folders included, in order of name.

    Nothing is unpacked to disk; reading is safe from several threads. Raises FileNotFoundError for a missing
    file and ValueError for a damaged archive, or one without pictures.
    """

    def __init__(self, path: str | Path, limit: int | None = None):
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"no file at {self.path}; correct gan.data.path")
        try:
            self._zip = zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, OSError) as error:
            raise ValueError(f"{self.path} is no readable .zip ({error}); get or make it again") from error
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        kept = {info.filename: info for info in infos if _is_picture(info.filename)}
        if any(PurePosixPath(info.filename).name == "data.mdb" for info in infos):
            raise ValueError(f"{self.path} holds an LMDB; unpack it and set gan.data.kind=lsun")
        _check_found(kept, Counter(PurePosixPath(info.filename).suffix.lower() for info in infos), self.path)
        self._infos = [kept[name] for name in sorted(kept)[:limit]]
        self.entries = [Entry(info.filename, f"{info.file_size} {info.CRC:08x}") for info in self._infos]

    def read(self, index: int) -> bytes:
        """Bytes of one entry. Raises UnfitPicture when damaged, encrypted, or larger than MAX_BYTES."""
        info = self._infos[index]
        name = f"{self.path}/{info.filename}"
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
    if path.exists() and not zipfile.is_zipfile(path):
        raise ValueError(
            f"{path} is neither a folder nor a .zip; unpack it (tar, 7z, ...) and set gan.data.path to the "
            "folder"
        )
    if not path.exists():
        raise FileNotFoundError(f"no folder or .zip of images at {path}; correct gan.data.path")
    return ImageZip(path, limit)


def _files(folder: Path):
    seen = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:  # a link that leads back would go on for ever
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        yield from (path for name in names if (path := Path(parent) / name).is_file())


def _is_hidden(name: str) -> bool:
    # macOS puts a "__MACOSX/._picture.jpg" beside each picture of a zip.
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def _is_picture(name: str) -> bool:
    return name.lower().endswith(EXTENSIONS) and not _is_hidden(name)


def _check_found(found, others: Counter, path: Path) -> None:
    if not found:
        seen = ", ".join(f"{count} {kind}" for kind, count in others.most_common(5)) or "nothing"
        raise ValueError(
            f"{path} holds no {', '.join(EXTENSIONS)} pictures (found {seen}); convert them or correct "
            "gan.data.path"
        )


def _bounded(file, name: str) -> bytes:
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UnfitPicture(f"{name} has more than {MAX_BYTES:,} bytes; save it smaller or remove it")
    return data
