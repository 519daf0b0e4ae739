"""The local web server of pages that ask a person: one page, a few JSON answers, nobody else's requests.

Only 127.0.0.1 is listened on. A secret in every path keeps other users of the machine out; the Host check
keeps foreign names that resolve here out (DNS rebinding); the Origin check and the JSON content type keep
other web pages from posting. An SSH tunnel may use another local port, so any port is accepted there.
"""

import hmac
import http.server
import json
import secrets
import sys
import threading
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlsplit

from ganverse_jax.annotation.session import History

LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")
_LONGEST_BODY = 4096
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src "
    "'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


class Refused(Exception):
    """A request that gets an error status and a sentence."""

    def __init__(self, status: HTTPStatus, reason: str):
        super().__init__(reason)
        self.status, self.reason = status, reason


class Backend(Protocol):
    """What a page shows and does, as plain JSON; finished: set when the page is done with.

    open() answers a page that has just been opened, view(number) what it asks for by number, act(command) a
    command of its own. The last two raise Refused. They are called by several threads.
    """

    finished: threading.Event

    def open(self) -> dict[str, Any]: ...

    def view(self, number: int) -> dict[str, Any]: ...

    def act(self, command: Any) -> dict[str, Any]: ...


class Annotator:
    """What a page shows and does, behind one lock: a session, saved on every change.

    Args: session: a `Session`, or another `History` that can `act`; views: one dict per thing that the page
    asks for as view/NUMBER (plain JSON); save(session) is called after each change and may raise OSError,
    which the page shows; clock: seconds, for the elapsed time.
    """

    def __init__(
        self,
        session: History,
        views: Sequence[dict[str, Any]],
        save: Callable[[Any], None],
        clock: Callable[[], float] = time.monotonic,
    ):
        self.session, self._views, self._save, self._clock = session, views, save, clock
        self._lock = threading.Lock()
        self.finished = threading.Event()

    def open(self) -> dict[str, Any]:
        """The state for a page that has just been opened; the clock runs from here."""
        with self._lock:
            self.session.tick(self._clock())
            return self.session.state() | {"view": None}

    def view(self, number: int) -> dict[str, Any]:
        """What the page shows of one view. Raises Refused for a view that is none."""
        if not 0 <= number < len(self._views):
            raise Refused(HTTPStatus.NOT_FOUND, f"no view {number}; there are {len(self._views)}")
        return self._views[number]

    def act(self, command: Any) -> dict[str, Any]:
        """Carry out a command of the session's; the new state, with the view that it was about.

        Raises Refused for what the session does not know, and when it cannot be saved.
        """
        if not isinstance(command, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "a command is a JSON object")
        with self._lock:
            self.session.tick(self._clock())
            try:
                view = self.session.act(command)
                self._save(self.session)
            except ValueError as error:
                raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from error
            except OSError as error:
                raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, f"not saved: {error}") from error
            if command["do"] == "finish":
                self.finished.set()
            return self.session.state() | {"view": view}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "page", ""
    timeout = 60  # an idle connection is closed

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Silence: the terminal shows the address and the end."""

    def _answer(self, make: Callable[[str], tuple[str, bytes]]) -> None:
        status: HTTPStatus = HTTPStatus.OK
        try:
            kind, body = make(self._checked_path())
        except Refused as refusal:
            # The body of a refused request may be unread, and would be taken for the next request.
            self.close_connection = True
            status, kind = refusal.status, "application/json"
            body = json.dumps({"error": refusal.reason}).encode()
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _checked_path(self) -> str:
        """The path after the secret. Raises Refused for foreign names and a wrong secret."""
        host = self.headers.get("Host", "")
        if _host_name(f"//{host}") not in LOCAL_NAMES:
            raise Refused(HTTPStatus.FORBIDDEN, f"this page answers to 127.0.0.1 and localhost, not {host!r}")
        _, token, *rest = (urlsplit(self.path).path + "/").split("/", 2)
        if not rest or not hmac.compare_digest(token.encode(), self.server.token.encode()):
            raise Refused(HTTPStatus.NOT_FOUND, "not here; open the whole address that the terminal shows")
        return rest[0].rstrip("/")

    def _get(self, path: str) -> tuple[str, bytes]:
        backend: Backend = self.server.backend
        if path == "":
            return "text/html", self.server.page
        if path == "state":
            return "application/json", json.dumps(backend.open()).encode()
        folder, _, number = path.partition("/")
        if folder == "view" and number.isascii() and number.isdigit():
            return "application/json", json.dumps(backend.view(int(number))).encode()
        raise Refused(HTTPStatus.NOT_FOUND, f"no page {path!r}")

    def _post(self, path: str) -> tuple[str, bytes]:
        origin, host = self.headers.get("Origin", ""), self.headers.get("Host", "")
        if origin != f"http://{host}":
            raise Refused(
                HTTPStatus.FORBIDDEN, f"posts come from this page alone, not from {origin or 'nowhere'!r}"
            )
        if self.headers.get_content_type() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "commands are application/json")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > _LONGEST_BODY:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"commands have at most {_LONGEST_BODY} bytes")
        if path != "do":
            raise Refused(HTTPStatus.NOT_FOUND, f"no command at {path!r}")
        try:
            command = json.loads(self.rfile.read(int(length)))
        except ValueError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, f"no JSON: {error}") from error
        return "application/json", json.dumps(self.server.backend.act(command)).encode()


def _host_name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


class Server(http.server.ThreadingHTTPServer):
    """Serves `page` (HTML) and `backend` on 127.0.0.1:`port` (0: any free one) until `close`.

    Raises OSError when the port is taken.
    """

    daemon_threads = True

    def __init__(self, backend: Backend, page: str, port: int = 0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.backend, self.page, self.token = backend, page.encode(), secrets.token_urlsafe(24)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The page's address, secret included."""
        return f"http://127.0.0.1:{self.server_port}/{self.token}/"

    def start(self) -> "Server":
        """Serve in a thread of its own."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Answer no more, and free the port."""
        self.shutdown()
        self.server_close()
        self._thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of an answer is no event; our own faults are."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
