"""StyleGAN2 weights of others into a folder that the `gan` stage reads; nothing is ever executed.

Sources: NVIDIA's pickles (see `pickled`), or NumPy archives that hold a PyTorch state dict
as plain arrays: ``np.savez(file, **{name: x.numpy() for name, x in network.state_dict().items()})``.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.pickles.numpy_archive import read_numpy_archive
from ganverse_jax.interchange.stylegan2.folder import check_free, write_folder
from ganverse_jax.interchange.stylegan2.imported_gan import FoundNetworks, ImportedGAN, imported_gan
from ganverse_jax.interchange.stylegan2.pickled import read_pickle

LICENCE = (
    "not told by the file. Weights that NVIDIA published are under the NVIDIA Source Code License: research "
    "or evaluation only, no commercial use. Weights that others trained are under their own terms, and the "
    "training data's terms may bind too: check where the file came from"
)


def load_pickle(path: str | os.PathLike) -> tuple[ImportedGAN, str]:
    """The checked networks of a pickle, and the code that wrote it.

    Raises FileNotFoundError, or ImportedFileError naming the file, the value and the remedy.
    """
    found = read_pickle(path)
    try:
        return imported_gan(found), found.family
    except ImportedFileError as error:
        raise ImportedFileError(f"{path}: {error}") from error


def import_pickle(
    pickle: str | os.PathLike,
    out: str | os.PathLike,
    *,
    crop: str = "auto",
    licence: str | None = None,
    origin: str | None = None,
) -> dict[str, Any]:
    """Write the folder `out` from one of NVIDIA's pickles; returns the networks' settings.

    `crop` is "auto", "none" or "TOP:BOTTOM" (rows of the picture); `licence` and `origin` go to the card.
    Raises ImportedFileError when the file, or what it draws, is unfit; nothing is left behind then.
    """
    check_free(out)
    gan, family = load_pickle(pickle)
    return write_folder(gan, out, _card([pickle], family, licence, origin), crop=crop)


def import_networks(
    generator: str | os.PathLike,
    discriminator: str | os.PathLike,
    out: str | os.PathLike,
    *,
    crop: str = "auto",
    licence: str | None = None,
    origin: str | None = None,
) -> dict[str, Any]:
    """Write the folder `out` from two NumPy archives; returns the networks' settings.

    Both files are checked whole before anything is written. Raises ValueError naming the file when
    it is no such network, has a wrong shape or holds values that are not finite.
    """
    check_free(out)
    for path in (generator, discriminator):  # before the first of them is read
        if not Path(path).is_file():
            raise FileNotFoundError(f"no NumPy archive at {path}; check the path")
    found = FoundNetworks(
        "PyTorch state dicts as NumPy archives",
        read_numpy_archive(generator),
        read_numpy_archive(discriminator),
    )
    gan = imported_gan(found, labels=(str(generator), str(discriminator), ""))
    card = _card([generator, discriminator], found.family, licence, origin)
    return write_folder(gan, out, card, crop=crop)


def _card(
    files: list[str | os.PathLike], family: str, licence: str | None, origin: str | None
) -> dict[str, Any]:
    sums = []
    for name in files:
        with open(name, "rb") as file:
            sums.append(hashlib.file_digest(file, "sha256").hexdigest())
    return {
        "imported_from": [Path(name).name for name in files],
        "sha256": sums,
        "family": family,
        "origin": origin or "not told; pass --origin to keep it here",
        "licence": licence or LICENCE,
    }
