"""The GAN stage: StyleGAN2 trained on a world of images, or shipped weights taken as they are."""

import dataclasses
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax

from ganverse_jax.data.batches import Images, Prefetch, batches
from ganverse_jax.models.stylegan2 import camera_input
from ganverse_jax.models.stylegan2.camera_input import CameraInput
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
from ganverse_jax.pipeline.settings import build, plain
from ganverse_jax.pipeline.stage import Run, Stage
from ganverse_jax.runtime import hosts, parallel
from ganverse_jax.runtime.batched import in_batches, pictures_at_once
from ganverse_jax.runtime.checkpoint import read_json, write_json, write_npz, write_png
from ganverse_jax.runtime.pixels import gan_to_uint8
from ganverse_jax.runtime.shipped import weights_folder
from ganverse_jax.stages.gan.adaptive import initial_adaptive
from ganverse_jax.stages.gan.camera_step import CameraPhases
from ganverse_jax.stages.gan.data import RealImages, real_images
from ganverse_jax.stages.gan.settings import Data, Settings
from ganverse_jax.stages.gan.start import DISCRIMINATOR, GENERATOR, NAME, absent, reads, trained_networks
from ganverse_jax.stages.gan.step import Phases, initial_state, make_step_at, strided_order
from ganverse_jax.stages.gan.teacher import load_teacher

_GRID = (8, 8)
# Of the discriminator's logits; sound trainings stay below a hundred, a rate far too high makes millions.
_SOUND = {"logits_real": 1e4, "logits_fake": 1e4}


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


def real_pictures(run: Run, count: int) -> Images:
    """Pictures of the world of images that a finished stage's GAN draws, uint8 [n r r 3], as it saw them.

    count: of a toy world; of other sources, all there are.
    """
    summary = read_json(run.workdir / NAME / "summary.json")
    resolution = load_generator(generator_path(run.workdir)).module.resolution
    data = build(Data, summary["data"], f"{NAME}.data")
    cache = run.workdir / "cache"
    found = hosts.after_first(lambda: real_images(cache, resolution, data, shared=run, num_images=count))
    return found.images


def draws_world(workdir: Path) -> bool:
    """Whether a finished stage's GAN draws the toy world, where truth is known."""
    return read_json(workdir / NAME / "summary.json")["data"]["kind"] == "world"


def generator_path(workdir: Path) -> Path:
    """Where the stage leaves the averaged generator."""
    return workdir / NAME / GENERATOR


def discriminator_path(workdir: Path) -> Path:
    """Where the stage leaves the discriminator."""
    return workdir / NAME / DISCRIMINATOR


def load(workdir: Path) -> tuple[LoadedGenerator, LoadedDiscriminator]:
    """The networks of a finished stage. Raises FileNotFoundError when it has not run."""
    return load_generator(generator_path(workdir)), load_discriminator(discriminator_path(workdir))


def run(run: Run, settings: Settings) -> None:
    """Leave generator, discriminator, sample grid and summary in <workdir>/gan.

    Pretrained weights are copied. Else the GAN is trained; ValueError where the experiment has no settings
    for that.
    """
    folder = run.workdir / NAME
    folder.mkdir(parents=True, exist_ok=True)
    intake = {}
    if settings.pretrained is not None:
        source = weights_folder(settings.pretrained)
        # What is wrong with them is told of the files themselves, not of the copies.
        load_generator(source / generator_path(run.workdir).name)
        load_discriminator(source / discriminator_path(run.workdir).name)
        for target in (generator_path(run.workdir), discriminator_path(run.workdir)):
            shutil.copyfile(source / target.name, target)
    elif settings.generator is None or settings.discriminator is None:
        raise ValueError(
            "this experiment has no settings to train a GAN (gan.generator is None); configs/bird.py shows "
            f"which ones to add, or leave out --stages=gan to take finished weights: {settings.how_to_get}"
        )
    else:
        intake = train(run, settings)
        hosts.leave_rest_to_first()
    loaded, _ = load(run.workdir)
    write_npz(folder / "figures.npz", samples=_samples(loaded, run.seed, settings))
    summary = {"fingerprint": loaded.fingerprint, "pretrained": settings.pretrained, "card": loaded.metadata}
    summary |= {"data": plain(settings.data)}
    write_json(folder / "summary.json", summary | plain(drawing_of(settings)) | intake)


def _samples(loaded: LoadedGenerator, seed: int, settings: Settings) -> np.ndarray:
    """The pictures of figures.npz."""
    z = np.random.default_rng([seed, 1]).standard_normal((64, loaded.module.z_dim)).astype(np.float32)
    return sample(loaded, z, psi=settings.truncation)


def recomputed(run: Run, settings: Settings) -> dict[str, dict[str, Any]]:
    """The generator's fingerprint and its pictures anew, see `Stage`."""
    loaded, _ = load(run.workdir)
    summary = {"fingerprint": loaded.fingerprint} | plain(drawing_of(settings))
    return {"summary.json": summary, "figures.npz": {"samples": _samples(loaded, run.seed, settings)}}


def sample(loaded: LoadedGenerator, z: np.ndarray, *, psi: float = 1.0) -> np.ndarray:
    """Images [n h w 3] uint8 of latents ``z`` [n z_dim], truncated towards w_avg by ``psi``.

    A generator with a camera input sees them from cameras of real pictures, by the number of the latent.
    """
    module = loaded.module
    rows = np.concatenate([z, loaded.cameras_of(np.arange(len(z)))], axis=1)

    @jax.jit
    def images(variables, w_avg, rows):
        z, cameras = rows[:, : module.z_dim], rows[:, module.z_dim :]
        w = module.apply(variables, z, method=Generator.map)
        ws = truncate(module.apply(variables, w, method=Generator.broadcast), w_avg, psi)
        ws = loaded.seen_from(variables, w_avg, ws, cameras)
        return gan_to_uint8(module.apply(variables, ws, method=Generator.synthesis))

    size = pictures_at_once(module.resolution, module.resolution)
    return in_batches(partial(images, loaded.variables, loaded.w_avg), rows, size=size)


def train(run: Run, settings: Settings) -> dict[str, Any]:
    """Adversarial training on the images that `settings.data` names; resumable to the bit. Returns what of
    them was left out, by reason."""
    parallel.check_divisible(settings.batch_size, run.mesh.size, "gan.batch_size")
    module, critic = Generator(**plain(settings.generator)), Discriminator(**plain(settings.discriminator))
    images, intake = _images(run, settings)
    teacher = camera = None
    if settings.camera is not None:
        teacher = load_teacher(Path(settings.camera.teacher), images[: min(256, len(images))])
        camera = CameraInput(settings.camera.layers, settings.camera.mapping_layers, teacher.cameras)
    state, noise = _first_state(module, critic, settings, camera, run.seed)
    phases = (
        Phases(module, critic, noise, settings)
        if camera is None
        else CameraPhases(module, critic, noise, settings, camera, teacher)
    )
    loop = run.loop(NAME, settings, num_steps=settings.num_steps, key=jax.random.key(run.seed),
                    on_save=_saver(run, settings, module, noise, camera), limits=_SOUND)  # fmt: skip
    with Prefetch(_batches(run, settings, critic, images), num_steps=settings.num_steps) as prepared:
        loop.fit(state, make_step_at(phases, settings, run.mesh), prepared)
    return intake


def _first_state(module: Generator, critic: Discriminator, settings: Settings, camera, seed: int) -> tuple:
    """(training state, noise buffers), fresh or of finished networks that are trained on."""
    key = jax.random.fold_in(jax.random.key(seed), 2**31 - 1)
    state, noise = initial_state(module, critic, key=key)
    state |= initial_adaptive(settings.augment)
    if settings.start_from:
        trained, noise = trained_networks(weights_folder(settings.start_from), settings)
        state |= trained
    if camera is not None:
        mapping, one = camera.mapping(module.w_dim), np.zeros((1, 4), np.float32)
        fresh = mapping.init(jax.random.fold_in(key, 1), one)["params"]
        params = {camera_input.PARAMS: fresh} | state["g"]
        state |= {"g": params, "ema": params, "g_optimizer": optax.adam(1.0).init(params)}
    return state, noise


def _images(run: Run, settings: Settings) -> RealImages:
    cache = Path(settings.cache or run.workdir / "cache")
    sizes = {"num_images": settings.num_images, "resolution": settings.generator.resolution}
    return hosts.after_first(lambda: real_images(cache, data=settings.data, shared=run, **sizes))


def _batches(run: Run, settings: Settings, critic: Discriminator, images: Images) -> Callable:
    """batch_at(step) of real images."""
    order = strided_order(settings.batch_size, run.mesh.size, critic.mbstd_group)
    order = order[parallel.local_rows(settings.batch_size, run.mesh)]
    return batches(images, seed=run.seed, batch_size=settings.batch_size, order=order, mirror=settings.mirror)


def _saver(
    run: Run, settings: Settings, module: Generator, noise: dict, camera
) -> Callable[[int, dict], None]:
    """on_save(step, state): the networks so far, and a picture of fixed samples."""
    rng = np.random.default_rng([run.seed, 1])
    latents = rng.standard_normal((np.prod(_GRID), module.z_dim)).astype(np.float32)

    def on_save(step: int, state: dict) -> None:
        state = jax.device_get(state)
        _save_networks(run.workdir, settings, state, noise, camera, step)
        shown = image_grid(sample(load_generator(generator_path(run.workdir)), latents), _GRID[1])
        path = run.workdir / "samples" / f"gan_{step:07d}.png"
        write_png(path, shown)
        run.metrics.picture(NAME, step, path)

    return on_save


def _save_networks(workdir: Path, settings: Settings, state: dict, noise: dict, camera, step: int) -> None:
    card = {"steps": step, "images_seen": step * settings.batch_size}
    variables, dtype = {"params": state["ema"], "noise": noise}, settings.weights_dtype
    sizes, critic_sizes = plain(settings.generator), plain(settings.discriminator)
    generator = generator_path(workdir), sizes, variables, state["w_avg"], card
    save_generator(*generator, camera=camera, dtype=dtype)
    save_discriminator(discriminator_path(workdir), critic_sizes, {"params": state["d"]}, card, dtype=dtype)


STAGE = Stage(NAME, "GAN", Settings, run, absent=absent, pretrained=True,
              trains=lambda settings: settings.pretrained is None, reads=reads,
              recomputed=recomputed)  # fmt: skip
