"""Which pixels belong to an annotated object: masks of a picture's instances, the one that fits its box."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ganverse_jax.data.masks.instances import connected_components
from ganverse_jax.data.masks.meaning import read_labels

# Of a picture uint8 [h w 3], its folder ("car_imagenet") and id: masks in 0..1, [k h w], of its k instances,
# or None where nobody has segmented it.
Instances = Callable[[np.ndarray, str, str], np.ndarray | None]


GET_PNGS = "save one PNG per picture there, e.g. car_imagenet/ID.png, or name another source of masks"


def png_instances(folder: str | Path) -> Instances:
    """Masks from FOLDER/car_imagenet/ID.png and FOLDER/car_pascal/ID.png: the picture's size, 0 outside, each
    other level or palette entry one instance (VOC's SegmentationObject will do as it is), as
    data/masks/meaning.py tells them.

    Raises FileNotFoundError for a missing folder; the function raises ValueError for a broken file.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder of masks at {folder}; {GET_PNGS}")

    def instances(picture: np.ndarray, subset: str, name: str) -> np.ndarray | None:
        path = folder / subset / f"{name}.png"
        if not path.is_file():
            return None
        levels = read_labels(path, picture.shape[:2])
        found = [levels == value for value in np.unique(levels) if value]
        return np.stack(found or [levels > 0]).astype(np.float32)

    return instances


def segmenter_instances(segmenter) -> Instances:
    """Masks from any `Segmenter` on whole pictures: the instances it tells apart (`detect`), or else the
    connected components of its mask."""

    def instances(picture: np.ndarray, subset: str, name: str) -> np.ndarray:
        del subset, name
        if hasattr(segmenter, "detect"):
            return segmenter.detect(picture[None])[0]
        mask = segmenter(picture[None])
        labels = connected_components(mask > 0.5)[0]
        return np.stack([mask[0] * (labels == label) for label in np.unique(labels) if label] or 0 * mask)

    return instances


def matching_instance(masks: np.ndarray, box: Sequence[float], least: float) -> np.ndarray | None:
    """The instance [h w] of masks [k h w] whose bounding box fits `box` best, if its IOU is at least that."""
    best, found = least, None
    for mask in masks:
        rows, columns = np.flatnonzero((mask > 0.5).any(axis=1)), np.flatnonzero((mask > 0.5).any(axis=0))
        if not len(rows):
            continue
        other = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        width, height = (min(box[i + 2], other[i + 2]) - max(box[i], other[i]) for i in (0, 1))
        inside = max(width, 0) * max(height, 0)
        areas = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (box, other))
        if inside / (areas - inside) >= best:
            best, found = inside / (areas - inside), mask
    return found
