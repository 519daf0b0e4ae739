"""Small pieces of HTML that every section is built from. All text passes through `escape`."""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from html import escape as _escape
from typing import Any


class ReportError(ValueError):
    """An artefact is there but cannot be used; the message names the file and the remedy."""


def escape(text: Any) -> str:
    """Text made safe for HTML content and quoted attributes."""
    return _escape(str(text), quote=True)


@dataclasses.dataclass(frozen=True)
class Section:
    """One section of the page: anchor, title, one introductory sentence (HTML), body (HTML), and whether
    its stage has run."""

    anchor: str
    title: str
    lede: str
    body: str
    ran: bool = True


def number(value: Any, digits: int = 3) -> str:
    """A figure for people: thousands separated, `digits` significant, an en dash for what is missing."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return str(value)
    if not math.isfinite(value):
        return "not finite"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < 1e-3:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:.{decimals}f}"


def duration(seconds: float | None) -> str:
    """Seconds as `48 s`, `12 min` or `5.2 h`; an en dash for what is missing."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def figure(content: str, caption: str, css: str = "") -> str:
    """A figure with its caption (HTML) underneath."""
    return f'<figure class="{css}">{content}<figcaption>{caption}</figcaption></figure>'


def placeholder(stage: str, what: str) -> str:
    """The honest gap: nothing to show because `stage` has not left it."""
    return (
        '<div class="placeholder" role="note"><strong>Not run</strong>'
        f"<span>{escape(what)} will appear here once the <code>{escape(stage)}</code> stage has run in this "
        "workdir.</span></div>"
    )


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], css: str = "", numeric: Sequence[int] = ()
) -> str:
    """A table of HTML cells; the columns in `numeric` are aligned to the right."""

    def cells(row: Sequence[str], tag: str) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        return "".join(
            f"<{tag}{scope}{' class=num' if i in numeric else ''}>{cell}</{tag}>"
            for i, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0"><table class="{css}"><thead><tr>{cells(header, "th")}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[Any]], align: str = "---:") -> list[str]:
    """The lines of a Markdown table. align: of every column but the first, "---:" to the right."""
    lines = [header, ["---"] + [align] * (len(header) - 1), *rows]
    return [f"| {' | '.join(map(str, cells))} |" for cells in lines]


def bars(counts: Sequence[tuple[str, float]]) -> str:
    """Horizontal bars for a few named counts."""
    largest = max((count for _, count in counts), default=0) or 1
    rows = "".join(
        f'<div class="bar"><span class="bar-name">{escape(name)}</span>'
        f'<span class="bar-track"><i style="width:{100 * max(count, 0) / largest:.1f}%"></i></span>'
        f'<span class="bar-count">{number(count)}</span></div>'
        for name, count in counts
    )
    return f'<div class="bars">{rows}</div>'


def details(summary: str, content: str) -> str:
    """A closed block that opens on request."""
    return f"<details><summary>{summary}</summary>{content}</details>"
