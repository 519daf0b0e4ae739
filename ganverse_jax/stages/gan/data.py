"""Which real images the GAN stage trains on: the toy world, or pictures on the user's disk."""

from pathlib import Path
from typing import Any

from ganverse_jax.classes.car.toy.world import ToyCars, materialize
from ganverse_jax.data.batches import Images, worker_threads
from ganverse_jax.data.images.pictures import Fit, check_fit
from ganverse_jax.data.images.training import open_source, training_images


def real_images(
    cache: Path,
    resolution: int,
    world: dict[str, Any] | None,
    num_images: int | None,
    *,
    kind: str = "toy_cars",
    path: str = "",
    fit: str = "crop",
    enlarge: bool = False,
    unfit: str = "error",
    keep_decoded: bool = True,
    **source: Any,
) -> Images:
    """Images by position, uint8 [n r r 3] at ``resolution`` r; the files they need lie in ``cache``.

    kind: "toy_cars" (``num_images`` of the ``world``; the other settings do not matter), "images" (``path``
    is a folder or a .zip of PNG, JPEG, WebP), "lsun" (``path`` is an LMDB) or "tfds" (``name``, ``split`` and
    ``feature`` of a prepared tensorflow-datasets set, ``path`` its data_dir). fit, enlarge: see
    :class:`~ganverse_jax.data.images.pictures.Fit`; unfit, keep_decoded: see
    :func:`~ganverse_jax.data.images.training.training_images`; ``limit`` takes only the first so many, 0 all.

    Raises FileNotFoundError for missing data, ValueError for pictures or settings that cannot serve.
    """
    if kind == "toy_cars":
        return materialize(
            ToyCars(resolution, **world), num_images, cache / f"toy_cars_{resolution}_{num_images}.npy"
        )
    wanted = Fit(resolution, fit, enlarge)
    check_fit(wanted)
    opened = open_source(kind, path, **source)
    images = training_images(
        opened, wanted, cache, keep_decoded=keep_decoded, unfit=unfit, threads=worker_threads()
    )
    left_out = len(opened.entries) - len(images)
    print(
        f"[gan] {len(images)} images of {opened.path}" + f", {left_out} left out" * bool(left_out), flush=True
    )
    return images
