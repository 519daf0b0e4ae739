"""Batches of real images that depend on seed and step alone, and threads that prepare the next ones."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np


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


class Prefetch:
    """``batch_at`` whose next `ahead` results are prepared by threads; a context manager, callable like it.

    The results are those of ``batch_at``, whatever the order of the calls. An error of a thread is raised
    by the call for its step, not before.
    """

    def __init__(
        self, batch_at: Callable[[int], Any], *, num_steps: int, ahead: int = 4, threads: int | None = None
    ):
        self._batch_at, self._num_steps, self._ahead = batch_at, num_steps, ahead
        self._pool = ThreadPoolExecutor(threads or worker_threads(), thread_name_prefix="batches")
        self._waiting: dict[int, Future] = {}

    def __enter__(self) -> "Prefetch":
        return self

    def __exit__(self, *_) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __call__(self, step: int) -> Any:
        """The batch of a step; the following ones are begun. Raises what ``batch_at`` raises."""
        for later in range(step, min(step + self._ahead + 1, self._num_steps)):
            if later not in self._waiting:
                self._waiting[later] = self._pool.submit(self._batch_at, later)
        for passed in [other for other in self._waiting if not step <= other <= step + self._ahead]:
            self._waiting.pop(passed).cancel()
        future = self._waiting.pop(step, None)
        return future.result() if future is not None else self._batch_at(step)


def worker_threads() -> int:
    """Threads for decoding: one per core that this process may use, at most 16."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 16)
