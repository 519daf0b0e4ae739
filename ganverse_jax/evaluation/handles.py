"""Whether a renderer obeys its handles, from pictures, masks and readings (DESIGN.md, section 5).

What is asked for is a picture's own property with one exchanged for a donor's. Every figure compares the
answer with what was asked for, never with what was there before alone: a handle that does nothing changes
nothing. Where a handle must leave something in place, it counts only if it acts (`Aim.acts`).

Pictures are uint8 [n h w 3], masks [n h w] in [0, 1], colours [n h w 3] in [0, 1].
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ganverse_jax.evaluation.images import mask_iou, masked_colour_error, mean_change

ROUNDING = 1 / 12  # squared error of a byte: pictures that agree to the bit have no PSNR


class Aim(NamedTuple):
    """A figure, the limit it must keep, whether from above (at_least), what it says, and the aims that must
    hold beside it, lest a handle that does nothing reach it."""

    figure: str
    limit: float
    at_least: bool
    says: str
    acts: tuple[str, ...] = ()


AIMS = (
    Aim("azimuth_error", 8.0, False, "commanded azimuth: mean error (degrees)"),
    Aim("azimuth_within_15", 0.95, True, "commanded azimuth: share within 15 degrees"),
    Aim("elevation_error", 3.0, False, "commanded elevation: mean error (degrees)"),
    Aim("scale_error", 0.05, False, "commanded scale, 0.85 to 1.2: error of the object's height"),
    Aim("shape_iou_donor", 0.90, True, "shape swap: IOU with the donor's mask", ("shape_iou_margin",)),
    Aim("shape_iou_margin", 0.02, True, "shape swap: the same, above that with its own"),
    Aim("shape_follows", 0.65, True, "shape swap: share of the pixels in dispute that go to the donor"),
    Aim("texture_ratio", 0.5, False, "texture swap: colour error, of the two textures' distance"),
    Aim("background_ratio", 0.5, False, "background swap: colour error, of the two backgrounds' distance"),
    Aim("psnr_camera", 25.0, True, "background PSNR under camera change (dB)", ("azimuth_error",)),
    Aim("psnr_shape", 33.0, True, "background PSNR under shape change (dB)", ("shape_follows",)),
    Aim("psnr_texture", 33.0, True, "background PSNR under texture change (dB)", ("texture_ratio",)),
    Aim("mask_iou_own_view", 0.95, True, "mask IOU with DIB-R, own view"),
    Aim("mask_iou_other_view", 0.93, True, "mask IOU with DIB-R, another view"),
    Aim("frechet_ratio", 1.3, False, "Frechet distance to real pictures, of the GAN's own"),
)


def reached(figures: Mapping[str, float]) -> dict[str, bool]:
    """By its figure, whether each of AIMS that was measured holds."""
    alone = {
        aim.figure: figures[aim.figure] >= aim.limit if aim.at_least else figures[aim.figure] <= aim.limit
        for aim in AIMS
        if aim.figure in figures
    }
    beside = {aim.figure: aim.acts for aim in AIMS}
    return {
        name: bool(holds and all(alone[other] for other in beside[name])) for name, holds in alone.items()
    }


def height_error(masks: np.ndarray, asked: np.ndarray) -> float:
    """Mean error of the heights of what masks [n h w] hold, as a share of those of `asked`."""
    heights, wanted = ((each > 0.5).any(axis=2).sum(axis=1) for each in (masks, asked))
    return float(np.abs(heights / np.maximum(wanted, 1) - 1.0).mean())


def outline_figures(masks: np.ndarray, donor: np.ndarray, own: np.ndarray) -> dict[str, float]:
    """Of pictures' masks, asked to take the donors' outlines [n h w] for their own: iou_donor, iou_own,
    iou_margin between these, and follows: of the pixels that one outline holds and the other does not, the
    share that sides with the donor (0 where there are none)."""
    inside, disputed = masks > 0.5, (donor > 0.5) != (own > 0.5)
    sided = disputed & (inside == (donor > 0.5))
    figures = {"iou_donor": mask_iou(masks, donor).mean(), "iou_own": mask_iou(masks, own).mean()}
    figures["iou_margin"] = figures["iou_donor"] - figures["iou_own"]
    figures["follows"] = sided.sum() / max(disputed.sum(), 1)
    return {name: float(value) for name, value in figures.items()}


def texture_figures(
    pictures: np.ndarray, masks: np.ndarray, asked: np.ndarray, own: np.ndarray, rendered: np.ndarray
) -> dict[str, float]:
    """Of pictures asked to take donors' textures: error, their mean colour error against the renders `asked`
    of their shapes with these, where both masks hold; distance, that of the renders `own` with their own
    textures; ratio of the two. asked and own share the masks `rendered`."""
    errors = masked_colour_error(pictures / 255.0, asked, masks, rendered)
    apart = masked_colour_error(own, asked, rendered, rendered)
    return _of_distance(*(_mean_or(values, 1.0) for values in (errors, apart)))


def background_figures(
    pictures: np.ndarray, asked: np.ndarray, own: np.ndarray, outside: np.ndarray
) -> dict[str, float]:
    """Of pictures asked to take the backgrounds of pictures `asked` for those of `own`: error, distance and
    ratio as `texture_figures`, where `outside` [n h w] bool shows the background of all three."""
    return _of_distance(*(mean_change(each, asked, outside, nothing=1.0) for each in (pictures, own)))


def psnr(first: np.ndarray, second: np.ndarray, where: np.ndarray) -> float:
    """Peak signal-to-noise ratio (dB) of two sets of pictures over all pixels that `where` [n h w] holds; of
    an error no smaller than a byte's rounding. 0 where it holds none."""
    if not where.any():
        return 0.0
    squared = np.square(first[where].astype(np.float32) - second[where]).mean()
    return float(10 * np.log10(255.0**2 / max(squared, ROUNDING)))


def _of_distance(error: float, distance: float) -> dict[str, float]:
    return {"error": error, "distance": distance, "ratio": error / max(distance, 1e-6)}


def _mean_or(values: np.ndarray, nothing: float) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else nothing
