"""Files that survive: step checkpoints (Orbax), weights (safetensors), JSON and NPZ, all atomic."""

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
import numpy as np


class Checkpoints:
    """Step checkpoints of one training run in ``directory``; the newest ``keep`` remain.

    States are pytrees of arrays. A step counts as saved once :meth:`wait` has returned.
    """

    def __init__(self, directory: str | os.PathLike, *, keep: int = 2):
        import orbax.checkpoint as ocp

        self._ocp = ocp
        self.directory = Path(directory).absolute()
        self.directory.mkdir(parents=True, exist_ok=True)
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, create=True)
        self._manager = ocp.CheckpointManager(self.directory, options=options)

    def latest_step(self) -> int | None:
        """The newest step on disk, or None."""
        return self._manager.latest_step()

    def save(self, step: int, state: Any) -> None:
        """Begin to save ``state`` as ``step``; an earlier save that still runs is awaited first."""
        self._manager.wait_until_finished()
        self._manager.save(step, args=self._ocp.args.StandardSave(jax.device_get(state)))

    def restore(self, template: Any, step: int | None = None) -> Any:
        """Read a state with the structure, shapes and dtypes of ``template`` (host arrays).

        Raises ValueError that names the directory when the stored state has another shape.
        """
        step = self.latest_step() if step is None else step
        host = jax.tree.map(np.asarray, jax.device_get(template))
        misfit = f"checkpoint {self.directory}/{step} does not fit these settings ({{}}); " + (
            "use another --workdir or delete that folder"
        )
        try:
            restored = self._manager.restore(step, args=self._ocp.args.StandardRestore(host))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(misfit.format(str(error).splitlines()[0])) from error
        restored = jax.tree.map(np.asarray, restored)
        wanted = jax.tree_util.tree_leaves_with_path(host)
        for (path, leaf), stored in zip(wanted, jax.tree.leaves(restored), strict=True):
            if leaf.shape != stored.shape:  # Orbax pads or truncates silently
                name = jax.tree_util.keystr(path)
                raise ValueError(misfit.format(f"{name} is {stored.shape}, expected {leaf.shape}"))
        return restored

    def wait(self) -> None:
        """Block until every save is on disk."""
        self._manager.wait_until_finished()

    def close(self) -> None:
        """Finish saving and release the manager's threads."""
        self._manager.wait_until_finished()
        self._manager.close()


def write_atomic(path: str | os.PathLike, write: Callable[[Path], Any]) -> None:
    """Let ``write`` fill a temporary sibling, then rename it: readers see all or nothing."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically. NaN is refused with ValueError."""
    text = json.dumps(value, indent=1, allow_nan=False) + "\n"
    write_atomic(path, lambda temporary: temporary.write_text(text))


def read_json(path: str | os.PathLike, *, remedy: str = "delete it and run its stage again") -> Any:
    """Read JSON, with or without a byte order mark; ValueError names file and remedy when it is not JSON."""
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # ValueError: also of a number of too many digits
        raise ValueError(f"{path} is not valid JSON ({error}); {remedy}") from error


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


def load_weights(path: str | os.PathLike) -> tuple[dict, dict[str, Any]]:
    """Read ``(nested dict of arrays, metadata)`` written by :func:`save_weights`.

    Half-precision leaves come back as float32. Raises FileNotFoundError, or ValueError that names
    the file when it is truncated or holds something else.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}; run the stage that writes them or check the path")
    try:
        with safe_open(str(path), framework="numpy") as file:
            flat = {name: file.get_tensor(name) for name in file.keys()}
            metadata = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
    except (SafetensorError, json.JSONDecodeError, OSError) as error:
        raise ValueError(
            f"{path} is not a readable safetensors file ({error}); copy it again, or delete it and run the "
            "stage that writes it again"
        ) from error
    widened = {
        name: array.astype(np.float32) if array.dtype.itemsize == 2 and array.dtype.kind == "f" else array
        for name, array in flat.items()
    }
    return flax.traverse_util.unflatten_dict(widened, sep="/"), metadata


def fingerprint(tree: Any) -> str:
    """16 hex digits that name a nested dict of arrays: SHA-256 over names, shapes, dtypes and bytes."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(jax.device_get(tree)):
        array = np.ascontiguousarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {array.shape} {array.dtype}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]
