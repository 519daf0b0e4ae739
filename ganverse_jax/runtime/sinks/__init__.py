"""Where metrics are told beside metrics.jsonl: TensorBoard's event files or wandb, through one interface.

metrics.jsonl stays what reports and resumed runs read; a sink only tells (docs/metrics.md).
"""

import contextlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ganverse_jax.runtime.termination import ends_as_exit

PACKAGES = {"tensorboard": "tensorboardX", "wandb": "wandb"}  # what each kind needs


class Sink(Protocol):
    """What takes the metrics of a workdir. Only the first process of a run opens one.

    new: whether the workdir had none of this kind before, so that earlier metrics are to be told, too.
    """

    new: bool

    def write(self, stage: str, step: int, scalars: Mapping[str, float]) -> None:
        """The metrics of a step."""

    def write_anew(self, stage: str, step: int, scalars: Mapping[str, float]) -> None:
        """The figures of what logs no steps, in place of those of an earlier call."""

    def picture(self, stage: str, step: int, path: Path) -> None:
        """A sample sheet, a PNG file."""

    def rewind(self, stage: str, step: int, dropped: Sequence[Mapping[str, Any]]) -> None:
        """Steps after `step` come again, in a training that goes on; dropped: their rows of metrics.jsonl."""

    def close(self) -> None:
        """Write out all that was told."""


def check_installed(kind: str) -> None:
    """Raise ImportError, with the remedy, where the package of a kind of sink is missing."""
    if kind == "none":
        return
    package = PACKAGES[kind]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:  # a mere folder of that name, such as wandb's own
        raise ImportError(
            f"metrics.sink = {kind!r} needs the package {package}, which is not installed; "
            f"pip install {package}, or set metrics.sink to 'none'"
        )


@contextlib.contextmanager
def opened(kind: str, workdir: Path, config: Mapping[str, Any]) -> Iterator[Sink | None]:
    """The sink of a workdir, None for the kind "none"; closed at the end, by an error and by SIGTERM, too.

    config: the run's settings, which wandb keeps.
    """
    if kind == "none":
        yield None
        return
    check_installed(kind)
    if kind == "tensorboard":
        from ganverse_jax.runtime.sinks.tensorboard import EventFiles

        sink = EventFiles(workdir)
    else:
        from ganverse_jax.runtime.sinks.wandb import Wandb

        sink = Wandb(workdir, config)
    with contextlib.closing(sink), ends_as_exit():
        yield sink
