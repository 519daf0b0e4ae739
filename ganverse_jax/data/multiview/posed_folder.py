"""A folder of posed pictures (renders, captures, a diffusion model's views) as multi-view set.

    FOLDER/cameras.json
        {"format": "ganverse-jax posed images 1", "fov_degrees": 30,
         "cameras": [{"azimuth_degrees": 0, "elevation_degrees": 10, "distance": 4.2}, ...],
         "images": [{"file": "images/a_00.png", "mask": "masks/a_00.png", "object": "a", "camera": 0}, ...]}
    FOLDER/images/*.png, FOLDER/masks/*.png

Cameras look at the object's centre: azimuth 0 sees its front, 90 its left side; fov_degrees is vertical.
Pictures are read as data/decoding.py says, masks (8-bit grey, 255 on the object, or VOC's) as
data/masks/meaning.py; without "mask" the image's alpha channel is the mask. Objects may share cameras or have
their own.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ganverse_jax.data.decoding import EXTENSIONS, read_picture
from ganverse_jax.data.intake import Intake, files_under
from ganverse_jax.data.masks.meaning import check_marked, read_mask
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.runtime.names import path_of
from ganverse_jax.scene.bins import nearest_azimuth_bin

INDEX = "cameras.json"
FORMAT = "ganverse-jax posed images 1"
_ANGLES = ("azimuth", "elevation")
_TOLD = 10  # pictures that cannot be used, in an error


class PosedImages(NamedTuple):
    """The set (`views` also have azimuth and elevation in radians, and distance) and its vertical field of
    view in degrees; `objects`: names by object id; `intake`: pictures in the folder that are not named."""

    multiview: MultiviewSet
    fov_degrees: float
    objects: list[str]
    intake: Intake


def read_posed_folder(folder: str | Path, size: tuple[int, int] | None = None) -> PosedImages:
    """Read a folder of posed images; with `size` (h, w) all are resized to it (area average).

    Raises FileNotFoundError; ValueError that names the file, the entry and the remedy: an unknown format, a
    camera that is none, a camera or object named twice, pictures of different sizes, and all together
    damaged ones and masks that are empty, in colour, or can be read in two ways.
    """
    folder = Path(folder)
    path = folder / INDEX
    if not path.is_file():
        raise FileNotFoundError(
            f"no {INDEX} in {folder}; see ganverse_jax/data/multiview/posed_folder.py for its layout"
        )
    content = read_index(path)
    try:
        views = [_view(i, camera) for i, camera in enumerate(content["cameras"])]
        entries = [_entry(i, entry, len(views)) for i, entry in enumerate(content["images"])]
        fov_degrees = _number(content, "fov_degrees", 1.0, 170.0)
        objects = sorted({entry["object"] for entry in entries})
        _check_unique(entries)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} : {_told(error)}; correct it and run the same command again") from error
    intake = Intake()
    pictures = _read_all(folder, entries, size, intake)
    multiview = MultiviewSet(
        np.stack([picture for picture, _ in pictures]),
        np.stack([mask for _, mask in pictures]),
        np.array([entry["camera"] for entry in entries], np.int32),
        np.array([objects.index(entry["object"]) for entry in entries], np.int64),
        views,
    )
    return PosedImages(multiview, fov_degrees, objects, intake)


def read_index(path: Path) -> Mapping[str, Any]:
    """The index as it stands there; ValueError for a file of another format."""
    content = read_json(path, remedy="correct it and run the same command again")
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise ValueError(
            f'{path} has no "format": "{FORMAT}"; see ganverse_jax/data/multiview/posed_folder.py'
        )
    return content


def _told(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _number(entry: Mapping[str, Any], name: str, low: float, high: float) -> float:
    value = entry[name]
    if type(value) not in (int, float) or not low <= value <= high:
        raise ValueError(f"{name} {value!r} is no number in {low:g}..{high:g}")
    return float(value)


def _view(number: int, camera: Mapping[str, Any]) -> dict[str, Any]:
    limits = {"azimuth": 720.0, "elevation": 90.0}
    try:
        unknown = sorted(set(camera) - {*(f"{name}_degrees" for name in _ANGLES), "distance"})
        if unknown:
            raise ValueError(f"{', '.join(unknown)} cannot be heeded; leave it out, or turn the pictures")
        azimuth, elevation = (
            math.radians(_number(camera, f"{name}_degrees", -limits[name], limits[name])) for name in _ANGLES
        )
        distance = _number(camera, "distance", 1e-6, 1e6)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"camera {number}: {_told(error)}") from error
    azimuth_bin = nearest_azimuth_bin(azimuth)
    pose = {"azimuth": azimuth % (2 * math.pi), "elevation": elevation, "distance": distance}
    return {"id": number, "azimuth_bin": azimuth_bin} | pose


def _entry(number: int, entry: Mapping[str, Any], num_cameras: int) -> dict[str, Any]:
    try:
        camera = entry["camera"]
        if type(camera) is not int or not 0 <= camera < num_cameras:
            raise ValueError(f"camera {camera!r} is none of 0..{num_cameras - 1}")
        found = {"camera": camera, "object": str(entry["object"])}
        for name in ("file", "mask"):
            file = entry.get(name) if name == "mask" else entry[name]
            if file is not None and (PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts):
                raise ValueError(f"{name} {file!r} is not inside the folder")
            found[name] = file and path_of(file)
        return found
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"image {number}: {_told(error)}") from error


def _check_unique(entries: list[dict[str, Any]]) -> None:
    if not entries:
        raise ValueError("there are no images")
    seen: dict[tuple, int] = {}
    for number, entry in enumerate(entries):
        first = seen.setdefault((entry["object"], entry["camera"]), number)
        if first != number:
            name = f"object {entry['object']!r} from camera {entry['camera']}"
            raise ValueError(f"images {first} and {number} both show {name}")


def _read_all(folder: Path, entries: list[dict[str, Any]], size, intake: Intake) -> list[tuple]:
    """Picture uint8 [h w 3] and mask uint8 [h w] of every entry; all that cannot be read in one error."""
    pictures, errors = [], []
    for entry in entries:
        try:
            pictures.append(_read_pair(folder, entry, size, intake))
        except (ValueError, FileNotFoundError) as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        told = "\n".join(f"  {error}" for error in errors[:_TOLD]) + "\n  ..." * (len(errors) > _TOLD)
        raise ValueError(f"{len(errors)} of {len(entries)} images of {folder} cannot be used:\n{told}")
    shapes = {picture.shape for picture, _ in pictures}
    if len(shapes) > 1:
        raise ValueError(
            f"{folder} has pictures of the sizes {sorted(shapes)}; save them alike, or set a size"
        )
    named = {
        os.path.normpath(folder / entry[kind])
        for entry in entries
        for kind in ("file", "mask")
        if entry[kind]
    }
    for file in files_under(folder, intake):
        if file.suffix.lower() in EXTENSIONS and os.path.normpath(file) not in named:
            intake.leave_out(f"not named in {INDEX}", file.relative_to(folder))
    return pictures


def _read_pair(folder: Path, entry: dict[str, Any], size, intake: Intake) -> tuple[np.ndarray, np.ndarray]:
    """Picture uint8 [h w 3] and mask uint8 [h w] of one entry."""
    path = folder / entry["file"]
    if not path.is_file():
        raise FileNotFoundError(_absent(path))
    picture = read_picture(path)
    for note in picture.notes:
        intake.note(note, Path(entry["file"]))
    if entry["mask"] is not None:
        source = folder / entry["mask"]
        if not source.is_file():
            raise FileNotFoundError(_absent(source))
        mask, notes = read_mask(source, picture)
        for note in notes:
            intake.note(note, Path(entry["file"]))
    elif picture.alpha is not None:
        source, mask = "alpha", picture.alpha
    else:
        raise ValueError(
            f"{path} has no mask and no alpha channel that tells one; name its mask in {folder / INDEX}"
        )
    check_marked(mask, path, source)
    image, mask = Image.fromarray(picture.colour), Image.fromarray(mask)
    if size is not None and image.size != (size[1], size[0]):
        image, mask = (x.resize((size[1], size[0]), Image.Resampling.BOX) for x in (image, mask))
    return np.asarray(image), np.asarray(mask)


def _absent(path: Path) -> str:
    return f"{path} is named in {INDEX} but not there; add it, or remove its entry"
