"""Compiled functions over any number of rows, in batches of one size: one program serves all."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

_PIXELS = 2**18  # of a batch of pictures: StyleGAN2's configs e and f then stay below 3 GB in all


def pictures_at_once(height: int, width: int, *, most: int = 64) -> int:
    """How many pictures of that size go through a generator at once: 4 of 256 x 256, at most `most`."""
    return max(1, min(most, _PIXELS // (height * width)))


def in_batches(function: Callable, *arrays: np.ndarray, size: int, whole: bool = True) -> Any:
    """What `function` makes of arrays [n ...], `size` rows at a time: NumPy [n ...], or a tree of such.

    The last batch is filled up with the last row, and what comes of the copies is left out. whole: so are
    fewer rows than one batch, which then come out to the bit as they do among many; if not, only up to a
    power of two, so that one row is not the work of `size`.
    """
    count = len(arrays[0])
    if not whole:
        size = min(size, 1 << max(count - 1, 0).bit_length())
    filled = arrays if count else [np.zeros((1, *array.shape[1:]), array.dtype) for array in arrays]
    parts = []
    for start in range(0, max(count, 1), size):
        rows = np.minimum(np.arange(start, start + size), max(count, 1) - 1)
        part = function(*(array[rows] for array in filled))
        parts.append(jax.tree.map(lambda leaf, kept=count - start: np.asarray(leaf)[:kept], part))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
