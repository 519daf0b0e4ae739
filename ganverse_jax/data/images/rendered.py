"""Rendering a world once into a file that training can memory-map."""

import os
import pathlib

import numpy as np

from ganverse_jax.runtime import lock, machine
from ganverse_jax.runtime.checkpoint import read_json, write_json


def materialize(world, count: int, path, *, chunk: int = 256, progress=None) -> np.ndarray:
    """Images 0..count-1 of `world` as a read-only memory map uint8 [count h w 3] at `path` (.npy).

    An existing file is used when its shape and its settings (`path`.json) match. Otherwise the images are
    rendered chunk by chunk under a temporary name and renamed at the end, so that an interrupted run never
    leaves a half-written file. progress: called with the number of finished images.
    Raises ValueError if a file with other contents is in the way.
    """
    path = pathlib.Path(path)
    description = path.with_name(path.name + ".json")
    shape = (count, world.resolution, world.resolution, 3)
    settings = {**world.settings, "count": count}
    if path.exists():
        found = read_json(description) if description.exists() else None
        images = _mapped(path)
        if found != settings or images.shape != shape:
            raise ValueError(
                f"{path} holds {images.shape} images of {found}, not {shape} of {settings}; "
                "delete it or choose another path"
            )
        return images
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left(path)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with machine.writing(path), open(temporary, "wb") as file:
            lock.hold(file)
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, count, chunk):  # not into a memory map: a full disk ends that by SIGBUS
                stop = min(start + chunk, count)
                file.write(np.ascontiguousarray(world.render(np.arange(start, stop))["image"], np.uint8))
                if progress is not None:
                    progress(stop)
        write_json(description, settings)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return _mapped(path)


def _mapped(path: pathlib.Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r")
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); delete it, it is made again") from error


def _remove_left(path: pathlib.Path) -> None:
    """Remove unfinished files of processes that were killed; one of a living process is locked."""
    for left in path.parent.glob(f"{path.name}.*.part"):
        try:
            with open(left, "ab") as file:
                lock.hold(file)
        except BlockingIOError:
            continue
        left.unlink(missing_ok=True)
