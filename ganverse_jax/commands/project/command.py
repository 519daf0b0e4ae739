"""Photos -> codes of a GAN by latent optimisation: what `launch.project` does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.commands.finished_networks import gan_source
from ganverse_jax.commands.folders import check_own, masks_folder, outcome
from ganverse_jax.commands.guess import serving
from ganverse_jax.commands.reconstruct.networks import PARTS, crop_of, networks_of
from ganverse_jax.data.crops import cut
from ganverse_jax.data.photos import PhotoError, find_photos, read_photo, result_names
from ganverse_jax.evaluation.handles import psnr
from ganverse_jax.models.features.perceptual import discriminator_perceptual
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.networks import block_resolutions
from ganverse_jax.models.stylegan2.projection import Projection, Projector, Space, project, turned
from ganverse_jax.models.stylegan2.stored import load_discriminator
from ganverse_jax.pages.grid import labelled_grid
from ganverse_jax.pipeline.remedies import make
from ganverse_jax.runtime.checkpoint import write_json, write_npz, write_png
from ganverse_jax.runtime.names import legible, path_of
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.gan.start import DISCRIMINATOR, GENERATOR

RECORD = "projections.json"
NUM_VIEWS, ELEVATION = 6, np.radians(10.0)  # in which the contents are drawn again
_PERCEPTUAL_BLOCKS = 4


class Networks(NamedTuple):
    """The GAN as a source of pictures, and how it is searched."""

    source: MultiviewGenerator
    how: Projector


class Summary(NamedTuple):
    """Names of the photos that were projected, the errors of the others by name, the record's path, and lines
    on what else the folder holds."""

    done: list[str]
    failed: dict[str, str]
    record: str
    notes: Sequence[str]

    def text(self) -> str:
        """What to print at the end."""
        return outcome("projected", len(self.done), self.failed, self.record, self.notes)


def run(
    images: str | Path,
    out: str | Path,
    *,
    workdir: str | Path | None = None,
    shipped: str | None = None,
    masks: str | Path | None = None,
    space: Space = "w+",
    num_steps: int = 200,
    seed: int = 0,
) -> Summary:
    """Project a photo, or each of a folder, into the folder `out`.

    workdir: a run with finished gan and inverse_graphics stages (the latter tells how photos are framed), or
    the networks of the `shipped` world (None: guessed); masks: a folder of STEM.png; space, num_steps: see
    `Projector`. Photos that fail are named in the summary. Raises FileNotFoundError or ValueError without
    networks or photos, or when `out` holds others' files.
    """
    out, (paths, intake) = Path(out), find_photos(images)
    folder = masks_folder(masks)
    shipped = serving(shipped, paths, (*PARTS, GENERATOR, DISCRIMINATOR), workdir)
    networks = load(workdir, space, num_steps, shipped)
    names = result_names(paths)
    check_own(out, RECORD, {name: [f"{name}.npz", f"{name}.png"] for name in names}, [], "project")
    pictures, seen, failed = _framed(paths, names, networks_of(workdir, shipped=shipped), folder)
    figures: dict[str, Any] = {}
    if pictures:
        found = project(networks.source, np.stack(list(pictures.values())), networks.how, seed=seed)
        figures = _write(out, pictures, seen, found, networks.source)
    content = {"space": space, "steps": num_steps, "seed": seed, "photos": figures, "failed": failed}
    write_json(out / RECORD, content)
    return Summary(list(pictures), failed, legible(out / RECORD), intake.lines())


def load(workdir: str | Path | None, space: Space, num_steps: int, shipped: str | None = None) -> Networks:
    """The GAN of a run, or of a shipped world, with its discriminator's features as the perceptual distance.

    Raises FileNotFoundError where it has not been trained.
    """
    source, _, folder = gan_source(None if workdir is None else Path(workdir), shipped)
    if not (folder / DISCRIMINATOR).is_file():
        raise FileNotFoundError(f"no {folder / DISCRIMINATOR}; {make(gan.NAME)}")
    critic = load_discriminator(folder / DISCRIMINATOR)
    blocks = min(_PERCEPTUAL_BLOCKS, len(block_resolutions(critic.module.resolution)) - 1)
    square = source.size[0] == source.size[1]  # the discriminator looks at squares alone
    perceptual = discriminator_perceptual(
        lambda image: critic.module.apply(critic.variables, image, method="features"), blocks
    )
    how = Projector(space=space, num_steps=num_steps, perceptual=perceptual if square else None)
    return Networks(source, how)


def _framed(
    paths: Sequence[Path], names: Sequence[str], networks, masks: Path | None
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, str]]:
    """By name the pictures uint8 [h w 3] and masks uint8 [h w], framed as the networks' own; what failed."""
    _, reconstructor, segment, _ = networks
    pictures, seen, failed = {}, {}, {}
    for path, name in zip(paths, names, strict=True):
        try:
            photo = read_photo(path, masks=masks, segment=segment)
            crop = crop_of(reconstructor, photo, path)
        except PhotoError as error:
            failed[name] = legible(error)
            continue
        pictures[name], seen[name] = cut(photo.image, crop), cut(photo.mask, crop)
    return pictures, seen, failed


def _write(
    out: Path,
    pictures: dict[str, np.ndarray],
    masks: dict[str, np.ndarray],
    found: Projection,
    source: MultiviewGenerator,
) -> dict[str, Any]:
    """NAME.npz and NAME.png of each photo; its figures by name."""
    out.mkdir(parents=True, exist_ok=True)
    views = [
        turned(source, found.ws, np.repeat(view[None], len(found.ws), axis=0)) for view in _views(source)
    ]
    figures = {}
    for row, (name, picture) in enumerate(pictures.items()):
        write_npz(out / path_of(f"{name}.npz"), ws=found.ws[row], camera=found.cameras[row])
        strip = np.stack([picture, found.pictures[row], *(view[row] for view in views)])
        heads = ("photo", "projected", *(f"view {number + 1}" for number in range(NUM_VIEWS)))
        write_png(out / path_of(f"{name}.png"), labelled_grid([name[:14]], [strip[None]], heads))
        made, inside = found.pictures[row : row + 1], masks[name][None] > 127
        figures[name] = {
            "psnr": psnr(made, picture[None], np.ones_like(inside)),
            "psnr_object": psnr(made, picture[None], inside),
        }
    return figures


def _views(source: MultiviewGenerator) -> np.ndarray:
    """Views [NUM_VIEWS ...] for `turned`: round the object, or codes where the generator takes no camera."""
    if source.gan.camera is None:
        return source.codes(np.arange(NUM_VIEWS), 0.7)
    azimuth = np.arange(NUM_VIEWS) * 2 * np.pi / NUM_VIEWS
    return np.stack([azimuth, np.full(NUM_VIEWS, ELEVATION)], axis=1).astype(np.float32)
