"""A headless Chromium driven over its DevTools pipe: no driver, no web socket, nothing but the browser."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find() -> str | None:
    """The browser's path, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


# Of a file of tests that need one.
NEEDED = [
    pytest.mark.slow,
    pytest.mark.skipif(find() is None, reason="no Chromium on this machine (apt install chromium)"),
]
SAVED = "byId('saved').textContent === 'saved'"  # of our pages, when nothing is under way


class Browser:
    """One page of one browser process with a fresh profile in `folder`; flags: more of the command's."""

    def __init__(self, folder: Path, width: int = 1280, height: int = 800, flags: str = ""):
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # The browser reads commands from descriptor 3 and writes answers to 4. The copies are made above
        # those two first, since a pipe's own number may be one of them.
        command = f"exec {find()} --headless --no-sandbox --disable-gpu --disable-dev-shm-usage {flags} "
        command += "--hide-scrollbars --no-first-run --remote-debugging-pipe "
        command += f"--user-data-dir={folder} about:blank 3<&{to_browser} 4>&{from_browser}"
        self._process = subprocess.Popen(
            ["bash", "-c", command], pass_fds=(to_browser, from_browser), stderr=subprocess.DEVNULL
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer, self._number, self._session = b"", 0, None
        self.messages: list[str] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.resize(width, height)

    def call(self, method: str, **parameters):
        """Send one DevTools command and return its result; console errors are kept in `messages`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 60
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            if answer.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.messages.append(json.dumps(answer["params"]))

    def _receive(self, deadline: float):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(deadline - time.monotonic(), 0))
            data = os.read(self._read, 1 << 16) if ready else b""
            assert data, "the browser does not answer"
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(line)

    def resize(self, width: int, height: int, dark: bool = False) -> None:
        """Set the window's inner size in CSS pixels, and the colour scheme."""
        metrics = dict(width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, url: str) -> None:
        """Go to an address."""
        self.call("Page.navigate", url=url)

    def evaluate(self, expression: str):
        """The value of a JavaScript expression (a promise is awaited)."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 20.0) -> None:
        """Wait until an expression is true. Raises AssertionError that names it."""
        deadline = time.monotonic() + seconds
        while not self.evaluate(expression):
            assert time.monotonic() < deadline, f"never true: {expression}; {self.messages}"
            time.sleep(0.03)

    def press(self, key: str, code: str = "", shift: bool = False) -> None:
        """One key, down and up, as from a keyboard."""
        event = dict(key=key, code=code, modifiers=8 if shift else 0)
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **event, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def click(self, selector: str) -> None:
        """The mouse's left button in the middle of the first element that matches."""
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        self.click_at(*self.evaluate(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({box})"))

    def click_at(self, x: float, y: float, button: str = "left") -> None:
        """A mouse button at a place of the window."""
        self.drag([(x, y)], button)

    def drag(self, places: list[tuple[float, float]], button: str = "left") -> None:
        """Press at the first place, move over the others and let go at the last."""
        kinds = ["mousePressed"] + ["mouseMoved"] * (len(places) - 1) + ["mouseReleased"]
        for kind, (x, y) in zip(kinds, [*places, places[-1]], strict=True):
            held = {"clickCount": 1} if kind != "mouseMoved" else {"buttons": 1}
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, **held)

    def wheel(self, x: float, y: float, delta: float) -> None:
        """Turn the wheel at a place; negative is away from the person."""
        self.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=delta)

    @contextlib.contextmanager
    def window(self, width: int = 1280, height: int = 800):
        """Within this context the window has a size, and the page writes nothing on the console."""
        self.messages.clear()
        self.resize(width, height)
        yield self
        assert self.messages == []

    def screenshot(self, path: Path) -> None:
        """The window as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        """End the browser."""
        os.close(self._write)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)
