"""NVIDIA's StyleGAN2 pickles, TensorFlow and PyTorch (ADA), read without executing anything of them."""

import mmap
import os
from pathlib import Path
from typing import Any

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.pickles.inert_arrays import NUMPY_NAMES, TORCH_NAMES, Arrays
from ganverse_jax.interchange.pickles.safe_pickle import Inert, Reader, is_call
from ganverse_jax.interchange.stylegan2 import ada, tf
from ganverse_jax.interchange.stylegan2.imported_gan import FoundNetworks

ALLOWED = NUMPY_NAMES | TORCH_NAMES | ada.OTHER_NAMES | {tf.NETWORK}
_SPARE = 1 << 16
_KNOWN = {  # beginnings of files that people pass by mistake
    b"PK\x03\x04": "a zip; pass NumPy archives as --generator and --discriminator",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip file; unpack it first",
    b"<!DO": "a web page; the download went wrong",
    b"<htm": "a web page; the download went wrong",
    b"vers": "a Git LFS pointer; fetch the file itself",
}


def read_pickle(path: str | os.PathLike) -> FoundNetworks:
    """Read a pickle of NVIDIA's StyleGAN2 (TensorFlow, configurations e and f) or stylegan2-ada-pytorch.

    Raises FileNotFoundError, or ImportedFileError naming file, value and remedy for anything else that
    is wrong with it; see `safe_pickle` for what a hostile file can do (nothing).
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file at {path}; download a StyleGAN2 pickle or check the path")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            raise ImportedFileError(f"{path} is empty; download it again")
        # Mapped, not read: an unrelated file of many gigabytes costs nothing.
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        return read_bytes(data)
    except ImportedFileError as error:
        raise ImportedFileError(f"{path}: {error}") from error


def read_bytes(data: memoryview) -> FoundNetworks:
    """As `read_pickle`, from memory."""
    start = bytes(data[:4])
    if start[:1] != b"\x80":
        known = next(
            (text for magic, text in _KNOWN.items() if start.startswith(magic)), "no StyleGAN2 pickle"
        )
        raise ImportedFileError(f"this is {known} (it begins with {start!r})")
    content = Reader(data, ALLOWED).read()
    # Twice: numbers of half precision become float32.
    arrays = Arrays(2 * len(data) + _SPARE)
    if isinstance(content, tuple) and len(content) == 3 and is_call(content[0], tf.NETWORK):
        return _tensorflow(content, arrays)
    if isinstance(content, dict) and {"G", "D", "G_ema"} <= content.keys():
        return _ada(content, arrays)
    raise ImportedFileError(
        f"the pickle holds {_described(content)}; expected (G, D, Gs) of StyleGAN2 (TensorFlow) or a dict "
        "with G, D, G_ema (stylegan2-ada-pytorch)"
    )


def _tensorflow(content: tuple, arrays: Arrays) -> FoundNetworks:
    discriminator, group = tf.discriminator_state(content[1], arrays)
    return FoundNetworks(
        family="NVlabs/stylegan2 (TensorFlow)",
        generator=tf.generator_state(content[0], arrays, "G"),
        ema=tf.generator_state(content[2], arrays, "Gs"),
        discriminator=discriminator,
        mbstd_group=group,
    )


def _ada(content: dict[Any, Any], arrays: Arrays) -> FoundNetworks:
    generator, clamp = ada.generator_state(content["G"], arrays, "G")
    ema, ema_clamp = ada.generator_state(content["G_ema"], arrays, "G_ema")
    if clamp != ema_clamp:
        raise ImportedFileError(f"G clamps at {clamp}, G_ema at {ema_clamp}; they should agree: damaged?")
    discriminator, critic_clamp, group = ada.discriminator_state(content["D"], arrays)
    return FoundNetworks(
        family="NVlabs/stylegan2-ada-pytorch",
        generator=generator,
        ema=ema,
        discriminator=discriminator,
        generator_clamp=clamp,
        discriminator_clamp=critic_clamp,
        mbstd_group=group,
    )


def _described(content: Any) -> str:
    if isinstance(content, dict):
        return f"a dict with the keys {sorted(str(key)[:30] for key in content)[:8]}"
    if isinstance(content, tuple | list):
        return f"a {type(content).__name__} of {len(content)}"
    return f"a record of {content.name}" if isinstance(content, Inert) else f"a {type(content).__name__}"
