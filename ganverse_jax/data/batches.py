"""Batches that depend on seed and step alone, and threads that prepare the next ones (through grain)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import grain


class Images(Protocol):
    """Images by position: an array or memory map uint8 [n r r 3], or anything that acts like one."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: np.ndarray) -> np.ndarray: ...


def batches(
    images: Images, *, seed: int, batch_size: int, order: np.ndarray, mirror: bool = False
) -> Callable[[int], dict[str, np.ndarray]]:
    """``batch_at(step)`` -> {"real": uint8 [b r r 3], "index": int32 [b]}, a function of seed and step alone.

    Global example i of a step is drawn uniformly with replacement and, with `mirror`, turned left to right
    with probability 1/2; both draws belong to (seed, step, i). `order` [b] lists the examples row by row.
    Raises ValueError when there are fewer images than `batch_size`.
    """
    if len(images) < batch_size:
        raise ValueError(
            f"{len(images)} images are fewer than gan.batch_size = {batch_size}; add images or lower it"
        )

    def batch_at(step: int) -> dict[str, np.ndarray]:
        chosen = np.random.default_rng([seed, step]).integers(0, len(images), batch_size)
        real = images[chosen[order]]
        if mirror:
            turned = np.random.default_rng([seed, step, 1]).random(batch_size) < 0.5
            real = np.where(turned[order][:, None, None, None], real[:, :, ::-1], real)
        return {"real": real, "index": order.astype(np.int32)}

    return batch_at


def by_step(batch_at: Callable[[int], Any], num_steps: int) -> grain.MapDataset:
    """A `grain.MapDataset` whose element `step` is ``batch_at(step)``: random access, and any first step by
    ``.slice(slice(step, None))``."""
    import grain

    return grain.MapDataset.range(num_steps).map(batch_at)


class Prefetch:
    """``batch_at`` whose next `ahead` results are prepared by grain's threads; a context manager, callable
    like it.

    The results are those of ``batch_at``, whatever the order of the calls; rising steps are prepared. An
    error of a thread is raised by the call for its step, not before. threads: None: one per core; 0: nothing
    is prepared. There are no worker processes: what takes time here (decoding, copying, drawing) frees
    Python's lock.
    """

    def __init__(
        self, batch_at: Callable[[int], Any], *, num_steps: int, ahead: int = 4, threads: int | None = None
    ):
        self._batch_at, self._num_steps, self._ahead = batch_at, num_steps, ahead
        self._threads = worker_threads() if threads is None else threads
        self._iterator, self._next = None, -1

    def __enter__(self) -> Prefetch:
        return self

    def __exit__(self, *_) -> None:
        self._close()

    def __call__(self, step: int) -> Any:
        """The batch of a step; the following ones are begun. Raises what ``batch_at`` raises."""
        if not self._threads or step >= self._num_steps:
            return self._batch_at(step)
        if self._iterator is None or step != self._next:
            self._restart(step)
        try:
            batch = next(self._iterator)
        except BaseException:
            self._close()
            raise
        self._next = step + 1
        return batch

    def _restart(self, step: int) -> None:
        import grain

        self._close()
        options = grain.ReadOptions(
            num_threads=min(self._threads, self._ahead), prefetch_buffer_size=self._ahead
        )
        rest = by_step(self._batch_at, self._num_steps).slice(slice(step, None))
        self._iterator = iter(rest.to_iter_dataset(options))

    def _close(self) -> None:
        if self._iterator is not None:
            self._iterator.close()
            self._iterator = None


def worker_threads() -> int:
    """Threads for decoding: one per core that this process may use, at most 16."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 16)
