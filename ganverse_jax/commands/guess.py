"""Which shipped world's networks serve photos whose class nobody told: guessed from them, or asked for."""

import collections
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganverse_jax import classes
from ganverse_jax.data.decoding import Picture, PictureError, read_picture
from ganverse_jax.data.photos import PhotoError
from ganverse_jax.models.perception.recogniser import FILE, Recogniser, squared
from ganverse_jax.runtime.names import legible
from ganverse_jax.runtime.shipped import ASSETS, class_of, worlds

# A photo is of a class whose logit is at least the first and greater than any other's by the second, chosen
# on the validation split (docs/classes.md has what that is worth on the test split).
SURE, APART = 1.0, 3.0
_BEHIND = 128  # grey behind what a photo's alpha cuts out


def serving(
    shipped: str | None, photos: Sequence[str | Path], parts: Sequence[str], *sources: str | Path | None
) -> str | None:
    """`shipped` where it, or any of the other sources, is given; else the world that photos seem to be of.

    parts: the files and folders that a world needs to serve. Says in a line what was guessed. Raises
    ValueError that names the choices where the photos do not tell, or tell a class that cannot serve, and
    PhotoError where none of them can be read.
    """
    if any(source is not None for source in (shipped, *sources)):
        return shipped
    network = Recogniser.load(ASSETS / FILE)
    found = recognise(network, [Path(photo) for photo in photos])
    choices = sorted(set.intersection(*({class_of(world) for world in worlds(part)} for part in parts)))
    name, told = _decided(found, choices)
    print(f"[guess] {told}", flush=True)
    return name


def recognise(network: Recogniser, photos: Sequence[Path]) -> dict[Path, str | None]:
    """The class of each photo that can be read, None where it shows none for sure. Raises PhotoError where
    none can be read."""
    squares, errors = {}, []
    for path in photos:
        try:
            squares[path] = squared(_on_grey(read_picture(path)), network.resolution)
        except PictureError as error:
            errors.append(error)
    if not squares:
        raise PhotoError(str(errors[0])) from errors[0]
    return dict(zip(squares, sure(network, np.stack(list(squares.values()))), strict=True))


def sure(network: Recogniser, squares: np.ndarray) -> list[str | None]:
    """The class of each picture uint8 [n r r 3], None where the network is not sure of one."""
    logits = (network(squares) + network(squares[:, :, ::-1])) / 2  # a mirrored object is of its class, too
    best = logits.argmax(axis=1)
    first, second = (np.sort(logits, axis=1)[:, column] for column in (-1, -2))
    known = (first >= SURE) & (first - second >= APART)
    return [network.classes[row] if of else None for row, of in zip(best, known, strict=True)]


def _on_grey(picture: Picture) -> np.ndarray:
    if picture.alpha is None:
        return picture.colour
    coverage = picture.alpha[..., None] / 255.0
    return np.round(coverage * picture.colour + (1 - coverage) * _BEHIND).astype(np.uint8)


def _decided(found: dict[Path, str | None], choices: Sequence[str]) -> tuple[str, str]:
    """The class of more than half of the photos, and what to say of that."""
    remedy = f"give --shipped={'|'.join(choices)}"
    counts = collections.Counter(found.values())
    name, count = counts.most_common(1)[0]
    if name is None or 2 * count <= len(found):
        told = ", ".join(f"{number} of {kind or 'none for sure'}" for kind, number in counts.most_common())
        photos = legible(next(iter(found))) if len(found) == 1 else f"these photos ({told})"
        raise ValueError(f"cannot tell the class of {photos}, of those that are shipped; {remedy}")
    kind = classes.get(name)
    taken = f"taken for {kind.plural}" if len(found) > 1 else f"taken for a {name}"
    if name not in choices:
        raise ValueError(f"{taken}, whose networks are not shipped; if that is wrong, {remedy}")
    others = [legible(Path(path.name)) for path, of in found.items() if of != name]
    unlike = f", though {', '.join(others[:3])}{' and more' * (len(others) > 3)} may not be" * bool(others)
    return name, f"{taken} (--shipped={name}){unlike}; --shipped=NAME decides otherwise"
