"""PyTorch's state dicts (.pth, of any version) as NumPy arrays, without torch and executing nothing.

A zipped file holds `NAME/data.pkl`, whose tensors name their numbers by key, and those in `NAME/data/KEY`. A
legacy file is five pickles (magic number, protocol, system, the dict, sorted keys), then per key an int64
count and the raw numbers. Files of before March 2017 are tars, see `torch_tar`. All are little-endian;
the pickles, of Python 2 or 3, are read by `safe_pickle`.
"""

import mmap
import os
import struct
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.pickles.inert_arrays import (
    FROM_TYPE,
    MAGIC,
    PARAMETER,
    PROTOCOL,
    STREAM_NAMES,
    TENSOR,
    VARIABLE,
    Arrays,
    numbers,
    read_counted,
    storage_reference,
    unwrapped,
)
from ganverse_jax.interchange.pickles.safe_pickle import Reader, is_call
from ganverse_jax.interchange.pickles.torch_tar import is_tar, read_tar

ALLOWED = STREAM_NAMES | {
    *TENSOR,
    *PARAMETER,
    *VARIABLE,
    *FROM_TYPE,
    "torch.Tensor",
    "torch.nn.parameter.Buffer",
}
_DICT = "collections.OrderedDict"
_MAX_ENTRIES = 5000  # of a zip; Inception-v3 has about 580
_SPARE = 1 << 16


def read_torch_state(path: str | os.PathLike, *, shapes_only: bool = False) -> dict[str, np.ndarray]:
    """The arrays (float32) of a state dict by name, as `torch.save(network.state_dict(), path)` wrote it.

    shapes_only: zeros stand for the numbers, which are not read, so that a file of any size is checked at
    once. Raises FileNotFoundError, or ImportedFileError naming file, value and remedy for whatever else is
    wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}; check the path")
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise ImportedFileError(f"{path} is empty; download it again")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    data = memoryview(mapped)
    try:
        if data[:2] == b"PK":
            _check_entries(mapped)
            return _read_zip(path, len(data), shapes_only)
        if data[:1] == b"\x80":
            return _read_legacy(data, shapes_only)
        if is_tar(data):
            return _read_tar(path, data, shapes_only)
        start = bytes(data[:4])
        raise ImportedFileError(f"this is no PyTorch file (it begins with {start!r}); download it again")
    except ImportedFileError as error:
        raise ImportedFileError(f"{path}: {error}") from error


def _check_entries(mapped: mmap.mmap) -> None:
    """Refuse crowded zips before zipfile makes an object of every entry."""
    position = -1
    for _ in range(_MAX_ENTRIES + 1):
        position = mapped.find(b"PK\x01\x02", position + 1)
        if position < 0:
            return
    raise ImportedFileError(f"more than {_MAX_ENTRIES} entries; no state dict has as many")


def _read_zip(path: Path, size: int, shapes_only: bool) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_archive(archive, size, shapes_only)
    except ImportedFileError:
        raise
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, struct.error) as error:
        # All of these come out of zipfile for headers with damaged offsets, flags, names and methods.
        raise ImportedFileError(f"a damaged zip ({error}); download it again") from error


def _root(entries: Collection[str]) -> str:
    """The folder of the zip that all its entries lie in."""
    roots = [name.removesuffix("/data.pkl") for name in entries if name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise ImportedFileError("a zip without data.pkl; pass a .pth written by torch.save")
    (root,) = roots
    if any(name.startswith(f"{root}/code/") for name in entries):
        raise ImportedFileError("a TorchScript program; pass a state dict (.pth) of the same network instead")
    return root


def _read_archive(archive: zipfile.ZipFile, size: int, shapes_only: bool) -> dict[str, np.ndarray]:
    entries = {info.filename: info for info in archive.infolist()}
    root = _root(entries)
    left = size

    def entry(name: str) -> zipfile.ZipInfo:
        nonlocal left
        info = entries.get(f"{root}/{name}")
        if info is None:
            raise ImportedFileError(f"the zip lacks {name}; the file is damaged")
        # torch stores without compression and overlap, so nothing can unfold to more than the file.
        left -= info.file_size
        if info.compress_type != zipfile.ZIP_STORED or left < 0:
            raise ImportedFileError(
                f"{name} in the zip is compressed or overlaps others; torch.save does not write such files"
            )
        return info

    def read(info: zipfile.ZipInfo) -> memoryview:
        return memoryview(archive.read(info))

    if f"{root}/byteorder" in entries and bytes(read(entry("byteorder"))) != b"little":
        raise ImportedFileError("numbers in big-endian order; save the file on another machine")

    storages: dict[str, np.ndarray] = {}

    def stored(key: str, dtype: np.dtype, count: int) -> np.ndarray:
        if key not in storages:
            info = entry(f"data/{key}")
            if info.file_size != count * dtype.itemsize:
                raise ImportedFileError(
                    f"storage {key[:40]} has {info.file_size} bytes for {count} x {dtype}; damaged"
                )
            none = np.broadcast_to(np.zeros((), dtype), count)
            storages[key] = none if shapes_only else numbers(read(info), dtype)
        return storages[key]

    content = Reader(read(entry("data.pkl")), ALLOWED, persistent=True).read()
    return _arrays(_entries(content), Arrays(2 * size + _SPARE, stored, shapes_only=shapes_only))


def _read_legacy(data: memoryview, shapes_only: bool) -> dict[str, np.ndarray]:
    values, position = [], 0
    for _ in range(5):
        reader = Reader(data, ALLOWED, position=position, persistent=True)
        values.append(reader.read())
        position = reader.position
    magic, protocol, _, content, keys = values
    if type(magic) is not int or magic != MAGIC or type(protocol) is not int or protocol != PROTOCOL:
        raise ImportedFileError("a pickle that torch.save did not write; pass a .pth")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ImportedFileError("the keys of the storages are not texts; the file is damaged")
    dtypes = _dtypes(_entries(content))
    storages: dict[str, np.ndarray] = {}
    for key in keys:
        if key not in dtypes:
            raise ImportedFileError("a storage that no tensor uses; the file is damaged")
        storages[key] = read_counted(data, position, dtypes[key])
        position += 8 + storages[key].nbytes
    return _arrays(_entries(content), _held(storages, len(data), shapes_only))


def _read_tar(path: Path, data: memoryview, shapes_only: bool) -> dict[str, np.ndarray]:
    content, tensors, storages = read_tar(path, data, ALLOWED)

    def tensor(value: Any) -> Any:
        value = unwrapped(value)
        return tensors.get(value.arguments[0], value) if is_call(value, "persistent id") else value

    entries = {name: tensor(value) for name, value in _entries(content).items()}
    return _arrays(entries, _held(storages, len(data), shapes_only))


def _held(storages: Mapping[str, np.ndarray], size: int, shapes_only: bool) -> Arrays:
    """The reader of tensors whose storages are known, in a file of `size` bytes."""

    def stored(key: str, dtype: np.dtype, count: int) -> np.ndarray:
        if key not in storages or storages[key].dtype != dtype or storages[key].size != count:
            raise ImportedFileError("a storage that is not there, or of another type; the file is damaged")
        return storages[key]

    return Arrays(2 * size + _SPARE, stored, shapes_only=shapes_only)


def _dtypes(entries: Mapping[Any, Any]) -> dict[str, np.dtype]:
    """Type of each storage by key, from the tensors that refer to it."""
    found = {}
    for value in entries.values():
        value = unwrapped(value)
        if is_call(value, *TENSOR) and value.arguments:
            key, dtype, _ = storage_reference(value.arguments[0])
            found[key] = dtype
    return found


def _entries(content: Any) -> Mapping[Any, Any]:
    items = content
    if is_call(content, _DICT):
        items = content.items or (_pairs(*content.arguments) if len(content.arguments) == 1 else {})
    if not isinstance(items, dict) or not items:
        raise ImportedFileError(
            f"the file holds a {type(content).__name__}, not a state dict; save that instead"
        )
    return items


def _pairs(pairs: Any) -> dict[str, Any]:
    """What Python 2 called an OrderedDict with: a list of [key, value]."""
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs
    ):
        raise ImportedFileError("an OrderedDict made of something else than pairs; the file is damaged")
    return {pair[0]: pair[1] for pair in pairs}


def _arrays(entries: Mapping[Any, Any], arrays: Arrays) -> dict[str, np.ndarray]:
    state = {}
    for name, value in entries.items():
        if is_call(value, _DICT) or isinstance(value, dict):
            raise ImportedFileError(
                f"{str(name)[:60]!r} is a dict within the file; save that state dict alone"
            )
        state[str(name)] = arrays.array(value, str(name)[:200])
    return state
