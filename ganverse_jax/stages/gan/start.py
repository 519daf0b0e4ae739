"""What the GAN stage starts from: finished networks, which are taken or trained on, and files of others."""

from functools import partial
from pathlib import Path

from ganverse_jax.models.stylegan2.networks import Discriminator, Generator
from ganverse_jax.models.stylegan2.stored import load_discriminator, load_generator
from ganverse_jax.pipeline import remedies
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.runtime.shipped import weights_folder
from ganverse_jax.stages.gan.settings import Settings
from ganverse_jax.stages.gan.teacher import load_networks

NAME = "gan"
GENERATOR, DISCRIMINATOR = "generator.safetensors", "discriminator.safetensors"  # of a folder


def trained_networks(folder: Path, settings: Settings, *, shapes_only: bool = False) -> tuple[dict, dict]:
    """What finished networks hold of a training state, and the noise buffers; optimizers start afresh.

    shapes_only: for the errors alone, see `load_weights`. Raises FileNotFoundError, ValueError for other
    networks than the settings'.
    """
    generator = load_generator(folder / GENERATOR, shapes_only=shapes_only)
    discriminator = load_discriminator(folder / DISCRIMINATOR, shapes_only=shapes_only)
    module, critic = Generator(**plain(settings.generator)), Discriminator(**plain(settings.discriminator))
    if (generator.module, discriminator.module) != (module, critic):
        raise ValueError(
            f"the networks in {folder} are {generator.module} and {discriminator.module}, not those of the "
            "config; set gan.generator and gan.discriminator to match or gan.start_from to another folder"
        )
    camera = settings.camera
    if generator.camera is not None:
        layers, mapping_layers = generator.camera[:2]
        if camera is None or (layers, mapping_layers) != (camera.layers, camera.mapping_layers):
            raise ValueError(
                f"the generator in {folder} takes a camera; set gan.camera (configs/toy_car.py), "
                f"with layers={layers} and mapping_layers={mapping_layers}, or gan.start_from to another "
                "folder"
            )
    params = generator.variables["params"]
    state = {"g": params, "ema": params, "d": discriminator.variables["params"], "w_avg": generator.w_avg}
    return state, generator.variables["noise"]


def absent(settings: Settings) -> list[str]:
    """What is not there of the finished networks or of the pictures that the stage reads, see `Stage`."""
    if settings.pretrained is not None:
        return _absent_networks(f"{NAME}.pretrained", settings.pretrained, settings.how_to_get)
    told, trains = [], settings.generator and settings.discriminator
    if settings.start_from:
        get = "correct it, or set it to None"
        told += _absent_networks(f"{NAME}.start_from", settings.start_from, get)
        if trains and not told:
            look = partial(trained_networks, settings=settings, shapes_only=True)
            told += remedies.absent(f"{NAME}.start_from", weights_folder(settings.start_from), get, look)
    if settings.camera is not None:
        get = "set it to the folder that the stage self_labels left"
        look = partial(load_networks, shapes_only=True)
        told += remedies.absent(f"{NAME}.camera.teacher", settings.camera.teacher, get, look)
    if settings.data.kind in ("images", "lsun"):
        told += remedies.absent(f"{NAME}.data.path", settings.data.path, "set it to where the pictures are")
    return told


def reads(settings: Settings) -> dict[str, Path]:
    """The files and folders outside the workdir that the stage reads, see `Stage`."""
    if settings.pretrained is not None:
        return {f"{NAME}.pretrained": weights_folder(settings.pretrained)}
    found = {}
    if settings.start_from:
        found[f"{NAME}.start_from"] = weights_folder(settings.start_from)
    if settings.camera is not None:
        found[f"{NAME}.camera.teacher"] = Path(settings.camera.teacher)
    if settings.data.kind != "world" and settings.data.path:
        found[f"{NAME}.data.path"] = Path(settings.data.path)
    return found


def _absent_networks(setting: str, name: str, how_to_get: str) -> list[str]:
    loaders = {GENERATOR: load_generator, DISCRIMINATOR: load_discriminator}
    told = [
        remedies.absent(setting, weights_folder(name) / path, how_to_get, partial(load, shapes_only=True))
        for path, load in loaders.items()
    ]
    return next(filter(None, told), [])  # the first says how to get both
