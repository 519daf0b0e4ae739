"""The GAN stage: StyleGAN2 trained on a world of images, or shipped weights taken as they are."""

import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

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
from ganverse_jax.runtime import parallel
from ganverse_jax.runtime.checkpoint import write_json, write_npz
from ganverse_jax.runtime.loop import Loop, Metrics
from ganverse_jax.runtime.pixels import gan_to_uint8
from ganverse_jax.runtime.shipped import weights_folder
from ganverse_jax.stages.gan.adaptive import AugmentSettings, initial_adaptive
from ganverse_jax.stages.gan.data import real_images
from ganverse_jax.stages.gan.step import (
    GanSettings,
    check_settings,
    initial_state,
    make_step_at,
    strided_order,
)

_GRID = (8, 8)


def generator_path(workdir: Path) -> Path:
    """Where the stage leaves the averaged generator."""
    return workdir / "gan" / "generator.safetensors"


def discriminator_path(workdir: Path) -> Path:
    """Where the stage leaves the discriminator."""
    return workdir / "gan" / "discriminator.safetensors"


def load(workdir: Path) -> tuple[LoadedGenerator, LoadedDiscriminator]:
    """The networks of a finished stage. Raises FileNotFoundError when it has not run."""
    return load_generator(generator_path(workdir)), load_discriminator(discriminator_path(workdir))


def run(
    workdir: Path,
    *,
    seed: int,
    mesh,
    metrics: Metrics,
    world: dict[str, Any],
    generator: dict[str, Any] | None,
    discriminator: dict[str, Any] | None,
    pretrained: str | None,
    truncation: float,
    how_to_get: str = "train it with --stages=gan",
    **training: Any,
) -> None:
    """Leave generator, discriminator, sample grid and summary in ``workdir``/gan.

    With ``pretrained`` (the name of a shipped set under assets/, or any folder) those weights are
    copied; FileNotFoundError says ``how_to_get`` them. Else the GAN is trained with the settings of
    :func:`train`; ValueError when ``generator`` is None, which stands for "weights of others only".
    """
    folder = workdir / "gan"
    folder.mkdir(parents=True, exist_ok=True)
    if pretrained is not None:
        source = weights_folder(pretrained)
        for target in (generator_path(workdir), discriminator_path(workdir)):
            if not (source / target.name).is_file():
                raise FileNotFoundError(f"no GAN weights at {source / target.name}; {how_to_get}")
            shutil.copyfile(source / target.name, target)
    elif generator is None:
        raise ValueError(
            "this experiment has no settings to train a GAN (gan.generator is None); configs/bird.py shows "
            f"which ones to add, or leave out --stages=gan to take finished weights: {how_to_get}"
        )
    else:
        train(workdir, seed=seed, mesh=mesh, metrics=metrics, world=world, generator=generator,
              discriminator=discriminator, **training)  # fmt: skip
    loaded, _ = load(workdir)
    z = np.random.default_rng([seed, 1]).standard_normal((64, loaded.module.z_dim)).astype(np.float32)
    images = sample(loaded, z, psi=truncation)
    write_npz(folder / "figures.npz", samples=images)
    write_json(
        folder / "summary.json",
        {"fingerprint": loaded.fingerprint, "pretrained": pretrained, "truncation": truncation}
        | {"card": loaded.metadata},
    )


def sample(loaded: LoadedGenerator, z: np.ndarray, *, psi: float = 1.0) -> np.ndarray:
    """Images [n h w 3] uint8 of latents ``z`` [n z_dim], truncated towards w_avg by ``psi``."""
    module = loaded.module

    @jax.jit
    def images(variables, w_avg, z):
        w = module.apply(variables, z, method=Generator.map)
        ws = truncate(module.apply(variables, w, method=Generator.broadcast), w_avg, psi)
        return module.apply(variables, ws, method=Generator.synthesis)

    return np.asarray(gan_to_uint8(images(loaded.variables, loaded.w_avg, jnp.asarray(z))))


def train(
    workdir: Path,
    *,
    seed: int,
    mesh,
    metrics: Metrics,
    world: dict[str, Any],
    generator: dict[str, Any],
    discriminator: dict[str, Any],
    cache: str | None,
    num_images: int | None = None,
    batch_size: int,
    num_steps: int,
    log_every: int,
    save_every: int,
    weights_dtype: str = "float32",
    start_from: str | None = None,
    data: dict[str, Any] | None = None,
    mirror: bool = False,
    augment: dict[str, Any] | None = None,
    **settings: Any,
) -> None:
    """Adversarial training on the images that ``data`` names; resumable to the bit.

    ``data`` and ``num_images`` are those of :func:`gan_data.real_images` (None: the toy world); with
    ``mirror`` every second real image, by chance, is turned left to right. ``cache`` is the folder that
    keeps rendered or decoded images (default: the workdir's); ``weights_dtype`` that of the written
    networks, "float16" for small files. ``start_from`` is a folder (or the name of a shipped set) whose
    networks are trained on, instead of fresh ones ("" as None). ``augment`` are settings of
    :class:`AugmentSettings` (None: no augmentation), the others those of :class:`GanSettings`.
    """
    parallel.check_divisible(batch_size, mesh.size, "gan.batch_size")
    module, critic = Generator(**generator), Discriminator(**discriminator)
    augmentation = AugmentSettings(**augment or {})
    options = GanSettings(
        batch_size=batch_size, total_images=num_steps * batch_size, augment=augmentation, **settings
    )
    check_settings(options)
    order = strided_order(batch_size, mesh.size, critic.mbstd_group)
    images = real_images(Path(cache or workdir / "cache"), module.resolution, world, num_images, **data or {})
    batch_at = batches(images, seed=seed, batch_size=batch_size, order=order, mirror=mirror)
    key = jax.random.key(seed)
    state, noise = initial_state(module, critic, key=jax.random.fold_in(key, 2**31 - 1))
    state |= initial_adaptive(augmentation)
    if start_from:
        trained, noise = _trained_networks(weights_folder(start_from), module, critic)
        state |= trained
    latents = (
        np.random.default_rng([seed, 1]).standard_normal((np.prod(_GRID), module.z_dim)).astype(np.float32)
    )
    draw = jax.jit(lambda variables, z: module.apply(variables, z))

    def on_save(step: int, state: dict) -> None:
        state = jax.device_get(state)
        _save_networks(workdir, generator, discriminator, state, noise, step, batch_size, weights_dtype)
        shown = draw({"params": state["ema"], "noise": noise}, latents)
        picture = workdir / "samples" / f"gan_{step:07d}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image_grid(np.asarray(gan_to_uint8(shown)), _GRID[1])).save(picture)

    loop = Loop(
        num_steps=num_steps, key=key, mesh=mesh, stage="gan", checkpoints=workdir / "checkpoints" / "gan",
        metrics=metrics, log_every=log_every, save_every=save_every, on_save=on_save,
    )  # fmt: skip
    with Prefetch(batch_at, num_steps=num_steps) as prepared:
        loop.fit(state, make_step_at(module, critic, noise, options, mesh), prepared)


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


def _save_networks(workdir, generator, discriminator, state, noise, step, batch_size, dtype) -> None:
    card = {"steps": step, "images_seen": step * batch_size}
    variables = {"params": state["ema"], "noise": noise}
    save_generator(generator_path(workdir), generator, variables, state["w_avg"], card, dtype=dtype)
    save_discriminator(discriminator_path(workdir), discriminator, {"params": state["d"]}, card, dtype=dtype)
