"""What a mask's PNG means: an object's coverage, or labels that tell instances apart.

Grey (1 to 16 bits) and palettes of greys are taken by their levels: 0 is outside, and one level besides,
whichever it is, the object (0/1, 0/255). Several are coverage, the object at the brightest and a soft border
between, where no level between fills an area or there are more than MAX_LABELS; else they are labels. A
palette with colours is taken by its indices, which are labels, where index 0 is black; index 255 in VOC's
colour of void beside others is of no object. What can be read in two ways is refused: 255 of another colour,
or in grey, as void or object, two indices of one colour, an index 0 that is not black, transparent pixels of
an object. So is coverage that is half in most of its area, as a depth map is. Of a photo that EXIF turns by a
quarter, a mask of the size of the stored pixels is turned too; where sizes do not tell it is taken as of the
upright picture, which a note says.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from ganverse_jax.data.decoding import Picture, alpha_of, eight_bits, open_image, read_bytes, turned_like

MAX_LABELS = 64  # distinct levels of grey that may be labels
VOID, VOID_COLOUR = 255, (224, 224, 192)  # VOC's
AS_UPRIGHT = "turned by EXIF, with a mask of the same size either way, taken as of the upright picture"
_QUARTER_TURNED = range(5, 9)  # of EXIF's orientations
_NOISE = 16  # levels of 255 that a lossy format strays by
_SAVE = "save it as 8-bit grey, 0 outside and 255 on the object"


class _Stored(NamedTuple):
    """levels [h w] of a mask as stored, 0 outside; top: white; by_index: whether they are palette indices."""

    levels: np.ndarray
    top: int
    by_index: bool = False


class Mask(NamedTuple):
    """coverage uint8 [h w] of the one object of a picture; notes: `AS_UPRIGHT`, where it holds."""

    coverage: np.ndarray
    notes: tuple[str, ...]


def read_mask(path: Path, picture: Picture) -> Mask:
    """The mask of a picture that was read upright. Raises as `read_coverage`."""
    size, orientation = picture.colour.shape[:2], picture.orientation
    told_by_size = orientation in _QUARTER_TURNED and size[0] != size[1]
    coverage = read_coverage(path, size, orientation if told_by_size else 1)
    return Mask(coverage, (AS_UPRIGHT,) * (orientation > 1 and not told_by_size))


def read_coverage(path: Path, size: tuple[int, int], orientation: int = 1) -> np.ndarray:
    """Coverage uint8 [h w] of the one object in a mask of `size` (h, w).

    orientation: EXIF's of a picture that is turned by a quarter and not square; its mask may have the size of
    the pixels as stored, and is then turned with them. Raises ValueError that names the file: no readable
    PNG, in colour, of another size, of several instances, or one that can be read in two ways (above).
    """
    stored = _read(path, size, orientation)
    labels = _labels(stored, path)
    if labels is None:
        return _mostly_covered(_eight_bits(stored), path)
    found = np.unique(labels[labels > 0])
    if len(found) > 1:
        raise ValueError(
            f"{path} marks {len(found)} instances ({'indices' if stored.by_index else 'levels'} "
            f"{_listed(found)}), or areas that are half covered; {_SAVE}, of one alone"
        )
    return np.uint8(255 * (labels > 0))


def read_labels(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Labels [h w] of the instances in a mask of `size` (h, w), 0 outside and in VOC's void.

    Raises ValueError as `read_coverage`, but for several instances; also for coverage.
    """
    stored = _read(path, size)
    labels = _labels(stored, path)
    if labels is None:
        count = len(np.unique(stored.levels))
        raise ValueError(
            f"{path} has {count} grey levels as soft borders have them, not one per instance; save it "
            "without borders, 0 outside and one level per instance"
        )
    return labels


def read_soft(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Coverage uint8 [h w] of a mask of `size` (h, w) that is known to be one. Raises as `read_coverage`."""
    stored = _read(path, size)
    if stored.by_index or stored.levels.max() == 1:
        told = "labels in a palette" if stored.by_index else "the levels 0 and 1 alone"
        raise ValueError(
            f"{path} has {told}, no coverage from 0 to {stored.top}; save it as that, or set soft=False"
        )
    return _eight_bits(stored)


def check_marked(mask: np.ndarray, path: Path, source: object) -> None:
    """Raise ValueError, naming the picture `path` and the mask's source, unless mask uint8 [h w] has a pixel
    above 127, as 1 on the object is not enough, and one at the border that is not: else it is inverted."""
    marked = mask > 127
    if not marked.any():
        faint = f" (its brightest value is {mask.max()}; the object must be 255)" if mask.any() else ""
        raise ValueError(f"{path} has an empty mask ({source}){faint}; mark the object")
    if marked[[0, -1]].all() and marked[:, [0, -1]].all():
        raise ValueError(
            f"{path} has a mask ({source}) that holds the picture's whole border; if it is inverted, save it "
            "with 0 outside and 255 on the object, else show more around the object"
        )


def _read(path: Path, size: tuple[int, int], orientation: int = 1) -> _Stored:
    image = open_image(read_bytes(path, ("PNG",)), str(path), ("PNG",)).image
    if orientation > 1 and image.size == tuple(size):  # Pillow's is (w, h)
        image = turned_like(image, orientation)
    if image.mode in ("RGB", "RGBA"):
        raise ValueError(f"{path} is a colour picture ({image.mode}); save masks as 8-bit grey")
    if image.mode == "LA":
        raise ValueError(f"{path} has grey and alpha, either of which could be the mask; {_SAVE}")
    levels = np.asarray(image.convert("L") if image.mode == "1" else image)
    if levels.shape != tuple(size):
        raise ValueError(
            f"{path} is {levels.dtype} {levels.shape}, but its image is {size[0]} x {size[1]}; save the mask "
            "at the image's size as 8-bit grey"
        )
    stored = _by_palette(image, levels, path) if image.mode == "P" else _Stored(levels, _top(image))
    alpha = alpha_of(image)
    if alpha is not None and stored.levels[alpha == 0].any():
        raise ValueError(f"{path} has transparent pixels on the object; {_SAVE}, without transparency")
    return stored


def _top(image: Image.Image) -> int:
    return 65535 if image.mode[0] == "I" else 255


def _by_palette(image: Image.Image, indices: np.ndarray, path: Path) -> _Stored:
    used = np.unique(indices)
    palette = np.zeros((256, 3), np.uint8)  # which may be shorter than its indices
    stored = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
    palette[: len(stored)] = stored
    colours = palette[used]
    if len(np.unique(colours, axis=0)) < len(used):
        raise ValueError(f"{path} has several palette indices ({_listed(used)}) of one colour; {_SAVE}")
    if not np.ptp(colours, axis=1).any():
        return _Stored(palette[:, 0][indices], 255)
    black = used[~colours.any(axis=1)]
    if (0 in used or len(black)) and black.tolist() != [0]:
        where = f"black is index {black[0]}" if len(black) else f"index 0 is {tuple(colours[0].tolist())}"
        raise ValueError(f"{path} has a palette in which {where}: what is outside the object? {_SAVE}")
    marked, is_void = used[used > 0].tolist(), tuple(colours[-1]) == VOID_COLOUR
    if marked == [VOID] and is_void:
        raise ValueError(f"{path} marks VOC's void alone (index {VOID}) and no object; {_SAVE}")
    if VOID in marked[1:] and not is_void:
        raise ValueError(
            f"{path} has the palette indices {_listed(used)}: is {VOID} an object, or void around the "
            f"others? {_SAVE}"
        )
    return _Stored(indices, 255, by_index=True)


def _labels(stored: _Stored, path: Path) -> np.ndarray | None:
    """Labels [h w], 0 outside and in void; None where the levels are coverage."""
    levels, top = stored.levels, stored.top
    found = np.unique(levels[levels > 0])
    if stored.by_index:
        return np.where(levels == VOID, 0, levels) if len(found) > 1 else levels
    if len(found) <= 1 or found[-1] <= top // 2 and len(found) <= MAX_LABELS:
        return levels
    if len(found) > MAX_LABELS:
        return None
    if found[-1] == top and found[-2] <= top // 2:
        raise ValueError(
            f"{path} has the grey levels {_listed(found)}: is {top} the object, or void around the others? "
            f"{_SAVE}"
        )
    return levels if _fills_an_area(levels, found[found < top], top) else None


def _fills_an_area(levels: np.ndarray, between: np.ndarray, top: int) -> bool:
    """Whether a level between outside and object fills 3 x 3 pixels, which no border of a shape does."""
    noise = _NOISE * top // 255
    if (between > top - noise).any():  # inside the object: as a lossy format left them
        between = between[(between >= noise) & (between <= top - noise)]
    rows = (levels[:, 2:] == levels[:, 1:-1]) & (levels[:, :-2] == levels[:, 1:-1])
    middle = levels[1:-1, 1:-1]
    even = rows[2:] & rows[1:-1] & rows[:-2] & (levels[2:, 1:-1] == middle) & (levels[:-2, 1:-1] == middle)
    return bool(np.isin(middle[even], between).any())


def _eight_bits(stored: _Stored) -> np.ndarray:
    return stored.levels if stored.top == 255 else eight_bits(stored.levels)


def _mostly_covered(coverage: np.ndarray, path: Path) -> np.ndarray:
    """Coverage whose marked pixels are the object's for the most part: no depth map, no map of doubts."""
    marked, whole = (coverage >= _NOISE).sum(), (coverage >= 255 - 2 * _NOISE).sum()
    if 2 * whole < marked:
        raise ValueError(
            f"{path} is neither 0 nor 255 in most of what it marks (its brightest is {coverage.max()}), as a "
            f"depth map or probabilities are; {_SAVE}"
        )
    return coverage


def _listed(values: np.ndarray) -> str:
    return ", ".join(map(str, values[:8].tolist())) + ", ..." * (len(values) > 8)
