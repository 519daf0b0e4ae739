"""Photos of one object each, with its mask: from alpha, from a folder of PNGs, or from a segmenter."""

import collections
import itertools
import os
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ganverse_jax.data.decoding import EXTENSIONS, Picture, PictureError, read_picture
from ganverse_jax.data.intake import HIDDEN, Intake
from ganverse_jax.data.masks.instances import connected_components
from ganverse_jax.data.masks.meaning import Mask, check_marked, read_mask
from ganverse_jax.runtime.machine import raise_if_machines
from ganverse_jax.runtime.names import legible

# A further piece of the mask of at least this share of the largest counts as another object.
OTHER_OBJECT = 0.1
# Bytes of a result's name: file systems take 255, which a suffix and a temporary file's letters share.
MAX_NAME = 200


class PhotoError(ValueError):
    """A photo that cannot be used, and what to do about it."""


class Photo(NamedTuple):
    """image uint8 [h w 3] and mask uint8 [h w]; mask_from: "alpha", "folder" or "segmenter"; notes: those of
    the decoder and of the mask's reader."""

    image: np.ndarray
    mask: np.ndarray
    mask_from: str
    notes: tuple[str, ...] = ()


class Found(NamedTuple):
    """Files of photos, and what else the folder holds."""

    photos: list[Path]
    intake: Intake


def find_photos(path: str | Path) -> Found:
    """A single picture, or those in a folder (not in folders within), in order of name; a dangling link that
    is called like a picture is one that cannot be read.

    Raises FileNotFoundError when nothing is there, ValueError for a folder without pictures.
    """
    path, intake, photos = Path(path), Intake(), []
    if path.is_file():
        return Found([path], intake)
    if not path.is_dir():
        raise FileNotFoundError(f"no picture or folder at {path}; correct --images")
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            intake.leave_out(HIDDEN, entry.name)
        elif os.path.isdir(entry):
            intake.leave_out("folders within", entry.name)
        elif entry.suffix.lower() in EXTENSIONS:
            photos.append(entry)
        else:
            intake.leave_out(entry.suffix.lower() or "without an ending", entry.name)
    if not photos:
        raise ValueError(
            f"{path} holds no {', '.join(EXTENSIONS)} pictures (found {intake.told() or 'nothing'}); convert "
            "them or correct --images"
        )
    return Found(photos, intake)


def result_names(photos: Sequence[Path]) -> list[str]:
    """A name of its own for the files made of each photo, `legible`: its stem, or a_jpg where another photo
    is called a as well, numbered where that is another's; cut to what a file's name can hold."""
    stems = [legible(Path(path.stem)) for path in photos]
    shared = [count > 1 for count in map(collections.Counter(stems).get, stems)]
    found, taken = {}, set()
    for index in sorted(range(len(photos)), key=shared.__getitem__):  # a photo's plain stem goes before a_jpg
        wanted = legible(Path(photos[index].name)).replace(".", "_") if shared[index] else stems[index]
        wanted = wanted.encode()[:MAX_NAME].decode("utf-8", "ignore")
        others = (f"{wanted}_{number}" for number in itertools.count(2))
        found[index] = next(name for name in itertools.chain([wanted], others) if name not in taken)
        taken.add(found[index])
    return [found[index] for index in range(len(photos))]


def read_photo(
    path: Path,
    *,
    masks: Path | None = None,
    segment: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Photo:
    """Read a photo (data/decoding.py) and the mask of its object.

    masks: a folder with STEM.png of the photo's size, read as data/masks/meaning.py says; it goes
    before the photo's own alpha, and that before segment(image) -> masks [k h w] in 0..1 of k instances.
    Raises PhotoError that names the file and the remedy: no readable picture, no mask, an empty one, several
    objects.
    """
    try:
        picture = read_picture(path)
    except PictureError as error:
        raise PhotoError(f"{error}{_aim(path)}") from error
    image, alpha, notes = picture.colour, picture.alpha, picture.notes
    if masks is not None:
        found = _from_folder(masks / f"{path.stem}.png", path, picture)
        mask, source, notes = found.coverage, "folder", notes + found.notes
    elif alpha is not None:
        mask, source = alpha, "alpha"
    elif segment is not None:
        mask, source = _segmented(segment(image), path), "segmenter"
    else:
        raise PhotoError(
            f"{path} has no mask: save it as PNG with the background transparent, or put {path.stem}.png "
            "into a folder and pass --masks=FOLDER"
        )
    return Photo(image, _only_object(mask, path, source), source, notes)


def _aim(path: Path) -> str:
    return f" (it is a link to {os.readlink(path)})" if path.is_symlink() else ""


def _from_folder(path: Path, photo: Path, picture: Picture) -> Mask:
    try:
        found = path if path.is_file() else _named_like(path)
        if found is None:
            raise PhotoError(f"{photo} has no mask at {path}; save it there, 8-bit grey, 255 on the object")
        return read_mask(found, picture)
    except (ValueError, OSError) as error:  # OSError: also of a name that is too long with .png
        raise_if_machines(error)
        raise PhotoError(str(error)) from error


def _named_like(path: Path) -> Path | None:
    """A file beside `path` whose name differs from its own in how accents are composed (as macOS writes
    them), or in an ending in capitals."""

    def plain(one: Path) -> tuple[str, str]:
        return unicodedata.normalize("NFC", one.stem), one.suffix.lower()

    others = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    return next((other for other in others if plain(other) == plain(path) and other.is_file()), None)


def _segmented(masks: np.ndarray, path: Path) -> np.ndarray:
    """The one instance of masks [k h w] as uint8 [h w]."""
    areas = (masks > 0.5).sum(axis=(1, 2)) if len(masks) else np.zeros(1)
    others = int((areas >= OTHER_OBJECT * areas.max()).sum())
    if areas.max() and others > 1:
        raise PhotoError(
            f"{path} shows {others} objects to the segmenter; crop it to one, or mask one yourself"
        )
    if not len(masks):
        return np.zeros(masks.shape[1:], np.uint8)
    return np.round(255 * np.clip(masks[areas.argmax()], 0, 1)).astype(np.uint8)


def _only_object(mask: np.ndarray, path: Path, source: str) -> np.ndarray:
    """The mask without its crumbs."""
    try:
        check_marked(mask, path, source)
    except ValueError as error:
        raise PhotoError(str(error)) from error
    labels = connected_components(mask[None] > 127)[0]
    found, areas = np.unique(labels[labels > 0], return_counts=True)
    large = int((areas >= OTHER_OBJECT * areas.max()).sum())
    if large > 1:
        raise PhotoError(
            f"{path} has a mask ({source}) of {large} separate objects; keep one and erase the rest"
        )
    crumbs = np.isin(labels, found[areas < areas.max()])
    return np.where(crumbs, 0, mask).astype(np.uint8)
