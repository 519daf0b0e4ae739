"""Which real images the GAN stage trains on: the toy world, or pictures on the user's disk."""

from pathlib import Path
from typing import Any, NamedTuple

from ganverse_jax.data.batches import Images, worker_threads
from ganverse_jax.data.images.pictures import Fit, check_fit
from ganverse_jax.data.images.rendered import materialize
from ganverse_jax.data.images.training import open_source, training_images
from ganverse_jax.pipeline.experiment import Shared, make_world
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.runtime.names import legible
from ganverse_jax.stages.gan.settings import Data


class RealImages(NamedTuple):
    """images by position, uint8 [n r r 3]; intake: counts of what was left out or noted, by reason."""

    images: Images
    intake: dict[str, Any]


def real_images(
    cache: Path, resolution: int, data: Data, *, shared: Shared | Run, num_images: int
) -> RealImages:
    """Images at ``resolution`` r; the files they need lie in ``cache``.

    num_images: of the toy world of the experiment ``shared``, where ``data`` says so. What is left out is
    printed, by reason.
    Raises FileNotFoundError for missing data, ValueError for pictures or settings that cannot serve.
    """
    if data.kind == "world":
        world = make_world(shared, resolution)
        path = cache / f"{world.settings['world']}_{resolution}_{num_images}.npy"
        return RealImages(materialize(world, num_images, path), {})
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
    told = [f"{len(images)} images of {legible(opened.path)}", *opened.intake.lines()]
    print("\n".join(f"[gan] {line}" for line in told), flush=True)
    return RealImages(images, opened.intake.summary())
