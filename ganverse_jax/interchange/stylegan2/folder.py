"""What an import leaves: networks, checkpoint, config, sample grid, shape report and card, all or nothing."""

import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.stylegan2.imported_gan import ImportedGAN
from ganverse_jax.interchange.stylegan2.texts import card_text, config_text, shape_report
from ganverse_jax.models.stylegan2.networks import Discriminator, Generator, truncate
from ganverse_jax.models.stylegan2.stored import save_discriminator, save_generator
from ganverse_jax.runtime.checkpoint import fingerprint, write_text
from ganverse_jax.runtime.pixels import gan_to_uint8
from ganverse_jax.runtime.step_checkpoints import Checkpoints

WIDE_ROWS = (64, 448)  # 512x384 pictures lie in these rows of the square network's image
_COLUMNS, _ROWS, _BATCH = 4, 2, 4
_PSI = 0.7
_MAX_LEVEL = 10.0  # of a picture's median magnitude; trained weights draw 0.5, random ones less than 4
_TOLD = "the file is damaged or its weights were scaled; get it again from its origin"
_BAR_LEVEL = -0.95  # black bars of generated 512x384 cars are nearly -1


def check_free(out: str | os.PathLike) -> None:
    """Raise ValueError unless `out` is a new or an empty folder."""
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} exists and is not empty; delete it or choose another --out")


def write_folder(
    gan: ImportedGAN, out: str | os.PathLike, card: dict[str, Any], *, crop: str = "auto"
) -> dict[str, Any]:
    """Write `gan` to the new folder `out`; returns {"generator", "discriminator"} settings and "crop".

    Everything is written beside `out` and renamed at the end. Raises ImportedFileError when the generator
    draws pictures that are not finite, far out of range or all the same, ValueError on a bad `crop`.
    """
    check_free(out)
    resolution = gan.generator_settings["resolution"]
    images = sample_images(gan)
    rows = picture_rows(crop, resolution, images, card["imported_from"])
    card = card | {"crop": None if rows is None else list(rows), "fingerprint": fingerprint(gan.ema)}
    out = Path(out).absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.partial-"))
    try:
        _write_networks(gan, partial, card)
        _write_checkpoint(gan, partial / "checkpoint")
        shown = images if rows is None else images[:, rows[0] : rows[1]]
        Image.fromarray(_grid(shown)).save(partial / "samples.png")
        write_text(partial / "shapes.txt", shape_report(gan))
        write_text(partial / "config_snippet.py", config_text(gan, out, rows))
        write_text(partial / "CARD.md", card_text(gan, card))
        partial.chmod(0o755)
        os.replace(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    settings = {"generator": gan.generator_settings, "discriminator": gan.discriminator_settings}
    return settings | {"crop": card["crop"]}


def sample_images(gan: ImportedGAN) -> np.ndarray:
    """Eight truncated samples [8 r r 3] of the averaged generator, in ~[-1, 1], stored noise."""
    images = _draw_eight(gan.generator_settings, gan.ema)
    _check_pictures(images)
    if gan.generator is not None:
        _check_pictures(_draw_eight(gan.generator_settings, gan.generator), "trained generator")
    critic = Discriminator(**gan.discriminator_settings)
    logits = np.asarray(jax.jit(critic.apply)({"params": gan.discriminator}, images[:_BATCH]))
    if not np.isfinite(logits).all() or not logits.any():
        raise ImportedFileError(
            f"the discriminator gives {logits[0]} for every picture or no number; {_TOLD}"
        )
    return images


def _draw_eight(settings: dict[str, Any], weights: dict[str, Any]) -> np.ndarray:
    module = Generator(**settings)
    z = np.random.default_rng(0).standard_normal((_COLUMNS * _ROWS, module.z_dim)).astype(np.float32)
    bundle = jax.tree.map(jnp.asarray, weights)
    draw = _drawing()
    return np.concatenate([draw(module, bundle, z[i : i + _BATCH]) for i in range(0, len(z), _BATCH)])


def _check_pictures(images: np.ndarray, network: str = "generator") -> None:
    """Raise ImportedFileError for samples [n r r 3] that no generator draws whose weights are sound."""
    if not np.isfinite(images).all():
        raise ImportedFileError(f"the {network} draws pictures that are not finite; {_TOLD}")
    level = float(np.median(np.abs(images)))
    if level > _MAX_LEVEL:
        raise ImportedFileError(
            f"the {network} draws values of {level:.3g} where pictures lie between -1 and 1; {_TOLD}"
        )
    seen = gan_to_uint8(images)
    if not (seen != seen[:1]).any():
        raise ImportedFileError(f"the {network} draws the same picture from {len(images)} codes; {_TOLD}")


@cache
def _drawing():
    # On CPUs LLVM's optimisation takes longer than eight pictures, which are as fast without it.
    options = {"xla_backend_optimization_level": 0} if jax.default_backend() == "cpu" else None
    return jax.jit(_draw, static_argnums=0, compiler_options=options)


def _draw(module, bundle, z):
    variables = {"params": bundle["params"], "noise": bundle["noise"]}
    w = module.apply(variables, z, method=Generator.map)
    ws = truncate(module.broadcast(w), bundle["w_avg"], _PSI)
    return module.apply(variables, ws, method=Generator.synthesis)


def picture_rows(crop: str, resolution: int, images: np.ndarray, names: list[str]) -> tuple[int, int] | None:
    """Rows (top, bottom) of the picture within the square image, or None for all of it.

    "auto" takes rows 64 to 447 of a 512-px generator when a file's name says 512x384 or when the rows
    outside are black in every sample.
    """
    if crop == "none":
        return None
    if crop == "auto":
        if resolution != 512:
            return None
        top, bottom = WIDE_ROWS
        bars = np.concatenate([images[:, :top], images[:, bottom:]], axis=1).mean(axis=(1, 2, 3))
        named = any("512x384" in name for name in names)
        return WIDE_ROWS if named or bars.max() < _BAR_LEVEL else None
    top, separator, bottom = crop.partition(":")
    if (
        not separator
        or not top.isdecimal()
        or not bottom.isdecimal()
        or not int(top) < int(bottom) <= resolution
    ):
        raise ValueError(
            f"crop {crop!r} is not auto, none or TOP:BOTTOM within {resolution} rows; e.g. 64:448"
        )
    return int(top), int(bottom)


def _write_networks(gan: ImportedGAN, folder: Path, card: dict[str, Any]) -> None:
    for name, bundle in (("generator", gan.ema), ("generator_raw", gan.generator)):
        if bundle is not None:
            variables = {"params": bundle["params"], "noise": bundle["noise"]}
            path = folder / f"{name}.safetensors"
            save_generator(path, gan.generator_settings, variables, bundle["w_avg"], card)
    save_discriminator(
        folder / "discriminator.safetensors", gan.discriminator_settings, {"params": gan.discriminator}, card
    )


def _write_checkpoint(gan: ImportedGAN, folder: Path) -> None:
    """Orbax, step 0: the entries of a training state of the `gan` stage, and the noise buffers."""
    trained = gan.generator or gan.ema
    state = {
        "g": trained["params"],
        "ema": gan.ema["params"],
        "d": gan.discriminator,
        "w_avg": trained["w_avg"],
        "noise": gan.ema["noise"],
    }
    checkpoints = Checkpoints(folder, keep=1)
    try:
        checkpoints.save(0, state)
    finally:
        checkpoints.close()


def _grid(images: np.ndarray) -> np.ndarray:
    """[8 h w 3] in [-1, 1] to one picture uint8, two rows of four."""
    values = gan_to_uint8(images)
    rows = values.reshape(_ROWS, _COLUMNS, *values.shape[1:])
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0)
