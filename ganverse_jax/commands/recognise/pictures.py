"""What the recogniser learns from: objects of all worlds before any background, and backgrounds alone.

An object is pasted by its exact mask, so that it, and not the place it stands in, tells the world; photos may
be cut out, too.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from PIL import Image

from ganverse_jax.classes import World

FAR = 400.0  # distance at which an object is a fraction of a pixel, and its backdrop alone is seen
OWN, BACKDROP, FLAT, NOISE = range(4)  # backgrounds, with these shares:
_BACKGROUNDS = np.array([0.5, 0.25, 0.15, 0.10])
_EMPTY = 0.25  # the share of pictures that show no object of any world; half of them show a blob


class Renders(NamedTuple):
    """Of one world: pictures uint8 [n r r 3], masks uint8 [n r r], and backdrops alone [m r r 3]."""

    images: np.ndarray
    masks: np.ndarray
    backdrops: np.ndarray


def render(world: World, count: int) -> Renders:
    """The first `count` objects of a world, and a quarter as many backdrops."""
    drawn, rows = world.render(np.arange(count)), np.arange(max(1, count // 4))
    angles = np.linspace(0, 2 * np.pi, len(rows), endpoint=False)
    far = world.render_views(rows, angles, np.radians(10.0), FAR)
    return Renders(drawn["image"], drawn["mask"], far["image"])


def compose(renders: Mapping[str, Renders], count: int, seed: int) -> dict[str, np.ndarray]:
    """image uint8 [count r r 3], mask uint8 [count r r] of the object, and label float32 [count c]: 1 for the
    world whose object it is, in the order of `renders`; all 0 where there is none."""
    random, names = np.random.default_rng(seed), list(renders)
    shares = [_EMPTY, *[(1 - _EMPTY) / len(names)] * len(names)]
    owners = random.choice(len(shares), size=count, p=shares)
    made = [_picture(renders, names[owner - 1] if owner else None, random) for owner in owners]
    images, masks = (np.stack(part) for part in zip(*made, strict=True))
    return {"image": images, "mask": masks, "label": np.eye(len(shares), dtype=np.float32)[owners, 1:]}


def _picture(
    renders: Mapping[str, Renders], owner: str | None, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """An object of a world, or none, in front of some background: image and mask."""
    kind = random.choice(len(_BACKGROUNDS), p=_BACKGROUNDS)
    place = renders[owner if owner and kind == OWN else str(random.choice(list(renders)))]
    if owner is None:
        kind = BACKDROP if kind == OWN else kind
        mask = _blob(place.images.shape[1], random) * (random.random() < 0.5)
        image = background(int(random.integers(BACKDROP, NOISE + 1)), place, random)
    else:
        row = random.integers(len(renders[owner].images))
        image, mask = renders[owner].images[row], renders[owner].masks[row]
        if kind == OWN:
            return image, mask
    coverage = mask[..., None] / 255.0
    pasted = coverage * image + (1 - coverage) * background(kind, place, random)
    return np.round(pasted).astype(np.uint8), mask.astype(np.uint8)


def _blob(side: int, random: np.random.Generator) -> np.ndarray:
    """A mask uint8 [side side] of a shape of chance in the middle half of the picture, or of several."""
    coarse = np.zeros((10, 10), np.uint8)
    coarse[3:7, 2:8] = random.integers(0, 256, (4, 6))
    smooth = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))
    return np.where(smooth > 110, 255, 0).astype(np.uint8)


def background(kind: int, place: Renders, random: np.random.Generator) -> np.ndarray:
    """A background uint8 [r r 3]: a backdrop of `place`, one colour, or noise of some coarseness."""
    side = place.images.shape[1]
    if kind == BACKDROP:
        return place.backdrops[random.integers(len(place.backdrops))]
    if kind == FLAT:
        return np.broadcast_to(random.integers(0, 256, 3, dtype=np.uint8), (side, side, 3))
    coarse = random.integers(0, 256, (int(random.integers(2, side + 1)),) * 2 + (3,), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))
