"""What every offline page of ours is framed by: one template, its styles and scripts."""

import importlib.resources
import string
from collections.abc import Sequence

from ganverse_jax.pages.markup import Section, escape


def template(name: str) -> str:
    """The text of one file in pages/templates; tokens.css holds the colours and fonts of all our pages,
    chart.css what curves look like."""
    return (importlib.resources.files("ganverse_jax.pages") / "templates" / name).read_text(encoding="utf-8")


def document(body: str, *, title: str, style: str, script: str, kind: str = "") -> str:
    """A whole HTML file. body, title: HTML; style: beyond tokens.css; kind: CSS class of the page."""
    return string.Template(template("document.html")).substitute(
        title=title,
        style=template("tokens.css") + style,
        kind=f' class="{kind}"' if kind else "",
        body=body,
        script=script,
    )


def assemble(
    parts: Sequence[Section], *, title: str, name: str, opening: str, first: Section | None = None
) -> str:
    """A page of numbered sections under a title. opening: HTML below it; first: its entry in the contents."""
    contents = "".join(
        f'<li><a href="#{s.anchor}"{"" if s.ran else " class=gap"}>{escape(s.title)}</a></li>'
        for s in ([] if first is None else [first]) + list(parts)
    )
    body = "".join(
        f'<section id="{s.anchor}"><h2><span>{i}</span>{escape(s.title)}</h2><p class="lede">{s.lede}</p>'
        f"{s.body}</section>"
        for i, s in enumerate(parts, start=1)
    )
    title, name = escape(title), escape(name)
    page = string.Template(template("page.html")).substitute(
        title=title, name=name, contents=contents, opening=opening, body=body
    )
    return document(
        page.rstrip(),
        title=f"{title} · {name}",
        style=template("chart.css") + template("style.css"),
        script=template("page.js") + template("viewer.js"),
    )
