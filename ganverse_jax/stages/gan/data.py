"""Which real images the GAN stage trains on: the toy world, or pictures on the user's disk."""

from pathlib import Path

from ganverse_jax.data.batches import Images, worker_threads
from ganverse_jax.data.images.pictures import Fit, check_fit
from ganverse_jax.data.images.rendered import materialize
from ganverse_jax.data.images.training import open_source, training_images
from ganverse_jax.pipeline.experiment import Shared, make_world
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.stages.gan.settings import Data


def real_images(cache: Path, resolution: int, data: Data, *, shared: Shared | Run, num_images: int) -> Images:
    """Images by position, uint8 [n r r 3] at ``resolution`` r; the files they need lie in ``cache``.

    num_images: of the toy world of the experiment ``shared``, where ``data`` says so.
    Raises FileNotFoundError for missing data, ValueError for pictures or settings that cannot serve.
    """
    if data.kind == "world":
        world = make_world(shared, resolution)
        return materialize(
            world, num_images, cache / f"{world.settings['world']}_{resolution}_{num_images}.npy"
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
