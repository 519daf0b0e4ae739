"""The annotator's page: markup with the class's drawings, style and script in one text."""

from __future__ import annotations

import importlib.resources
import json
import math
import string
from collections.abc import Mapping, Sequence
from typing import Any

from ganverse_jax.annotation import icons
from ganverse_jax.pages.frame import template
from ganverse_jax.pages.markup import escape
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS

# The dial is a clock face seen from above with the front at six, so that the digit keys name the bins.
HOURS = tuple((6 - b) % NUM_AZIMUTH_BINS or NUM_AZIMUTH_BINS for b in range(NUM_AZIMUTH_BINS))
KEYS = {10: "0", 11: "-", 12: "="}
_SIDES = ("front", "front, left side", "left side, front",
          "left side", "left side, back", "back, left side",
          "back", "back, right side", "right side, back",
          "right side", "right side, front", "front, right side")  # fmt: skip


def key_of(azimuth_bin: int) -> str:
    """The key that names a bin: its hour on the dial, 1..9, then 0, - and = for ten to twelve."""
    return KEYS.get(HOURS[azimuth_bin], str(HOURS[azimuth_bin]))


def name_of(azimuth_bin: int) -> str:
    """What is seen from a bin, e.g. "left side, front"."""
    return _SIDES[azimuth_bin]


def own(name: str) -> str:
    """One of the pages' own templates."""
    folder = importlib.resources.files("ganverse_jax.annotation") / "templates"
    return (folder / name).read_text(encoding="utf-8")


def assemble(
    name: str,
    content: Mapping[str, str],
    *,
    title: str,
    style: str,
    facts: Mapping[str, Any],
    script: str,
    kind: str = "",
) -> str:
    """A whole page: the template `name` filled with `content`, in what all our pages begin and end with.

    style: beyond style.css; facts: what the script reads as FACTS; kind: CSS class of the page.
    """
    return string.Template(own("frame.html")).substitute(
        title=escape(title),
        kind=kind,
        style=template("tokens.css") + own("style.css") + style,
        body=string.Template(own(name)).substitute(content).rstrip(),
        # "</script>" inside a string would end the element
        facts=json.dumps(facts).replace("<", "\\u003c"),
        script=script,
    )


def broken_command(command: str) -> str:
    """A command as HTML, an option a line."""
    return escape(command.replace(" --", " \\\n    --"))


def _bin_button(azimuth_bin: int, drawing: str) -> str:
    angle = icons.bin_azimuth(azimuth_bin)
    sin, cos = math.sin(angle), math.cos(angle)
    # The key sits on the outer edge of the button, the count on the inner, so that neighbours hide neither.
    places = {"x": 50 + 39.5 * sin, "y": 50 + 39.5 * cos, "kx": 50 + 49 * sin, "ky": 50 + 49 * cos,
              "cx": 50 - 54 * sin, "cy": 50 - 54 * cos}  # fmt: skip
    style = ";".join(f"--{name}:{value:.2f}%" for name, value in places.items())
    label = f"{HOURS[azimuth_bin]} o'clock, {30 * azimuth_bin} degrees: {name_of(azimuth_bin)}"
    return (
        f'<button class="bin" data-bin="{azimuth_bin}" style="{style}" '
        f'aria-label="{escape(label)}" title="{escape(name_of(azimuth_bin))} · {30 * azimuth_bin}°">'
        f'<svg viewBox="4 12 92 76" aria-hidden="true">{drawing}</svg>'
        f'<kbd>{key_of(azimuth_bin)}</kbd><span class="count"></span></button>'
    )


def build_page(
    *, kind: str, title: str, command: str, views: Sequence[Mapping[str, Any]], contents: int
) -> str:
    """The page's HTML.

    kind: class of the drawings; title: of the run; command: what to type afterwards; views: facts of each
    view ("id", "consistency"); contents: pictures per view. Raises ValueError for an unknown kind.
    """
    symbols = icons.svg_symbols(kind)
    dial = "".join(_bin_button(b, symbols[f"bin{b}"]) for b in range(NUM_AZIMUTH_BINS))
    facts = {
        "views": [{"id": view["id"], "consistency": view.get("consistency")} for view in views],
        "contents": contents,
        "keys": {key_of(b): b for b in range(NUM_AZIMUTH_BINS)},
        "names": [name_of(b) for b in range(NUM_AZIMUTH_BINS)],
    }
    content = {"title": escape(title), "command": broken_command(command), "dial": dial}
    return assemble(
        "page.html",
        content | {"above": symbols["above"]},
        title=f"Annotate views · {title}",
        style="",
        facts=facts,
        script=own("common.js") + own("page.js"),
    )
