"""Step checkpoints of a training (Orbax): a damaged one is told from one of other settings, and set aside."""

import contextlib
import itertools
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganverse_jax.runtime import machine
from ganverse_jax.runtime.checkpoint import fingerprint


class DamagedCheckpoint(ValueError):
    """A step checkpoint whose files were cut, changed or lost."""


# How tensorstore's errors begin where the files themselves may well be whole.
_NOT_THE_FILES = ("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED")


class Checkpoints:
    """Step checkpoints of one training run in ``directory``; the newest ``keep`` remain.

    States are pytrees of arrays. A step counts as saved once :meth:`wait` has returned. Beside each is
    a fingerprint of its state, since Orbax does not notice bytes that changed. Steps whose metadata are none
    are told and set aside as damaged_STEP. Of several processes only the first may have them.
    """

    def __init__(self, directory: str | os.PathLike, *, keep: int = 2):
        import orbax.checkpoint as ocp

        self._ocp = ocp
        self.directory = Path(directory).absolute()
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            self._manager = self._opened(keep)
        except ValueError:  # Orbax reads the metadata of all steps, and ends at one that are none
            for step, error in self._without_metadata():
                print(f"{self._told(step, error)}; set aside as {self._set_aside(step)}", flush=True)
            self._manager = self._opened(keep)

    def _opened(self, keep: int) -> Any:
        # Of several processes the first is alone here, and Orbax's own barriers would wait for the others.
        alone = self._ocp.options.MultiprocessingOptions(primary_host=0, active_processes={0})
        options = {"max_to_keep": keep, "create": False, "multiprocessing_options": alone}
        manager = self._ocp.CheckpointManager(
            self.directory,
            options=self._ocp.CheckpointManagerOptions(**options),
            item_handlers=self._ocp.StandardCheckpointHandler(multiprocessing_options=alone),
        )
        manager.reached_preemption = lambda step: False  # to be asked by all at once, as `Termination` does
        return manager

    def _without_metadata(self) -> list[tuple[int, Exception]]:
        """Steps whose metadata Orbax does not take for such, with its reasons."""
        found = []
        for step in sorted(int(path.name) for path in self.directory.iterdir() if path.name.isdecimal()):
            try:
                with self._ocp.Checkpointer(self._ocp.CompositeCheckpointHandler()) as reader:
                    reader.metadata(self.directory / str(step))
            except ValueError as error:
                found.append((step, error))
        return found

    def _told(self, step: int, reason: object) -> str:
        return f"checkpoint {self.directory / str(step)} is damaged ({reason})"

    def latest_step(self) -> int | None:
        """The newest step on disk, or None."""
        return self._manager.latest_step()

    def save(self, step: int, state: Any, notes: Mapping[str, float] | None = None) -> None:
        """Begin to save ``state`` as ``step``; an earlier save that still runs is awaited first.

        notes: what :meth:`resume` gives back beside the state. Raises OSError, as do :meth:`wait` and
        :meth:`close`, where this or an earlier save cannot be written; the steps saved before remain.
        """
        state = jax.device_get(state)
        record = {"fingerprint": fingerprint(state), "notes": dict(notes or {})}
        with machine.writing(self.directory):
            self._manager.wait_until_finished()
            self._manager.save(step, args=self._ocp.args.StandardSave(state), custom_metadata=record)

    def resume(self, template: Any) -> tuple[int, Any, dict[str, float]]:
        """(step, state, notes) of the newest step that is not damaged; 0, ``template`` and {} without one.

        A damaged step is told, and set aside as damaged_STEP. Raises as :meth:`restore` for other settings.
        """
        while (step := self.latest_step()) is not None:
            try:
                return (
                    step,
                    self.restore(template, step),
                    self._metadata(step).custom_metadata.get("notes", {}),
                )
            except DamagedCheckpoint as error:
                aside = self._set_aside(step)
                self._manager.reload()
                before = self.latest_step()
                on = "from the beginning, as it was the only one" if before is None else f"from step {before}"
                print(f"{error}; set aside as {aside}, the training goes on {on}", flush=True)
        return 0, template, {}

    def restore(self, template: Any, step: int | None = None) -> Any:
        """Read a state (the newest by default) with the structure, shapes and dtypes of ``template``.

        Its arrays are on the host. Raises ValueError that names the step's folder when it holds a state of
        other settings; DamagedCheckpoint; OSError when it cannot be reached.
        """
        step = self.latest_step() if step is None else step
        host = jax.tree.map(np.asarray, jax.device_get(template))
        folder = self.directory / str(step)
        try:
            with _orphans_muted():
                metadata = self._metadata(step)
                misfit = _difference(_arrays(metadata.item_metadata.tree), _arrays(host))
                if not misfit:
                    restored = self._manager.restore(step, args=self._ocp.args.StandardRestore(host))
        except (ValueError, KeyError, TypeError, AttributeError, FileNotFoundError) as error:
            told = str(error).split(" [tensorstore_spec")[0].splitlines()[0]
            if told.startswith(_NOT_THE_FILES):
                raise OSError(f"checkpoint {folder} cannot be read ({told})") from error
            raise DamagedCheckpoint(self._told(step, told)) from error
        if misfit:
            raise ValueError(
                f"checkpoint {folder} does not fit these settings ({misfit}); use another --workdir or "
                "delete that folder"
            )
        restored = jax.tree.map(np.asarray, restored)
        saved = metadata.custom_metadata.get("fingerprint")  # None: of an earlier version
        if saved is not None and saved != fingerprint(restored):
            raise DamagedCheckpoint(self._told(step, "its numbers are not those saved"))
        return restored

    def _metadata(self, step: int) -> Any:
        """Of a step, by Orbax. Raises as Orbax does for damaged files."""
        metadata = self._manager.metadata(step)
        if metadata.init_timestamp_nsecs is None:  # Orbax's word for a file of metadata that it cannot read
            raise DamagedCheckpoint("its metadata cannot be read")
        return metadata

    def _set_aside(self, step: int) -> Path:
        folder = self.directory / f"damaged_{step}"
        for number in itertools.count(2):
            if not folder.exists():
                break
            folder = self.directory / f"damaged_{step}_{number}"
        (self.directory / str(step)).rename(folder)
        return folder

    def wait(self) -> None:
        """Block until every save is on disk."""
        with machine.writing(self.directory):
            self._manager.wait_until_finished()

    def close(self) -> None:
        """Finish saving and release the manager's threads."""
        self.wait()
        self._manager.close()


@contextlib.contextmanager
def _orphans_muted() -> Iterator[None]:
    """When one read fails, Orbax closes the event loop that the others answer to: each prints a traceback."""
    hook = sys.unraisablehook

    def mute(found):
        if str(found.exc_value) != "Event loop is closed":
            hook(found)

    sys.unraisablehook = mute
    try:
        yield
    except Exception:
        time.sleep(0.3)  # for them to end
        raise
    finally:
        sys.unraisablehook = hook


def _arrays(state: Any) -> dict[str, str]:
    """Dtype and shape of every array of a state, or of Orbax's metadata of one, by its name."""
    leaves = jax.tree_util.tree_leaves_with_path(state)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): f"{np.dtype(leaf.dtype)} {leaf.shape}"
        for path, leaf in leaves
    }


def _difference(found: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """The first array of a state that is not as wanted, in words; "" where all are."""
    for name in sorted({*found, *wanted}):
        if found.get(name) != wanted.get(name):
            return f"{name} is {found.get(name, 'absent')}, expected {wanted.get(name, 'no such array')}"
    return ""
