"""A folder of PNG masks as segmenter: made by any tool, one file per image, named by the image's content."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganverse_jax.data.decoding import read_picture
from ganverse_jax.data.masks.meaning import read_labels, read_soft
from ganverse_jax.runtime.checkpoint import write_atomic

WANTED = "images_without_mask"
_NAME = re.compile("[0-9a-f]{32}-[0-9a-f]{16}.png")
_SAME_BRIGHTNESS = 2  # levels: by how much rounding may move the mean of a sixteenth of a picture


class MissingMasks(ValueError):
    """Images whose masks are not there yet; `count` of them were written for the person to segment."""

    @classmethod
    def together(cls, errors: Sequence[MissingMasks]) -> MissingMasks:
        """One error for several calls, so that a person segments everything in one go."""
        return cls(sum(error.count for error in errors), errors[0].folder)

    def __init__(self, count: int, folder: Path):
        super().__init__(
            f"{count} images have no mask in {folder}; they lie in {folder / WANTED}: segment them (0 "
            "outside, a grey level per instance, same size and file name), put the masks in "
            f"{folder} and run the same command again"
        )
        self.count, self.folder = count, folder


def asked_together(segment: Callable[[Any], Any], parts: Iterable[Any]) -> list[Any]:
    """`segment(part)` of each of `parts`; MissingMasks of all of them together where masks are missing."""
    results, missing = [], []
    for part in parts:
        try:
            results.append(segment(part))
        except MissingMasks as error:
            missing.append(error)
    if missing:
        raise MissingMasks.together(missing)
    return results


def image_name(image: np.ndarray) -> str:
    """File name of the mask of uint8 [h w 3]: the brightness of its 16 parts, and a digest of its pixels, so
    that it survives any order. Pictures that rounding alone tells apart have parts of nearly one brightness.
    """
    digest = hashlib.sha256(f"{image.shape}".encode() + np.ascontiguousarray(image).tobytes())
    return f"{_brightness(image).tobytes().hex()}-{digest.hexdigest()[:16]}.png"


def _brightness(image: np.ndarray) -> np.ndarray:
    """Mean levels uint8 [16] of 4 x 4 parts of uint8 [h w 3]; of a smaller picture some parts are 0."""
    bands = (part for band in np.array_split(image, 4) for part in np.array_split(band, 4, axis=1))
    return np.array([round(float(part.mean())) if part.size else 0 for part in bands], np.uint8)


class MaskFolder:
    """A `Segmenter` that reads masks from `folder`, which is made when the first picture asks for a mask.

    A mask is a PNG of the image's size, 0 outside; each other grey level or palette entry is one instance
    (data/masks/meaning.py). With `soft` the levels are coverage in 0..255 instead, of one instance or of
    parts that connected components tell apart.

    A picture that differs from one asked for by rounding alone, as another device or another batch size draws
    it, takes that one's mask, as long as the latter lies among the pictures without a mask.
    """

    def __init__(self, folder: str | Path, *, soft: bool = False):
        self.folder, self.soft, self.params = Path(folder), soft, {}
        self._asked: tuple[list[str], np.ndarray] | None = None
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(f"{self.folder} is no folder of masks; name a folder, which may be new")
        if not soft:
            self.detect = self._detect

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Masks float32 [n h w] in [0, 1] of images uint8 [n h w 3].

        Raises MissingMasks after writing the images that have none; ValueError for a broken mask, or one of
        another size.
        """
        levels = self._read(images)
        return levels.astype(np.float32) / 255 if self.soft else (levels > 0).astype(np.float32)

    def _detect(self, images: np.ndarray) -> list[np.ndarray]:
        """Masks float32 [k h w] of the instances in each image, one per grey level. Raises as a call does."""
        found = []
        for levels in self._read(images):
            values = [value for value in np.unique(levels) if value]
            masks = [(levels == value).astype(np.float32) for value in values]
            found.append(np.stack(masks) if masks else np.zeros((0, *levels.shape), np.float32))
        return found

    def _read(self, images: np.ndarray) -> np.ndarray:
        names = [self._name_of(image) for image in images]
        missing = {
            name: image
            for name, image in zip(names, images, strict=True)
            if not (self.folder / name).is_file()
        }
        for name, image in missing.items():
            path, picture = self.folder / WANTED / name, Image.fromarray(image)
            if not path.exists():
                write_atomic(path, lambda temporary, picture=picture: picture.save(temporary, "PNG"))
        if missing:
            raise MissingMasks(len(missing), self.folder)
        read = read_soft if self.soft else read_labels
        masks = [read(self.folder / name, image.shape[:2]) for name, image in zip(names, images, strict=True)]
        return np.stack(masks) if masks else np.zeros(images.shape[:3], np.uint8)

    def _name_of(self, image: np.ndarray) -> str:
        """The image's own name, or that of a picture asked for before which rounding alone tells apart."""
        own = image_name(image)
        if (self.folder / own).is_file() or (self.folder / WANTED / own).is_file():
            return own
        names, brightness = self._asked_before()
        off = np.abs(brightness.astype(int) - _brightness(image))
        alike = [names[i] for i in np.flatnonzero((off <= _SAME_BRIGHTNESS).all(axis=1))]
        off = {name: _difference(image, self.folder / WANTED / name) for name in alike}
        nearest = min(off, key=off.__getitem__, default=own)
        return nearest if off.get(nearest, np.inf) < np.inf else own

    def _asked_before(self) -> tuple[list[str], np.ndarray]:
        """Names of the pictures that earlier runs asked for, and their parts' brightness uint8 [n 16]."""
        if self._asked is None:
            names = [path.name for path in (self.folder / WANTED).glob("*.png")]
            names = [name for name in names if _NAME.fullmatch(name)]
            parts = [np.frombuffer(bytes.fromhex(name[:32]), np.uint8) for name in names]
            self._asked = names, np.array(parts, np.uint8).reshape(len(names), 16)
        return self._asked


def _difference(image: np.ndarray, path: Path) -> float:
    """Mean difference in levels of uint8 [h w 3] and a PNG, infinite for more than rounding.

    Raises PictureError that names the file.
    """
    other = read_picture(path).colour
    if other.shape != image.shape:
        return np.inf
    off = np.abs(image.astype(np.int16) - other)
    return float(off.mean()) if off.mean() <= 1 and (off > 16).mean() <= 1e-3 else np.inf
