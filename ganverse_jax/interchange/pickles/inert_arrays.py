"""NumPy arrays out of inert pickle records: pickled NumPy arrays and legacy PyTorch streams.

A legacy PyTorch stream is five pickles (magic number, protocol, system, object, storage keys), then per key
an int64 count and the raw little-endian numbers. A tensor is a window (offset, size, stride) on a storage.
Arrays are copied out of the file, within a budget: a file could let thousands of tensors share one storage.
"""

import math
import struct
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.pickles.safe_pickle import Global, Inert, Reader, is_call

_CORES = ("numpy.core", "numpy._core")  # the old and the new path of the same modules
_RECONSTRUCT = tuple(f"{core}.multiarray._reconstruct" for core in _CORES)
_SCALAR = tuple(f"{core}.multiarray.scalar" for core in _CORES)
_FROM_BUFFER = tuple(f"{core}.numeric._frombuffer" for core in _CORES)
NUMPY_NAMES = frozenset({*_RECONSTRUCT, *_SCALAR, *_FROM_BUFFER, "numpy.ndarray", "numpy.dtype"}) | {
    "_codecs.encode"
}
TENSOR = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2")
PARAMETER = ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state")
# Before torch 0.4 a parameter was called with its tensor, before March 2017 made empty and given a state.
VARIABLE = ("torch.nn.parameter.Parameter", "torch.autograd.variable.Variable")
# Of tensors that carry attributes: function, type, arguments, attributes.
FROM_TYPE = tuple(
    f"torch.{name}"
    for name in ("_tensor._rebuild_from_type_v2", "_tensor._rebuild_from_type", "tensor._rebuild_from_type")
)
_STREAM = "torch.storage._load_from_bytes"
TORCH_NAMES = frozenset({*TENSOR, *PARAMETER, _STREAM, "torch.device", "torch.Size"}) | {
    f"torch.{name}"
    for name in ("float16", "float32", "float64", "bfloat16", "int32", "int64", "uint8", "bool")
}
_DTYPES = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}
_STORAGES = {
    "torch.FloatStorage": np.dtype("<f4"),
    "torch.HalfStorage": np.dtype("<f2"),
    "torch.DoubleStorage": np.dtype("<f8"),
    "torch.BFloat16Storage": np.dtype(ml_dtypes.bfloat16),
    "torch.LongStorage": np.dtype("<i8"),
    "torch.IntStorage": np.dtype("<i4"),
    "torch.ShortStorage": np.dtype("<i2"),
    "torch.CharStorage": np.dtype("i1"),
    "torch.ByteStorage": np.dtype("u1"),
    "torch.BoolStorage": np.dtype("b1"),
}
STREAM_NAMES = frozenset(_STORAGES) | {"collections.OrderedDict"}
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_MAX_AXES = 8
_MAX_ARRAYS = 5000  # three networks of 1024 px have about 700
_STREAM_OPCODES = 1000  # a storage's stream has about 60


class Arrays:
    """Turns records into float32 arrays (copies); `budget` bounds their bytes altogether.

    `stored(key, dtype, count)` gives the numbers of a storage that lies beside the pickle (see
    `torch_state`); without it every tensor must bring its own. shapes_only: zeros stand for them, in no
    memory.
    """

    def __init__(
        self,
        budget: int,
        stored: Callable[[str, np.dtype, int], np.ndarray] | None = None,
        *,
        shapes_only: bool = False,
    ):
        self._budget, self._count, self._stored, self._shapes_only = budget, 0, stored, shapes_only
        self._storages: dict[int, np.ndarray] = {}

    def array(self, value: Any, name: str) -> np.ndarray:
        """The array that `value` records. Raises ImportedFileError naming `name` if it is none."""
        self._count += 1
        if self._count > _MAX_ARRAYS:
            raise ImportedFileError(f"{name}: more than {_MAX_ARRAYS} arrays; no StyleGAN2 has as many")
        try:
            found = self._view(value)
        except ImportedFileError as error:
            raise ImportedFileError(f"{name}: {error}") from error
        self._budget -= 4 * found.size
        if self._budget < 0:
            raise ImportedFileError(
                f"{name}: the arrays hold more numbers than the file; it was made to do harm"
            )
        if self._shapes_only:
            return np.broadcast_to(np.float32(0), found.shape)
        with np.errstate(all="ignore"):  # what overflows float32 is refused later, by name
            return found.astype(np.float32, order="C", copy=True)

    def _view(self, value: Any) -> np.ndarray:
        value = unwrapped(value)
        if is_call(value, *TENSOR):
            return self._tensor(value.arguments)
        if is_call(value, *_RECONSTRUCT):
            return _numpy_array(value.state)
        if is_call(value, *_FROM_BUFFER) and len(value.arguments) == 4:
            raw, dtype, shape, order = value.arguments
            return _shaped(_numbers(raw, dtype), shape, order == "F")
        if is_call(value, *_SCALAR) and len(value.arguments) == 2:
            return _shaped(_numbers(value.arguments[1], value.arguments[0]), (), False)
        if isinstance(value, int | float):
            return np.asarray(float(value))
        raise ImportedFileError(f"a {type(value).__name__} stands where an array should; the file is damaged")

    def _tensor(self, arguments: tuple) -> np.ndarray:
        if len(arguments) < 4:
            raise ImportedFileError("a tensor without storage, offset, size and stride; the file is damaged")
        storage = self._storage(arguments[0])
        offset, size, stride = arguments[1], _counts(arguments[2]), _counts(arguments[3])
        if not isinstance(offset, int) or offset < 0 or len(size) != len(stride):
            raise ImportedFileError(f"offset or strides do not fit the size {size}; the file is damaged")
        if 0 in size and math.prod(n for n in size if n) < 2**40:
            return np.zeros(size, storage.dtype)
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        # Products are bounded too: with stride 0 a single number could fill any size.
        if 0 in size or last >= storage.size or math.prod(size) > storage.size:
            raise ImportedFileError(
                f"a tensor of size {size} and strides {stride} from {offset} does not fit its storage of "
                f"{storage.size} numbers; the file is damaged"
            )
        steps = [step * storage.itemsize for step in stride]
        return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)

    def _storage(self, value: Any) -> np.ndarray:
        if self._stored is not None:
            numbers, window = self._stored(*storage_reference(value)), _window(value.arguments[0])
            return numbers if window is None else numbers[window]
        if not is_call(value, _STREAM) or len(value.arguments) != 1:
            raise ImportedFileError("a tensor without a storage of its own; the file is damaged")
        if id(value) not in self._storages:
            self._storages[id(value)] = _read_stream(_raw(value.arguments[0]))
        return self._storages[id(value)]


def _read_stream(data: memoryview) -> np.ndarray:
    if data[:2] == b"PK":
        raise ImportedFileError(
            "a zipped PyTorch storage; save the networks with stylegan2-ada-pytorch's code"
        )
    values, position = [], 0
    for _ in range(5):
        reader = Reader(data, STREAM_NAMES, position=position, persistent=True, max_opcodes=_STREAM_OPCODES)
        values.append(reader.read())
        position = reader.position
    magic, protocol, _, storage, keys = values
    if type(magic) is not int or magic != MAGIC or type(protocol) is not int or protocol != PROTOCOL:
        raise ImportedFileError("a storage that is no PyTorch stream; the file is damaged")
    if not is_call(storage, "persistent id") or not isinstance(keys, list) or len(keys) != 1:
        raise ImportedFileError("a PyTorch stream that holds something else than one storage; damaged?")
    if _window(storage.arguments[0]) is not None:
        raise ImportedFileError("a PyTorch storage that views another; save the networks again")
    return read_counted(data, position, _storage_dtype(storage.arguments[0]))


def unwrapped(value: Any) -> Any:
    """The record of the tensor in that of a parameter or of a tensor with attributes, in any form."""
    if is_call(value, *PARAMETER):
        return value.arguments[0] if value.arguments else None
    if is_call(value, *VARIABLE):
        held = value.arguments or value.state
        return held[0] if isinstance(held, tuple) and held else None
    if is_call(value, *FROM_TYPE) and len(value.arguments) >= 3:
        function, _, arguments = value.arguments[:3]
        if isinstance(function, Global) and isinstance(arguments, tuple):
            return Inert(function.name, arguments)
    return value


def read_counted(data: memoryview, position: int, dtype: np.dtype) -> np.ndarray:
    """The numbers of a legacy storage: an int64 count at `position`, then as many of `dtype`."""
    if len(data) < position + 8:
        raise ImportedFileError("a PyTorch stream without numbers; the file is truncated")
    (count,) = struct.unpack_from("<q", data, position)
    raw = data[position + 8 :]
    if count < 0 or count * dtype.itemsize > len(raw):
        raise ImportedFileError(
            f"a storage announces {count} numbers, {len(raw)} bytes are there; truncated?"
        )
    return numbers(raw[: count * dtype.itemsize], dtype)


def numbers(raw: memoryview, dtype: np.dtype) -> np.ndarray:
    """The numbers in the buffer, which may be none."""
    return np.frombuffer(raw, dtype) if len(raw) else np.zeros(0, dtype)


def storage_reference(value: Any) -> tuple[str, np.dtype, int]:
    """(key, dtype, count) of a tensor's reference to a storage beside the pickle."""
    if not is_call(value, "persistent id"):
        raise ImportedFileError("a tensor without a storage in the file; the file is damaged")
    dtype = _storage_dtype(value.arguments[0])
    key, count = value.arguments[0][2], value.arguments[0][4]
    if not isinstance(key, str) or type(count) is not int or count < 0:
        raise ImportedFileError("a storage without name or size; the file is damaged")
    return key, dtype, count


def _storage_dtype(reference: Any) -> np.dtype:
    if not isinstance(reference, tuple) or len(reference) < 5 or not isinstance(reference[1], Global):
        raise ImportedFileError("a PyTorch storage without a type; the file is damaged")
    return storage_dtype(reference[1])


def storage_dtype(kind: Any) -> np.dtype:
    """The numbers' type in a storage of the type that the file names."""
    if not isinstance(kind, Global) or kind.name not in _STORAGES:
        name = kind.name if isinstance(kind, Global) else type(kind).__name__
        raise ImportedFileError(f"a storage of type {name}, which holds no numbers")
    return _STORAGES[kind.name]


def _window(reference: tuple) -> slice | None:
    """The part of the storage that a reference views (key, offset, count), or None for all of it."""
    view = reference[5] if len(reference) > 5 else None
    if view is None:
        return None
    if not isinstance(view, tuple) or len(view) != 3:
        raise ImportedFileError("a PyTorch storage that views another in no known way; the file is damaged")
    offset, count = _counts(view[1:])
    return slice(offset, offset + count)


def _numpy_array(state: Any) -> np.ndarray:
    if not isinstance(state, tuple) or len(state) != 5:
        raise ImportedFileError("a NumPy array without shape, type and numbers; the file is damaged")
    _, shape, dtype, fortran, raw = state
    return _shaped(_numbers(raw, dtype), shape, fortran is True)


def _shaped(numbers: np.ndarray, shape: Any, fortran: bool) -> np.ndarray:
    shape = _counts(shape)
    if 0 in shape or math.prod(shape) != numbers.size:
        raise ImportedFileError(f"{numbers.size} numbers cannot have the shape {shape}; the file is damaged")
    return numbers.reshape(shape, order="F" if fortran else "C")


def _numbers(raw: Any, dtype: Any) -> np.ndarray:
    data, dtype = _raw(raw), _numpy_dtype(dtype)
    if not len(data) or len(data) % dtype.itemsize:
        raise ImportedFileError(f"{len(data)} bytes are no whole number of {dtype}; the file is damaged")
    return np.frombuffer(data, dtype)


def _numpy_dtype(value: Any) -> np.dtype:
    if not is_call(value, "numpy.dtype") or not value.arguments or not isinstance(value.arguments[0], str):
        raise ImportedFileError("an array without a type; the file is damaged")
    code = value.arguments[0].lstrip("<>=|")
    if code not in _DTYPES:
        raise ImportedFileError(f"an array of type {code[:20]!r}; weights are numbers of {sorted(_DTYPES)}")
    order = value.state[1] if isinstance(value.state, tuple) and len(value.state) > 1 else "<"
    return np.dtype(code).newbyteorder(">" if order == ">" else "<")


def _raw(value: Any) -> memoryview:
    """Bytes as the file holds them; Python 3 wrote them as text for protocol 2."""
    if isinstance(value, memoryview):
        return value
    if is_call(value, "_codecs.encode") and len(value.arguments) == 2 and isinstance(value.arguments[0], str):
        try:
            return memoryview(value.arguments[0].encode("latin-1"))
        except UnicodeEncodeError as error:
            raise ImportedFileError(
                "numbers stored as text that is no latin-1; the file is damaged"
            ) from error
    raise ImportedFileError(f"a {type(value).__name__} stands where bytes should; the file is damaged")


def _counts(value: Any) -> tuple[int, ...]:
    if isinstance(value, Inert) and value.name == "torch.Size" and value.arguments:
        value = value.arguments[0]
    if not isinstance(value, tuple) or len(value) > _MAX_AXES:
        raise ImportedFileError("an array without a proper shape; the file is damaged")
    for count in value:
        if type(count) is not int or not 0 <= count < 2**40:
            raise ImportedFileError("a shape or stride that is no count; the file is damaged")
    return value
