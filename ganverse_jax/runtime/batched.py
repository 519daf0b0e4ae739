"""Compiled functions over many pictures, a few at a time: memory that does not grow with their number."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

_PIXELS = 2**20  # of a batch: a StyleGAN2 of 512 pixels then takes below 2 GB


def pictures_at_once(height: int, width: int, *, most: int = 64) -> int:
    """How many pictures of that size go through a generator at once: 4 of 512 x 512, at most `most`."""
    return max(1, min(most, _PIXELS // (height * width)))


def in_batches(function: Callable[..., Any], batch_size: int, *arrays: np.ndarray) -> Any:
    """`function` of `arrays`, each [n ...] with n >= 1, called on batches of one size.

    The last batch repeats its last row, so that one program serves all. Returns what the function does, an
    array or a pytree of arrays [n ...], on the host.
    """
    count, parts = len(arrays[0]), []
    for start in range(0, count, batch_size):
        rows = np.minimum(np.arange(start, start + batch_size), count - 1)
        part = function(*(array[rows] for array in arrays))
        parts.append(jax.tree.map(lambda leaf, keep=count - start: np.asarray(leaf)[:keep], part))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
