"""PyTorch's files of before March 2017, which are tars (torchvision's first ResNets are), as inert records.

`storages` holds their count as a pickle; per storage a pickle (key, place, type), an int64 count and the
numbers; then a pickled list of views (key, key of the whole, offset, count). `tensors` holds their count;
per tensor a pickle (key, storage's key, type), the axes as int32, four bytes of nothing, then int64 sizes,
strides and offset. `pickle` is the object, which refers to its tensors by key.
"""

import os
import struct
import tarfile
from collections.abc import Collection
from typing import Any

import numpy as np

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.pickles.inert_arrays import STREAM_NAMES, TENSOR, read_counted, storage_dtype
from ganverse_jax.interchange.pickles.safe_pickle import Global, Inert, Reader

_TYPES = frozenset(
    f"torch.{place}{name.removeprefix('torch.').removesuffix('Storage')}Tensor"
    for name in STREAM_NAMES
    if name.endswith("Storage")
    for place in ("", "cuda.")
)
_MAX_MEMBERS = 16  # there are four
_MAX_COUNT = 5000
_MAX_AXES = 8


def is_tar(data: memoryview) -> bool:
    """Whether the file begins like a tar."""
    return bytes(data[257:262]) == b"ustar"


def read_tar(
    path: str | os.PathLike, data: memoryview, allowed: Collection[str]
) -> tuple[Any, dict[str, Inert], dict[str, np.ndarray]]:
    """The object, the records of its tensors and the numbers of their storages, both by key.

    path: the file whose bytes are `data`; `allowed` are the names that the object may call. Raises
    ImportedFileError.
    """
    parts = _parts(path, data)
    storages, types = _storages(parts["storages"])
    tensors = _tensors(parts["tensors"], storages, types)
    return Reader(parts["pickle"], allowed, persistent=True).read(), tensors, storages


def _parts(path: str | os.PathLike, data: memoryview) -> dict[str, memoryview]:
    found = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for _ in range(_MAX_MEMBERS):
                member = archive.next()
                if member is None:
                    break
                if member.isreg() and not member.issparse():
                    found[member.name] = data[member.offset_data : member.offset_data + member.size]
    except (tarfile.TarError, OSError, ValueError, EOFError, OverflowError, RecursionError) as error:
        raise ImportedFileError(f"a damaged tar ({error}); download it again") from error
    if missing := {"storages", "tensors", "pickle"} - found.keys():
        raise ImportedFileError(
            f"a tar without {', '.join(sorted(missing))}; pass a .pth written by torch.save"
        )
    return found


class _Part:
    """Pickles and raw numbers that follow one another in `data`."""

    def __init__(self, data: memoryview, allowed: Collection[str]):
        self.data, self.allowed, self.position = data, allowed, 0

    def pickled(self) -> Any:
        reader = Reader(self.data, self.allowed, position=self.position)
        value, self.position = reader.read(), reader.position
        return value

    def entries(self) -> range:
        """How many entries follow."""
        count = self.pickled()
        if type(count) is not int or not 0 <= count <= _MAX_COUNT:
            raise ImportedFileError("more arrays are announced than any network has; the file is damaged")
        return range(count)

    def named(self) -> tuple[str, Any, Any]:
        """The key of an entry, as a text, and what else its pickle holds."""
        value = self.pickled()
        if not isinstance(value, tuple) or len(value) != 3:
            raise ImportedFileError("an array without key, place and type; the file is damaged")
        return _key(value[0]), value[1], value[2]

    def integers(self, count: int) -> tuple[int, ...]:
        end = self.position + 8 * count
        if end > len(self.data):
            raise ImportedFileError("the shapes end early; the file is truncated: download it again")
        found = struct.unpack_from(f"<{count}q", self.data, self.position)
        self.position = end
        return found


def _key(value: Any) -> str:
    if not isinstance(value, int | str):
        raise ImportedFileError("an array whose key is no number; the file is damaged")
    return str(value)


def _storages(data: memoryview) -> tuple[dict[str, np.ndarray], dict[str, Global]]:
    part, storages, types = _Part(data, STREAM_NAMES), {}, {}
    for _ in part.entries():
        key, _, types[key] = part.named()
        storages[key] = read_counted(data, part.position, storage_dtype(types[key]))
        part.position += 8 + storages[key].nbytes
    views = part.pickled()
    for view in views if isinstance(views, list) else [None]:
        if not isinstance(view, tuple) or len(view) != 4:
            raise ImportedFileError("a storage that views another in no known way; the file is damaged")
        key, whole, (offset, count) = _key(view[0]), _key(view[1]), view[2:]
        if whole not in storages or not all(type(n) is int and n >= 0 for n in (offset, count)):
            raise ImportedFileError("a storage that views one that is not there; the file is damaged")
        storages[key], types[key] = storages[whole][offset : offset + count], types[whole]
    return storages, types


def _tensors(data: memoryview, storages: dict[str, np.ndarray], types: dict[str, Global]) -> dict[str, Inert]:
    part, tensors = _Part(data, _TYPES), {}
    for _ in part.entries():
        key, stored, _ = part.named()
        stored = _key(stored)
        axes = part.integers(1)[0] & 0xFFFFFFFF
        if stored not in storages or axes > _MAX_AXES:
            raise ImportedFileError("a tensor without a storage or a proper shape; the file is damaged")
        size, stride = part.integers(axes), part.integers(axes)
        reference = ("storage", types[stored], stored, "cpu", storages[stored].size)
        record = Inert("persistent id", (reference,)), part.integers(1)[0], size, stride
        tensors[key] = Inert(TENSOR[0], record)
    return tensors
