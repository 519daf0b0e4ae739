"""Several processes of one run, on one host or many: all train together, the first does everything else.

Every process runs the same program and sees the same workdir. A training's step is one program over the
devices of all (`parallel`). What is done once (files, figures, stages that do not train) is left to the first
process, and the others wait for it in JAX's coordination service, which hears every process's heartbeat and
knows no time-out as a collective does. In a run of one process all of this does nothing.
"""

import contextlib
import itertools
import json
import os
import secrets
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax._src import distributed  # the service's keys and barriers have no public name yet
from jax.experimental import multihost_utils

_HEARTBEAT_SECONDS = 40  # after which a silent process counts as dead
_SECONDS_TO_MEET = 120
_SECONDS_TO_SEE = 10
_FOR_EVER = 2**31 - 1  # milliseconds
_FAILED = "ganverse/failed"  # the key of what ended one of them
_NOTICE = "RECEIVED_PREEMPTION_NOTICE"  # JAX's key, set when any process receives SIGTERM
# What errors name when a process that took part has ended.
_LOST = ("Gloo", "NCCL", "UNAVAILABLE", "Barrier failed")
_LISTEN_SECONDS = 1
_AGAIN = "The same command goes on from the newest checkpoint"
STOPPED = 143  # exit status of a run that was told to stop, as a shell gives it for SIGTERM
_numbers = itertools.count()


class _Phase:
    """What this process is doing: alone, beyond what the others take part in; training, between two steps."""

    alone = training = False


class LeftToFirst(Exception):
    """Ends, in a process that is not the first, what only the first goes on with; see :func:`together`."""


def several() -> bool:
    """Whether other processes take part in what is being done."""
    return jax.process_count() > 1 and not _Phase.alone


def is_first() -> bool:
    """Whether this process writes the files."""
    return jax.process_index() == 0


def join(coordinator: str | None, num_processes: int | None, process_id: int | None) -> None:
    """Become one process of a run; what is None is taken from JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and
    JAX_PROCESS_ID, then from the scheduler (SLURM, Open MPI, Kubernetes, TPU pods), as JAX detects it.

    coordinator: HOST:PORT of the first process. Standard output is the first process's alone. Raises
    ValueError where the three are not known, and ConnectionError where the first process does not answer.
    """
    coordinator = coordinator or os.environ.get("JAX_COORDINATOR_ADDRESS")
    if coordinator and not coordinator.rpartition(":")[2].isdecimal():
        raise ValueError(f"--coordinator={coordinator} names no port; give HOST:PORT")
    given = {"num_processes": num_processes, "process_id": process_id}
    for name in given:
        if given[name] is None and (text := os.environ.get(f"JAX_{name.upper()}")):
            if not text.isdecimal():
                raise ValueError(f"JAX_{name.upper()}={text!r} is no whole number; set it to one")
            given[name] = int(text)
    if coordinator and given["process_id"]:
        _find(coordinator)
    try:
        jax.distributed.initialize(coordinator, **given, initialization_timeout=_SECONDS_TO_MEET,
                                   heartbeat_timeout_seconds=_HEARTBEAT_SECONDS,
                                   shutdown_timeout_seconds=_HEARTBEAT_SECONDS)  # fmt: skip
    except ValueError as error:
        raise ValueError(
            f"--distributed: {error} Without SLURM, Open MPI, Kubernetes or a TPU, which tell it, give all "
            "processes the same --coordinator=HOST:PORT (a free port of the first one's host) and "
            "--num_processes=N, and each its own --process_id=0 to N-1"
        ) from error
    threading.Thread(target=_heed, args=(distributed.global_state.client,), daemon=True).start()
    if not is_first():
        print(
            f"process {jax.process_index()} of {jax.process_count()}: the first tells how it goes", flush=True
        )
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def _find(coordinator: str) -> None:
    """Wait for the first process. Raises ConnectionError where none answers: JAX would end without a word."""
    host, _, port = coordinator.rpartition(":")
    until = time.monotonic() + _SECONDS_TO_MEET
    while True:
        try:
            return socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
        except OSError as error:
            if time.monotonic() > until:
                raise ConnectionError(
                    f"no process answers at {coordinator} ({error}); start the first one there, or correct "
                    "--coordinator"
                ) from error
            time.sleep(1)


def training(in_progress: bool) -> None:
    """Say whether a training is in progress, which itself asks whether to stop (`termination`)."""
    _Phase.training = in_progress


def wait() -> None:
    """Until all processes have come here."""
    if several():
        distributed.global_state.client.wait_at_barrier(f"ganverse/{next(_numbers)}", _FOR_EVER)


def from_first(make: Callable[[], Any]) -> Any:
    """What the first process makes, a value that JSON holds, to all of them; no other one calls `make`."""
    if not several():
        return make()
    client, key = distributed.global_state.client, f"ganverse/{next(_numbers)}"
    if is_first():
        client.key_value_set(key, json.dumps(value := make()))
        return value
    return json.loads(client.blocking_key_value_get(key, _FOR_EVER))


def check_same(value: Any, what: str) -> None:
    """Raise ValueError, in each process whose value, which JSON holds, is not the first one's."""
    mine = json.dumps(value)
    if mine != from_first(lambda: mine):
        raise ValueError(
            f"process {jax.process_index()} was given other {what} than the first; give all the same "
            "command, but for --process_id"
        )


def arrays_from_first(tree: Any) -> Any:
    """A tree of arrays of one structure in all processes, on the host, with the numbers of the first one."""
    leaves, structure = jax.tree.flatten(jax.device_get(tree))
    arrays = [np.asarray(leaf) for leaf in leaves]
    data = b"".join(array.tobytes() for array in arrays)
    # As one array: a program for every tree of theirs would take longer to compile than this to send.
    words = np.frombuffer(data + bytes(-len(data) % 4), np.uint32)
    wait()  # a first collective is given half a minute for all to come
    data, place, found = np.asarray(multihost_utils.broadcast_one_to_all(words)).tobytes(), 0, []
    for array in arrays:
        found.append(np.frombuffer(data, array.dtype, array.size, place).reshape(array.shape))
        place += array.nbytes
    return jax.tree.unflatten(structure, found)


def after_first(make: Callable[[], Any]) -> Any:
    """What `make` gives each process: the others call it after the first, and find the files that it left."""
    if not several():
        return make()
    if is_first():
        made = make()
        wait()
        return made
    wait()
    return make()


def check_shared(path: Path) -> None:
    """Raise ValueError, in each process that does not see what the first one writes to the file `path`."""
    if not several():
        return
    if is_first():
        path.write_text(token := secrets.token_hex(8))
    token = from_first(lambda: token)
    for _ in range(_SECONDS_TO_SEE):  # a network's file system may show it late
        if path.read_text() == token:
            return
        time.sleep(1)
    raise ValueError(
        f"process {jax.process_index()} does not see in {path.parent} what the first one writes there; give "
        "as --workdir a folder that all hosts share"
    )


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Work of all processes, with a barrier at its end. Some of it may be left to the first one
    (:func:`leave_rest_to_first`), for which the others then wait."""
    before = _Phase.alone
    try:
        with contextlib.suppress(LeftToFirst):
            yield
    finally:
        _Phase.alone = before
    wait()


def leave_rest_to_first() -> None:
    """The end, in all processes but the first, of what stands within :func:`together`."""
    if several():
        if not is_first():
            raise LeftToFirst
        _Phase.alone = True


@contextlib.contextmanager
def ended_together() -> Iterator[None]:
    """A whole command. When it ends in one process by an error, the others end too, and say why."""
    try:
        with together():
            yield
    except BaseException as error:
        if jax.distributed.is_initialized():
            _end(error)
        raise


def _end(error: BaseException) -> None:
    """End this process by `error`, once the others could hear of it. JAX's own way out waits for them."""
    if isinstance(error, SystemExit):
        why, code = str(error.code), 1
        if isinstance(error.code, int):
            why, code = f"stopped with status {error.code}. {_AGAIN}", error.code
    else:
        why, code = "".join(traceback.format_exception(error)), 1
    if any(word in why for word in _LOST):
        why += f"\nanother process of this run has ended; its own output tells why. {_AGAIN}"
    elif code != STOPPED:
        told = {"process": jax.process_index(), "why": why, "code": code}
        distributed.global_state.client.key_value_set(_FAILED, json.dumps(told), allow_overwrite=True)
    _leave(why, code)


def _leave(why: str, code: int) -> None:
    print(why, file=sys.stderr, flush=True)
    if is_first():  # the service that the others listen to ends with this process
        time.sleep(3 * _LISTEN_SECONDS)
    sys.stdout.flush()
    os._exit(code)


def _heed(client: Any) -> None:
    """Listen, in a thread, for what ends this process whatever it is doing: an error of another one, and
    SIGTERM to any of them, which a training in progress answers itself."""
    while True:
        time.sleep(_LISTEN_SECONDS)
        if (failed := _told(client, _FAILED)) and (told := json.loads(failed))[
            "process"
        ] != jax.process_index():
            _leave(f"process {told['process']} ended: {told['why']}", told["code"])
        if not _Phase.training and _told(client, _NOTICE):
            _leave(f"a process of this run was told to stop. {_AGAIN}", STOPPED)


def _told(client: Any, key: str) -> str | None:
    try:
        return client.key_value_try_get(key)
    except jax.errors.JaxRuntimeError as error:
        if "NOT_FOUND" in str(error):
            return None
        raise SystemExit from error  # of this thread: the service has ended, and JAX ends the process
