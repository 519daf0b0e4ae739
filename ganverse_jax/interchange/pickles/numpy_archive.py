"""NumPy archives (.npz) of others: plain arrays only, and never more of them than the file can hold."""

import math
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ganverse_jax.interchange.errors import ImportedFileError

_MAX_ENTRIES = 5000  # three networks of 1024 px have about 700 arrays
# Weights hardly compress (float32 by a tenth, float16 kept in float32 by half); a bomb does a thousandfold.
_MOST_UNFOLDING = 4
_SPARE = 1 << 16
# What zipfile raises for damaged offsets, flags, names, methods and data.
_DAMAGES = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)


def read_numpy_archive(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The arrays of a .npz by name, as ``np.savez`` or ``np.savez_compressed`` wrote them.

    Nothing is unpickled; sizes are checked before anything is allocated for them.
    Raises FileNotFoundError, or ImportedFileError naming file, value and remedy for whatever else is wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no NumPy archive at {path}; check the path")
    try:
        with zipfile.ZipFile(path) as archive:
            return _arrays(archive, path.stat().st_size)
    except ImportedFileError as error:
        raise ImportedFileError(f"{path}: {error}") from error
    except _DAMAGES as error:
        raise ImportedFileError(
            f"{path} is no NumPy archive, or damaged ({error}); write it again with np.savez"
        ) from error


def _arrays(archive: zipfile.ZipFile, size: int) -> dict[str, np.ndarray]:
    entries = archive.infolist()
    if len(entries) > _MAX_ENTRIES:
        raise ImportedFileError(f"{len(entries)} entries; no StyleGAN2 has as many arrays")
    unfolded = sum(entry.file_size for entry in entries)
    if unfolded > _MOST_UNFOLDING * size + _SPARE:
        raise ImportedFileError(
            f"{size} bytes that unfold to {unfolded}; weights do not compress like that, the file was made "
            "to do harm. If it is yours, write it again with np.savez"
        )
    found: dict[str, np.ndarray] = {}
    for entry in entries:
        name = entry.filename.removesuffix(".npy")
        if name in found:
            raise ImportedFileError(f"the array {name[:200]!r} is there twice; write the file again")
        found[name] = _array(archive, entry, name[:200])
    return found


def _header(file) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read:
        raise ImportedFileError(f"array format {version}; write it again with np.savez")
    try:
        return read[version](file)
    except Exception as error:  # a literal made up by others: SyntaxError, RecursionError, TokenError, ...
        raise ImportedFileError(f"no header of an array ({type(error).__name__}); damaged") from error


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> np.ndarray:
    try:
        with archive.open(entry) as file:
            shape, fortran, dtype = _header(file)
            numbers = file.read()
        if dtype.hasobject or dtype.kind not in "fiub":
            raise ImportedFileError(f"{dtype}, not numbers; save plain arrays")
        if min(shape, default=0) < 0 or len(numbers) != dtype.itemsize * math.prod(shape):
            raise ImportedFileError(f"shape {shape} of {dtype}, but {len(numbers)} bytes; damaged")
    except ImportedFileError as error:
        raise ImportedFileError(f"{name!r}: {error}") from error
    return np.frombuffer(numbers, dtype).reshape(shape, order="F" if fortran else "C")
