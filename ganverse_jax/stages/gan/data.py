"""Which real images the GAN stage trains on: the toy world, or pictures on the user's disk."""

from pathlib import Path

from ganverse_jax.classes.car.toy.world import ToyCars, materialize
from ganverse_jax.data.batches import Images, worker_threads
from ganverse_jax.data.images.pictures import Fit, check_fit
from ganverse_jax.data.images.training import open_source, training_images
from ganverse_jax.pipeline.experiment import World
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.stages.gan.settings import Data


def real_images(cache: Path, resolution: int, data: Data, *, world: World, num_images: int) -> Images:
    """Images by position, uint8 [n r r 3] at ``resolution`` r; the files they need lie in ``cache``.

    num_images: of the toy ``world``, where ``data`` says so.
    Raises FileNotFoundError for missing data, ValueError for pictures or settings that cannot serve.
    """
    if data.kind == "world":
        return materialize(
            ToyCars(resolution, **plain(world)), num_images, cache / f"toy_cars_{resolution}_{num_images}.npy"
        )
    wanted = Fit(resolution, data.fit, data.enlarge)
    check_fit(wanted)
    source = {"name": data.name, "split": data.split, "feature": data.feature, "limit": data.limit}
    opened = open_source(data.kind, data.path, **source)
    images = training_images(
        opened,
        wanted,
        cache,
        keep_decoded=data.keep_decoded,
        unfit=data.unfit,
        threads=worker_threads(),
    )
    left_out = len(opened.entries) - len(images)
    print(
        f"[gan] {len(images)} images of {opened.path}" + f", {left_out} left out" * bool(left_out), flush=True
    )
    return images
