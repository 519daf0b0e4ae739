"""The page on which a person gives each view its azimuth: the class's drawings around a dial."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ganverse_jax.annotation import icons
from ganverse_jax.annotation.page import annotator_page, filled, own
from ganverse_jax.pages.markup import escape
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS

# The dial is a clock face seen from above with the front at six, so that the digit keys name the bins.
HOURS = tuple((6 - b) % NUM_AZIMUTH_BINS or NUM_AZIMUTH_BINS for b in range(NUM_AZIMUTH_BINS))
KEYS = {10: "0", 11: "-", 12: "="}


def key_of(azimuth_bin: int) -> str:
    """The key that names a bin: its hour on the dial, 1..9, then 0, - and = for ten to twelve."""
    return KEYS.get(HOURS[azimuth_bin], str(HOURS[azimuth_bin]))


def _bin_button(azimuth_bin: int, drawing: str) -> str:
    angle = icons.bin_azimuth(azimuth_bin)
    sin, cos = math.sin(angle), math.cos(angle)
    # The key sits on the outer edge of the button, the count on the inner, so that neighbours hide neither.
    places = {"x": 50 + 39.5 * sin, "y": 50 + 39.5 * cos, "kx": 50 + 49 * sin, "ky": 50 + 49 * cos,
              "cx": 50 - 54 * sin, "cy": 50 - 54 * cos}  # fmt: skip
    style = ";".join(f"--{name}:{value:.2f}%" for name, value in places.items())
    label = f"{HOURS[azimuth_bin]} o'clock, {30 * azimuth_bin} degrees: {icons.name_of(azimuth_bin)}"
    return (
        f'<button class="bin" data-bin="{azimuth_bin}" style="{style}" '
        f'aria-label="{escape(label)}" title="{escape(icons.name_of(azimuth_bin))} · {30 * azimuth_bin}°">'
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
    symbols, bins = icons.svg_symbols(kind), range(NUM_AZIMUTH_BINS)
    dial = "".join(_bin_button(b, symbols[f"bin{b}"]) for b in bins)
    facts = {
        "views": [
            {"number": number, "id": view["id"], "consistency": view.get("consistency")}
            for number, view in enumerate(views)
        ],
        "contents": contents,
        "keys": {key_of(b): b for b in bins},
        "names": [icons.name_of(b) for b in bins],
    }
    content = {
        "task": "Annotate views",
        "progress": "Views annotated",
        "counted": "annotated",
        "shown": '<div id="pictures" aria-live="off"></div>',
        "done": f"All {len(views)} views are annotated",
        "finishing": "writes the answers and closes the annotator",
        "controls": filled("bins.html", {"dial": dial, "above": symbols["above"]}),
    }
    return annotator_page(content, title=title, command=command, facts=facts, script=own("bins.js"))
