"""The GAN stage: StyleGAN2 trained on a world of images, or shipped weights taken as they are."""

import dataclasses
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import numpy as np

from ganverse_jax.data.batches import Prefetch, batches
from ganverse_jax.models.stylegan2.networks import Discriminator, Generator, truncate
from ganverse_jax.models.stylegan2.stored import (
    LoadedDiscriminator,
    LoadedGenerator,
    load_discriminator,
    load_generator,
    save_discriminator,
    save_generator,
)
from ganverse_jax.pages.grid import image_grid
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.pipeline.stage import Run, Stage
from ganverse_jax.runtime import parallel
from ganverse_jax.runtime.batched import in_batches, pictures_at_once
from ganverse_jax.runtime.checkpoint import read_json, write_json, write_npz, write_png
from ganverse_jax.runtime.pixels import gan_to_uint8
from ganverse_jax.runtime.shipped import weights_folder
from ganverse_jax.stages.gan.adaptive import initial_adaptive
from ganverse_jax.stages.gan.data import real_images
from ganverse_jax.stages.gan.settings import Settings
from ganverse_jax.stages.gan.step import initial_state, make_step_at, strided_order

_GRID = (8, 8)


NAME = "gan"


@dataclasses.dataclass(frozen=True)
class Drawing:
    """How every stage draws pictures of this GAN.

    truncation: psi of the contents; crop: rows (top, bottom) of its images that hold the picture, None: all.
    """

    truncation: float
    crop: tuple[int, int] | None


def drawing_of(settings: Settings) -> Drawing:
    """As the stage's settings say."""
    return Drawing(settings.truncation, settings.crop)


def load_drawing(workdir: Path) -> Drawing:
    """As a finished stage's summary says."""
    summary = read_json(Path(workdir) / NAME / "summary.json")
    crop = summary["crop"]
    return Drawing(summary["truncation"], crop and tuple(crop))


def generator_path(workdir: Path) -> Path:
    """Where the stage leaves the averaged generator."""
    return workdir / NAME / "generator.safetensors"


def discriminator_path(workdir: Path) -> Path:
    """Where the stage leaves the discriminator."""
    return workdir / NAME / "discriminator.safetensors"


def load(workdir: Path) -> tuple[LoadedGenerator, LoadedDiscriminator]:
    """The networks of a finished stage. Raises FileNotFoundError when it has not run."""
    return load_generator(generator_path(workdir)), load_discriminator(discriminator_path(workdir))


def run(run: Run, settings: Settings) -> None:
    """Leave generator, discriminator, sample grid and summary in <workdir>/gan.

    Pretrained weights are copied; FileNotFoundError says how to get them. Else the GAN is trained; ValueError
    where the experiment has no settings for that.
    """
    folder = run.workdir / NAME
    folder.mkdir(parents=True, exist_ok=True)
    if settings.pretrained is not None:
        _copy_weights(run.workdir, weights_folder(settings.pretrained), settings.how_to_get)
    elif settings.generator is None or settings.discriminator is None:
        raise ValueError(
            "this experiment has no settings to train a GAN (gan.generator is None); configs/bird.py shows "
            f"which ones to add, or leave out --stages=gan to take finished weights: {settings.how_to_get}"
        )
    else:
        train(run, settings)
    loaded, _ = load(run.workdir)
    z = np.random.default_rng([run.seed, 1]).standard_normal((64, loaded.module.z_dim)).astype(np.float32)
    write_npz(folder / "figures.npz", samples=sample(loaded, z, psi=settings.truncation))
    summary = {"fingerprint": loaded.fingerprint, "pretrained": settings.pretrained, "card": loaded.metadata}
    write_json(folder / "summary.json", summary | plain(drawing_of(settings)))


def _copy_weights(workdir: Path, source: Path, how_to_get: str) -> None:
    for target in (generator_path(workdir), discriminator_path(workdir)):
        if not (source / target.name).is_file():
            raise FileNotFoundError(f"no GAN weights at {source / target.name}; {how_to_get}")
        shutil.copyfile(source / target.name, target)


def sample(loaded: LoadedGenerator, z: np.ndarray, *, psi: float = 1.0) -> np.ndarray:
    """Images [n h w 3] uint8 of latents ``z`` [n z_dim], truncated towards w_avg by ``psi``."""
    module = loaded.module

    @jax.jit
    def images(variables, w_avg, z):
        w = module.apply(variables, z, method=Generator.map)
        ws = truncate(module.apply(variables, w, method=Generator.broadcast), w_avg, psi)
        return gan_to_uint8(module.apply(variables, ws, method=Generator.synthesis))

    return in_batches(partial(images, loaded.variables, loaded.w_avg), z, size=_at_once(module))


def _at_once(module: Generator) -> int:
    return pictures_at_once(module.resolution, module.resolution)


def train(run: Run, settings: Settings) -> None:
    """Adversarial training on the images that `settings.data` names; resumable to the bit."""
    parallel.check_divisible(settings.batch_size, run.mesh.size, "gan.batch_size")
    module, critic = Generator(**plain(settings.generator)), Discriminator(**plain(settings.discriminator))
    state, noise = _first_state(module, critic, settings, run.seed)
    step_at = make_step_at(module, critic, noise, settings, run.mesh)
    loop = run.loop(NAME, settings, num_steps=settings.num_steps, key=jax.random.key(run.seed),
                    on_save=_saver(run, settings, module, noise))  # fmt: skip
    with Prefetch(_batches(run, settings, critic), num_steps=settings.num_steps) as prepared:
        loop.fit(state, step_at, prepared)


def _first_state(module: Generator, critic: Discriminator, settings: Settings, seed: int) -> tuple:
    """(training state, noise buffers), fresh or of finished networks that are trained on."""
    key = jax.random.fold_in(jax.random.key(seed), 2**31 - 1)
    state, noise = initial_state(module, critic, key=key)
    state |= initial_adaptive(settings.augment)
    if settings.start_from:
        trained, noise = _trained_networks(weights_folder(settings.start_from), module, critic)
        state |= trained
    return state, noise


def _batches(run: Run, settings: Settings, critic: Discriminator) -> Callable:
    """batch_at(step) of real images."""
    order = strided_order(settings.batch_size, run.mesh.size, critic.mbstd_group)
    cache = Path(settings.cache or run.workdir / "cache")
    images = real_images(
        cache, settings.generator.resolution, settings.data, shared=run, num_images=settings.num_images
    )
    return batches(images, seed=run.seed, batch_size=settings.batch_size, order=order, mirror=settings.mirror)


def _saver(run: Run, settings: Settings, module: Generator, noise: dict) -> Callable[[int, dict], None]:
    """on_save(step, state): the networks so far, and a picture of fixed samples."""
    rng = np.random.default_rng([run.seed, 1])
    latents = rng.standard_normal((np.prod(_GRID), module.z_dim)).astype(np.float32)
    draw = jax.jit(lambda variables, z: gan_to_uint8(module.apply(variables, z)))

    def on_save(step: int, state: dict) -> None:
        state = jax.device_get(state)
        _save_networks(run.workdir, settings, state, noise, step)
        variables = {"params": state["ema"], "noise": noise}
        shown = in_batches(partial(draw, variables), latents, size=_at_once(module))
        write_png(run.workdir / "samples" / f"gan_{step:07d}.png", image_grid(shown, _GRID[1]))

    return on_save


def _trained_networks(folder: Path, module: Generator, critic: Discriminator) -> tuple[dict, dict]:
    """What finished networks hold of a training state, and the noise buffers; optimizers start afresh."""
    generator = load_generator(folder / "generator.safetensors")
    discriminator = load_discriminator(folder / "discriminator.safetensors")
    if (generator.module, discriminator.module) != (module, critic):
        raise ValueError(
            f"the networks in {folder} are {generator.module} and {discriminator.module}, not those of the "
            "config; set gan.generator and gan.discriminator to match or gan.start_from to another folder"
        )
    params = generator.variables["params"]
    state = {"g": params, "ema": params, "d": discriminator.variables["params"], "w_avg": generator.w_avg}
    return state, generator.variables["noise"]


def _save_networks(workdir: Path, settings: Settings, state: dict, noise: dict, step: int) -> None:
    card = {"steps": step, "images_seen": step * settings.batch_size}
    variables, dtype = {"params": state["ema"], "noise": noise}, settings.weights_dtype
    sizes, critic_sizes = plain(settings.generator), plain(settings.discriminator)
    save_generator(generator_path(workdir), sizes, variables, state["w_avg"], card, dtype=dtype)
    save_discriminator(discriminator_path(workdir), critic_sizes, {"params": state["d"]}, card, dtype=dtype)


STAGE = Stage(NAME, "GAN", Settings, run, pretrained=True)
