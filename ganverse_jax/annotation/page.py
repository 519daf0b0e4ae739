"""What the pages that ask a person are framed by: markup, style and script in one text."""

import importlib.resources
import json
import string
from collections.abc import Mapping
from typing import Any

from ganverse_jax.pages.frame import document
from ganverse_jax.pages.markup import escape


def own(name: str) -> str:
    """One of the pages' own templates."""
    folder = importlib.resources.files("ganverse_jax.annotation") / "templates"
    return (folder / name).read_text(encoding="utf-8")


def filled(name: str, content: Mapping[str, str]) -> str:
    """A template filled with `content`."""
    return string.Template(own(name)).substitute(content).rstrip()


def asking_page(
    body: str, *, title: str, style: str, facts: Mapping[str, Any], script: str, kind: str = ""
) -> str:
    """A whole page around `body`.

    style: beyond style.css; facts: what the script reads as FACTS; kind: CSS class of the page.
    """
    # "</script>" inside a string would end the element
    constants = json.dumps(facts).replace("<", "\\u003c")
    script = f"const FACTS = {constants};\n" + own("elements.js") + script
    return document(body, title=escape(title), style=own("style.css") + style, script=script, kind=kind)


def annotator_page(
    content: Mapping[str, str],
    *,
    title: str,
    command: str,
    facts: Mapping[str, Any],
    script: str,
    **look: str,
) -> str:
    """The page of an annotator, to be served.

    content: what annotator.html has for this one; title: of the run; command: what to type afterwards;
    facts["views"]: "number" and "id" of each view that is asked for; look: `style` and `kind`, see
    `asking_page`.
    """
    # An option a line.
    told = {"title": escape(title), "command": escape(command.replace(" --", " \\\n    --"))}
    return asking_page(
        filled("annotator.html", told | content),
        title=f"{content['task']} · {title}",
        facts=facts,
        script=own("annotator.js") + script,
        **{"style": ""} | look,
    )
