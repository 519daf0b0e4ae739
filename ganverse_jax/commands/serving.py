"""A page is served from the terminal, and opened in a browser where there is a screen."""

import contextlib
import os
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from ganverse_jax.annotation.server import Backend, Server
from ganverse_jax.runtime.checkpoint import write_text


def serve(server: Server, folder: Path, told: str, ending: str, *, browser: bool) -> None:
    """Serve a page until the person finishes or presses Ctrl-C.

    folder: for a private file that leads the browser there; told: what it is about, e.g. "24 views"; ending:
    of how it ends.
    """
    address = server.url
    print(f"{told}. Open in a browser:\n\n    {address}\n")
    print(
        f"From another machine, first: ssh -L {server.server_port}:127.0.0.1:{server.server_port} THIS_HOST\n"
        f"{ending}",
        flush=True,
    )
    with _running(server), _browser(address, folder, wanted=browser):
        with contextlib.suppress(KeyboardInterrupt):
            while not server.backend.finished.wait(0.5):
                pass


def listen(backend: Backend, page: str, port: int) -> Server:
    """A server that listens on `port` (0: any free one). Raises OSError with the remedy for a taken one."""
    try:
        return Server(backend, page, port)
    except OSError as error:
        raise OSError(f"cannot listen on port {port} ({error}); choose another with --port, or 0") from error


@contextlib.contextmanager
def _running(server: Server) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.close()


@contextlib.contextmanager
def _browser(address: str, folder: Path, *, wanted: bool) -> Iterator[None]:
    """Open a browser on this machine's screen, if there is one.

    It is given a private file that leads to the address: command lines are visible to all users, the secret
    in the address must not be.
    """
    screen = (
        sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if not (wanted and screen):
        yield
        return
    path = (folder / "open.html").absolute()
    write_text(path, f'<!doctype html><meta http-equiv="refresh" content="0;url={address}">')
    path.chmod(0o600)
    try:
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(path.as_uri())
        yield
    finally:
        path.unlink(missing_ok=True)
