"""What pictures and their masks will cost, told before a stage draws them."""

import time
from collections.abc import Callable

import numpy as np

from ganverse_jax.data.masks.folder import MaskFolder
from ganverse_jax.models.perception.segmenter import Segmenter
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.pages.markup import duration

_DAY = 86_400.0


def announce(
    stage: str, count: int, told: str, draw: Callable[[], np.ndarray], segmenter: Segmenter, *, fewer: str
) -> None:
    """Print how many pictures a stage is about to draw and to have segmented, and how long that takes here.

    told: how `count` comes about; draw(): a batch uint8 [b h w 3] of such pictures, which is drawn twice (the
    first time compiles it); fewer: the settings that say how many.
    """
    draw()
    started = time.perf_counter()
    images = draw()
    seconds = (time.perf_counter() - started) / len(images)
    if isinstance(segmenter, MaskFolder):
        drawing = f"about {_time(count * seconds)} here to draw; " if count * seconds > 1 else ""
        cost = f"{drawing}masks are read from {segmenter.folder}, or asked for"
    else:
        mask = _seconds_per_mask(segmenter, images)
        each = f"{seconds:.2g} s to draw, {mask:.2g} s to segment each"
        cost = f"about {_time(count * (seconds + mask))} here: {each}"
    print(f"[{stage}] {count:,} pictures with masks ({told}), {cost}. Fewer: {fewer}", flush=True)


def batch_of(generator: MultiviewGenerator) -> np.ndarray:
    """Some batch uint8 [b h w 3] of pictures, to take the time of."""
    codes = generator.codes(np.arange(generator.batch_size), 1.0)
    return generator.pairs(codes, codes)[0]


def _seconds_per_mask(segmenter: Segmenter, images: np.ndarray) -> float:
    """Of as many pictures as take about a second one by one, since many are quicker per picture."""
    segmenter(images[:1])
    started = time.perf_counter()
    segmenter(images[:1])
    alone = time.perf_counter() - started
    images = images[: int(1 / max(alone, 1e-6))]
    if len(images) < 2:
        return alone
    started = time.perf_counter()
    segmenter(images)
    return (time.perf_counter() - started) / len(images)


def _time(seconds: float) -> str:
    return f"{seconds / _DAY:.1f} days" if seconds > 2 * _DAY else duration(seconds)
