"""Files that survive: weights (safetensors), JSON, PNG and NPZ, all atomic."""

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from ganverse_jax.runtime.machine import raise_if_machines, writing


def write_atomic(path: str | os.PathLike, write: Callable[[Path], Any]) -> None:
    """Let ``write`` fill a temporary sibling, then rename it: readers see all or nothing.

    Raises OSError, which names the path, also where a library's own error tells of the system.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        with writing(path):
            write(temporary)
            temporary.chmod(0o644)
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write ``text`` as UTF-8, atomically; names of files in it that are none keep their bytes."""
    data = text.encode("utf-8", "surrogateescape")
    write_atomic(path, lambda temporary: temporary.write_bytes(data))


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically. NaN is refused with ValueError."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json(path: str | os.PathLike, *, remedy: str = "delete it and run its stage again") -> Any:
    """Read JSON, with or without a byte order mark; ValueError names file and remedy when it is not JSON."""
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # ValueError: also of a number of too many digits
        raise ValueError(f"{path} is not valid JSON ({error}); {remedy}") from error


def write_png(path: str | os.PathLike, picture: Image.Image | np.ndarray) -> None:
    """Write a picture, or an array uint8 [h w] or [h w 3] of one, as PNG, atomically."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    write_atomic(path, lambda temporary: image.save(temporary, "PNG"))


def write_jpeg(path: str | os.PathLike, picture: np.ndarray) -> None:
    """Write an array uint8 [h w 3] of a photograph as JPEG, atomically."""
    write_atomic(path, lambda temporary: Image.fromarray(picture).save(temporary, "JPEG", quality=90))


def write_npz(path: str | os.PathLike, **arrays: np.ndarray) -> None:
    """Write named arrays as a compressed NPZ, atomically."""

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            np.savez_compressed(file, **arrays)

    write_atomic(path, write)


def read_npz(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read an NPZ without pickle; ValueError names the file when it is damaged."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise_if_machines(error)
        raise ValueError(f"{path} is damaged ({error}); delete it and run its stage again") from error


def save_weights(
    path: str | os.PathLike, tree: Mapping, metadata: Mapping[str, Any], *, dtype: Any = None
) -> None:
    """Write a nested dict of arrays as safetensors, keys joined by "/", atomically.

    ``metadata`` values are stored as JSON. With ``dtype`` floating leaves are cast, for small files.
    """
    from safetensors.numpy import save_file

    flat = flax.traverse_util.flatten_dict(jax.device_get(tree), sep="/")
    arrays = {}
    for name, leaf in flat.items():
        array = np.asarray(leaf)
        if dtype is not None and np.issubdtype(array.dtype, np.floating):
            array = array.astype(dtype)
        arrays[name] = np.ascontiguousarray(array).reshape(array.shape)
    text = {name: json.dumps(value) for name, value in metadata.items()}
    write_atomic(path, lambda temporary: save_file(arrays, str(temporary), metadata=text))


def load_weights(path: str | os.PathLike, *, shapes_only: bool = False) -> tuple[dict, dict[str, Any]]:
    """Read ``(nested dict of arrays, metadata)`` written by :func:`save_weights`.

    Half-precision leaves come back as float32. shapes_only: zeros stand for the numbers, which are not read,
    so that a file of any size is checked at once. Raises FileNotFoundError, or ValueError that names
    the file when it is truncated, of another kind or written by another program.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}; run the stage that writes them or check the path")
    try:
        with safe_open(str(path), framework="numpy") as file:
            read = _zeros if shapes_only else type(file).get_tensor
            flat = {name: read(file, name) for name in file.keys()}
            texts = file.metadata() or {}
    except (AttributeError, TypeError) as error:  # numpy has no such numbers
        raise ValueError(
            f"{path} holds numbers that are not read here ({error}); save it as float32"
        ) from error
    except SafetensorError as error:
        raise ValueError(
            f"{path} is not a readable safetensors file ({error}); copy it again, or delete it and run the "
            "stage that writes it again"
        ) from error
    try:
        metadata = {name: json.loads(text) for name, text in texts.items()}
        tree = flax.traverse_util.unflatten_dict(flat, sep="/")
    except (ValueError, IndexError) as error:  # IndexError: of a name within an array's name
        raise ValueError(f"{path} was written by another program ({error}); check the path") from error
    return jax.tree.map(_widened, tree), metadata


def _zeros(file: Any, name: str) -> np.ndarray:
    """As `get_tensor`, without the numbers and in no memory."""
    entry = file.get_slice(name)
    return np.broadcast_to(np.float32(0) if "F" in entry.get_dtype() else np.int64(0), entry.get_shape())


def _widened(array: np.ndarray) -> np.ndarray:
    """Half precision, bfloat16 and narrower, as float32."""
    narrow = array.dtype.itemsize < 4 and jnp.issubdtype(array.dtype, jnp.floating)
    return array.astype(np.float32) if narrow else array


def fingerprint(tree: Any) -> str:
    """16 hex digits that name a nested dict of arrays: SHA-256 over names, shapes, dtypes and bytes."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(jax.device_get(tree)):
        array = np.ascontiguousarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {array.shape} {array.dtype}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def sha256_of(path: str | os.PathLike) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
