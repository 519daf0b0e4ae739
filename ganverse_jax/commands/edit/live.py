"""Live handles: the page that `launch.edit --serve` opens, and what draws for it."""

import importlib.resources
import threading
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.annotation.server import Refused
from ganverse_jax.commands import serving
from ganverse_jax.commands.edit.editor import Editor, Subject
from ganverse_jax.commands.edit.edits import HANDLES, PROPERTIES
from ganverse_jax.pages.frame import document
from ganverse_jax.pages.markup import escape
from ganverse_jax.pages.pictures import Pictures

_PICTURES = Pictures(512, 92)
_LIMITS = {"azimuth": (-720.0, 720.0), "elevation": (-90.0, 90.0), "scale": (0.25, 4.0)}


class Live:
    """A `Backend` that draws what the page asks for: any subject's properties from any camera."""

    def __init__(self, editor: Editor, subjects: Sequence[Subject]):
        self.editor, self.subjects = editor, subjects
        self.finished, self._lock = threading.Event(), threading.Lock()

    def open(self) -> dict[str, Any]:
        """The subjects, with their own cameras, and which handles there are."""
        own = [np.degrees(one.camera[:2]).tolist() for one in self.subjects]
        return {
            "handles": list(HANDLES if self.editor.renderer.mapper.takes_distance else HANDLES[:2]),
            "objects": [
                {"name": one.name, "picture": _PICTURES.uri(one.picture), "azimuth": turn, "elevation": rise}
                for one, (turn, rise) in zip(self.subjects, own, strict=True)
            ],
        }

    def view(self, number: int) -> dict[str, Any]:
        """Refused: the page has no numbered views."""
        raise Refused(HTTPStatus.NOT_FOUND, f"no view {number}; this page draws on demand")

    def act(self, command: Any) -> dict[str, Any]:
        """{"do": "draw", "object": i, "shape": i, "texture": i, "background": i, "azimuth", "elevation"
        (degrees), "scale"} -> {"neural", "dibr"}: pictures; {"do": "finish"} ends. Refused for others."""
        if not isinstance(command, dict) or command.get("do") not in ("draw", "finish"):
            raise Refused(HTTPStatus.BAD_REQUEST, 'a command is {"do": "draw", ...} or {"do": "finish"}')
        if command["do"] == "finish":
            self.finished.set()
            return {}
        camera = self._subject(command, "object").camera.copy()
        camera[:2] = [np.radians(self._value(command, name)) for name in HANDLES[:2]]
        camera[2] /= self._value(command, "scale")
        properties = [getattr(self._subject(command, name), name)[None] for name in PROPERTIES]
        with self._lock:
            drawn = self.editor.frames(camera[None].astype(np.float32), *properties)
        return {"neural": _PICTURES.uri(drawn.neural[0]), "dibr": _PICTURES.uri(drawn.dibr[0])}

    def _subject(self, command: dict[str, Any], of: str) -> Subject:
        number = command.get(of)
        if type(number) is not int or not 0 <= number < len(self.subjects):
            raise Refused(HTTPStatus.BAD_REQUEST, f"{of} is {number!r}, not 0 to {len(self.subjects) - 1}")
        return self.subjects[number]

    @staticmethod
    def _value(command: dict[str, Any], handle: str) -> float:
        value, (low, high) = command.get(handle, 1.0 if handle == "scale" else None), _LIMITS[handle]
        if type(value) not in (int, float) or not low <= value <= high:
            raise Refused(HTTPStatus.BAD_REQUEST, f"{handle} is {value!r}, not {low:g} to {high:g}")
        return float(value)


def live_page(name: str) -> str:
    """The page's HTML; name: of the folder of results."""
    folder = importlib.resources.files("ganverse_jax.commands.edit") / "templates"
    body, style, script = ((folder / f"live.{kind}").read_text(encoding="utf-8")
                           for kind in ("html", "css", "js"))  # fmt: skip
    return document(body.rstrip(), title=escape(f"Handles · {name}"), style=style, script=script)


def serve(editor: Editor, subjects: Sequence[Subject], out: Path, *, port: int, browser: bool) -> None:
    """Serve the page until Ctrl-C, or until the person ends it there. Raises OSError for a taken port."""
    server = serving.listen(Live(editor, subjects), live_page(out.absolute().name), port)
    told = f"Live handles of {len(subjects)} {'photo' if len(subjects) == 1 else 'photos'}"
    serving.serve(server, out, told, "Ctrl-C ends.", browser=browser)
