"""A folder of PNG masks as segmenter: made by any tool, one file per image, named by the image's content."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ganverse_jax.data.images.pictures import reason
from ganverse_jax.runtime.checkpoint import write_atomic

WANTED = "images_without_mask"


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


def image_name(image: np.ndarray) -> str:
    """File name of the mask of uint8 [h w 3]: a digest of its pixels, so that it survives any order."""
    digest = hashlib.sha256(f"{image.shape}".encode() + np.ascontiguousarray(image).tobytes())
    return f"{digest.hexdigest()[:24]}.png"


class MaskFolder:
    """A `Segmenter` that reads masks from `folder`, which must exist.

    A mask is a PNG of the image's size, 0 outside; each other grey level is one instance. With `soft` the
    levels are coverage in 0..255 instead, of one instance or of parts that connected components tell apart.
    """

    def __init__(self, folder: str | Path, *, soft: bool = False):
        self.folder, self.soft, self.params = Path(folder), soft, {}
        if not self.folder.is_dir():
            raise FileNotFoundError(f"no folder of masks at {self.folder}; make it, or correct the path")
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
        missing = [image for image in images if not (self.folder / image_name(image)).is_file()]
        for image in missing:
            path, picture = self.folder / WANTED / image_name(image), Image.fromarray(image)
            if not path.exists():
                write_atomic(path, lambda temporary, picture=picture: picture.save(temporary, "PNG"))
        if missing:
            raise MissingMasks(len(missing), self.folder)
        masks = [read_mask(self.folder / image_name(image), image.shape[:2]) for image in images]
        return np.stack(masks) if masks else np.zeros(images.shape[:3], np.uint8)


def read_mask(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Grey levels uint8 [h w] of a PNG of `size` (h, w). Raises ValueError that names the file."""
    try:
        with Image.open(path) as image:
            if image.mode in ("RGB", "RGBA"):
                raise ValueError(f"{path} is a colour picture ({image.mode}); save masks as 8-bit grey")
            levels = np.asarray(image.convert("L") if image.mode == "1" else image)
    except (OSError, SyntaxError, struct.error) as error:  # what Pillow's decoders raise
        raise ValueError(f"{path} is no readable PNG ({reason(error)}); make it again") from error
    if levels.shape != tuple(size) or levels.dtype != np.uint8:
        raise ValueError(
            f"{path} is {levels.dtype} {levels.shape}, but its image is {size[0]} x {size[1]}; save the mask "
            "at the image's size as 8-bit grey"
        )
    return levels


def check_marked(mask: np.ndarray, path: Path, source: object) -> None:
    """Raise ValueError, naming the picture `path` and the mask's source, unless mask uint8 [h w] has a pixel
    above 127: 1 on the object is not enough."""
    if not (mask > 127).any():
        faint = f" (its brightest value is {mask.max()}; the object must be 255)" if mask.any() else ""
        raise ValueError(f"{path} has an empty mask ({source}){faint}; mark the object")
