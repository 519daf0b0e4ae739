"""Turntables (animated WebP of scene/turntables.py) in a page, still for readers who want no motion."""

import dataclasses
import pathlib

from PIL import Image

from ganverse_jax.pages.markup import ReportError, escape
from ganverse_jax.pages.pictures import Pictures, data_uri

HOLD = '<label class="hold"><input type="checkbox"> hold still</label>'  # for a caption; see page.js


def turntable(path: pathlib.Path, alt: str, pictures: Pictures, *, src: str | None = None) -> str:
    """HTML of one file, inside the page or (`src`) beside it; its first frame replaces it where motion is
    not wanted, and everywhere in pages of `pictures` that are not `animated`.

    Raises ReportError for a damaged file.
    """
    try:
        with Image.open(path) as file:
            first = file.convert("RGB")
            if src is None and pictures.animated:
                src = data_uri(path.read_bytes())
    except OSError as error:
        raise ReportError(
            f"{path.name} is not a readable WebP picture ({error}); delete it, or run the inverse_graphics "
            f"stage again ({path})"
        ) from error
    still = dataclasses.replace(pictures, max_side=max(first.size)).uri(first)
    size = f'width="{first.width}" height="{first.height}"'
    image = f'<img class="cutout" src="{src or still}" alt="{escape(alt)}" {size} loading="lazy">'
    if src is None:
        return image
    return f'<picture><source media="(prefers-reduced-motion: reduce)" srcset="{still}">{image}</picture>'


def sheet(directory: pathlib.Path, pictures: Pictures, limit: int) -> str:
    """The first `limit` .webp files of a folder in order of name; "" where there is none."""
    paths = sorted(directory.glob("*.webp"))[:limit]
    turned = (turntable(path, f"Turntable of {path.stem}", pictures) for path in paths)
    return f'<div class="sheet turntables">{"".join(turned)}</div>' if paths else ""
