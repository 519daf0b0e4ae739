"""The WebGL mesh viewer's part of a page; its script is templates/viewer.js."""

import json
from collections.abc import Sequence
from typing import Any

from ganverse_jax.pages.markup import escape

_STYLES = (("textured", "Textured"), ("shape", "Shape only"), ("wireframe", "Wireframe"))


def viewer(meshes: Sequence[dict[str, Any]], thumbnails: Sequence[str], *, files: str) -> str:
    """HTML of the viewer, one to a page, for meshes of `meshes.load_mesh` with a picture (HTML or "") each.

    files: what opens in any glTF viewer, for a browser without WebGL.
    """
    data = json.dumps(list(meshes)).replace("<", "\\u003c")  # nothing inside may close the script element
    buttons = "".join(
        _button("mesh", i, not i, f"{thumbnail}<span>{escape(mesh['name'])}</span>")
        for i, (mesh, thumbnail) in enumerate(zip(meshes, thumbnails, strict=True))
    )
    styles = "".join(_button("style", key, key == "textured", name) for key, name in _STYLES)
    return (
        f'<div class="viewer" data-files="{escape(files)}"><div class="stage"><canvas tabindex="0" '
        'role="img" aria-label="A predicted mesh; arrow keys turn it, plus and minus zoom"></canvas>'
        '<p class="viewer-message" role="status">This mesh needs JavaScript and WebGL.</p></div>'
        f'<div class="viewer-side"><div class="segmented" role="group" aria-label="Look">{styles}</div>'
        f'<div class="chooser" role="group" aria-label="Mesh">{buttons}</div>'
        '<p class="viewer-note"></p></div></div>'
        f'<script type="application/json" id="meshes">{data}</script>'
    )


def _button(kind: str, value: str | int, pressed: bool, content: str) -> str:
    state = "true" if pressed else "false"
    return f'<button type="button" data-{kind}="{value}" aria-pressed="{state}">{content}</button>'
