"""Draws docs/classes.png: a photo of each shipped world, its mesh from six sides, turn and swaps.

python -m benchmarks.classes_gallery
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ganverse_jax.commands.edit.editor import Editor, Subject
from ganverse_jax.commands.edit.edits import PROPERTIES, camera_edit, donor_edit

DOCS = Path(__file__).parents[1] / "docs"
CELL, GAP, CAPTION = 96, 8, 18


class Row(NamedTuple):
    """A shipped world, and a photo of it and a donor's, from docs/."""

    shipped: str
    photo: str
    donor: str


ROWS = (
    Row("car", "photos/teal.png", "photos/brown.png"),
    Row("horse", "horses/bay.png", "horses/palomino.png"),
    Row("bird", "birds/great_tit.png", "birds/robin.png"),
)


def strips(row: Row) -> np.ndarray:
    """uint8 [2 CELL, w, 3]: photo, turn and swaps by StyleGAN-R; the donor's photo and the same by DIB-R."""
    editor = Editor(shipped=row.shipped)
    subject, donor = (editor.read(DOCS / name, Path(name).stem) for name in (row.photo, row.donor))
    edits = [camera_edit("azimuth=30:390:6"), *(donor_edit(name, 1) for name in PROPERTIES)]
    turn, *swaps = editor.draw(subject, edits, dict.fromkeys(PROPERTIES, donor))
    neural, dibr = (
        [picture for drawn in (turn, *swaps) for picture in getattr(drawn, renderer)]
        for renderer in ("neural", "dibr")
    )
    return np.concatenate([_strip(subject, neural), _strip(donor, dibr)])


def _strip(first: Subject, rest: list[np.ndarray]) -> np.ndarray:
    cells = [_cell(picture) for picture in (first.picture, *rest)]
    gap = np.full((CELL, GAP, 3), 255, np.uint8)
    return np.concatenate([cells[0], gap, *cells[1:7], gap, *cells[7:]], axis=1)


def _cell(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((CELL, CELL), Image.Resampling.LANCZOS))


def captions(width: int) -> np.ndarray:
    """uint8 [CAPTION, width, 3]."""
    image = Image.new("RGB", (width, CAPTION), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(10)
    turn, swaps = CELL + GAP, 7 * CELL + 2 * GAP
    said = {0: "photo, donor", turn: "StyleGAN-R above the mesh by DIB-R, from six sides"}
    said |= {swaps + k * CELL: f"donor's {name}" for k, name in enumerate(PROPERTIES)}
    for left, text in said.items():
        draw.text((left + 2, 3), text, fill=(60, 60, 60), font=font)
    return np.asarray(image)


def main() -> None:
    """Write the picture."""
    rows = [strips(row) for row in ROWS]
    gap = np.full((GAP, rows[0].shape[1], 3), 255, np.uint8)
    sheet = [captions(rows[0].shape[1])]
    for row in rows:
        sheet += [row, gap]
    Image.fromarray(np.concatenate(sheet[:-1])).save(DOCS / "classes.png", optimize=True)


if __name__ == "__main__":
    main()
