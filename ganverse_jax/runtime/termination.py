"""SIGTERM to a training in progress: a question that it asks after each step, so that the step is saved."""

import contextlib
import itertools
import signal
import sys
import threading
from collections.abc import Iterator

from jax.experimental import multihost_utils

from ganverse_jax.runtime import hosts

_steps = itertools.count()  # of all trainings together: JAX may name the first step of the next one


class Termination:
    """A context manager around the steps of a training.

    In a run of several processes JAX catches the signal (or a scheduler's notice), and tells all of them one
    step to stop at.
    """

    def __enter__(self) -> "Termination":
        self._raised, self._several = False, hosts.several()
        self._usable = threading.current_thread() is threading.main_thread() and not self._several
        if self._usable:
            self._previous = signal.signal(signal.SIGTERM, self._raise)
        hosts.training(True)
        return self

    def _raise(self, *_) -> None:
        self._raised = True

    def asked(self) -> bool:
        """Whether to stop after the step just taken; to be called once for each, in all processes."""
        return multihost_utils.reached_preemption_sync_point(next(_steps)) if self._several else self._raised

    def __exit__(self, *_) -> None:
        hosts.training(False)
        if self._usable:
            signal.signal(signal.SIGTERM, self._previous)


@contextlib.contextmanager
def ends_as_exit() -> Iterator[None]:
    """Within, SIGTERM ends the process as an exit would, so that what is open is closed.

    A training in progress asks for itself (:class:`Termination`); of several processes, JAX hears the signal.
    """
    usable = threading.current_thread() is threading.main_thread() and not hosts.several()
    if usable:
        previous = signal.signal(signal.SIGTERM, lambda *_: sys.exit(hosts.STOPPED))
    try:
        yield
    finally:
        if usable:
            signal.signal(signal.SIGTERM, previous)
