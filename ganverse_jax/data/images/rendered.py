"""Rendering a world once into a file that training can memory-map."""

import os
import pathlib

import numpy as np

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
        images = np.load(path, mmap_mode="r")
        if found != settings or images.shape != shape:
            raise ValueError(
                f"{path} holds {images.shape} images of {found}, not {shape} of {settings}; "
                "delete it or choose another path"
            )
        return images
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    images = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
    for start in range(0, count, chunk):
        images[start : start + chunk] = world.render(np.arange(start, min(start + chunk, count)))["image"]
        if progress is not None:
            progress(min(start + chunk, count))
    images.flush()
    del images
    write_json(description, settings)
    os.replace(temporary, path)
    return np.load(path, mmap_mode="r")
