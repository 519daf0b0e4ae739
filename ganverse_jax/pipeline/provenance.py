"""What made a stage's results, for its DONE.json: code, versions, machine, settings, data and files left."""

import functools
import hashlib
import importlib.metadata
import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
from jax.sharding import Mesh

import rasterizer
from ganverse_jax.runtime.checkpoint import sha256_of

PACKAGES = (
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "orbax-checkpoint",
    "numpy",
    "tensorflow-datasets",
    "ganverse-jax",
)
_SOURCES = (".py", ".cc", ".h")
_BESIDE = ("launch", "configs")  # in a wheel inside the package, in a checkout beside it
_READ_WHOLE = 2**28  # bytes; of a folder of more, names and sizes are told, as pictures may be terabytes


@functools.cache
def code() -> str:
    """16 hex digits that name the sources of this package and of the rasterizer."""
    digest = hashlib.sha256()
    for root in (Path(__file__).parents[1], Path(rasterizer.__file__).parent):
        for path in sorted(path for path in root.rglob("*") if path.suffix in _SOURCES):
            name = path.relative_to(root)
            if name.parts[0] not in _BESIDE:
                digest.update(f"{root.name}/{name.as_posix()} {sha256_of(path)}\n".encode())
    return digest.hexdigest()[:16]


def versions() -> dict[str, str]:
    """Of Python, of the platform and of the packages that figures depend on."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def made_by(mesh: Mesh) -> dict[str, str]:
    """Names this program and machine: `code`, `versions`, how programs are compiled, devices, processes."""
    return {"code": code()} | versions() | {
        "XLA_FLAGS": os.environ.get("XLA_FLAGS", "").strip(),
        "devices": f"{mesh.size} x {mesh.devices.flat[0].device_kind}",
        "processes": str(jax.process_count()),
    }  # fmt: skip


def files_left(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a stage's folder, by its path there: but for markers, hidden files and what a
    training keeps to resume."""
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in _files(folder)}


def data_read(paths: Mapping[str, Path]) -> dict[str, str | None]:
    """By each setting what names the file or folder, outside the workdir, that it gives; None: not there."""
    return {setting: _named(Path(path)) for setting, path in paths.items()}


def _named(path: Path) -> str | None:
    """SHA-256 of a file; of a folder over the names in it and the bytes of all, or their sizes alone."""
    if path.is_file():
        return f"sha256 {sha256_of(path)}"
    if not path.is_dir():
        return None
    files = sorted(_walked(path))
    whole = sum(size for _, size in files) <= _READ_WHOLE
    digest = hashlib.sha256()
    for name, size in files:
        told = sha256_of(path / name) if whole else size
        digest.update(f"{name} {told}\n".encode("utf-8", "surrogateescape"))
    return f"{'bytes' if whole else 'names and sizes'} of {len(files)} files {digest.hexdigest()}"


def _walked(root: Path) -> Iterator[tuple[str, int]]:
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            if path.is_file():
                yield path.relative_to(root).as_posix(), path.stat().st_size


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        kept = inside[0] == "checkpoints" or any(part.startswith(".") for part in inside)
        if path.is_file() and not kept and path.name not in ("DONE.json", "BEGUN.json"):
            yield path


def record(mesh: Mesh, settings: Any, folder: Path, paths: Mapping[str, Path]) -> dict[str, Any]:
    """All of it, of a stage that has just ended in `folder` with plain `settings`."""
    told = {"made_by": made_by(mesh), "settings": settings}
    return told | {"data": data_read(paths), "files": files_left(folder)}
