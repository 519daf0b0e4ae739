"""Contact sheets: many images as one picture."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

_CELL, _LABEL, _HEAD = 128, 124, 24  # pixels of a picture's cell, of the labels' column, of the heads' row


def image_grid(images: np.ndarray, columns: int, *, gap: int = 2, background: int = 255) -> np.ndarray:
    """Lay images [n h w 3] (uint8) out in rows of ``columns``; returns one image [H W 3] uint8."""
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    cell_height, cell_width = height + gap, width + gap
    sheet = np.full((rows * cell_height - gap, columns * cell_width - gap, channels), background, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * cell_height, index % columns * cell_width
        sheet[top : top + height, left : left + width] = image
    return sheet


def labelled_grid(
    labels: Sequence[str], rows: Sequence[np.ndarray], columns: Sequence[str] = ()
) -> np.ndarray:
    """Rows of pictures uint8 [m k h w 3] under each other, each with its label to the left; uint8 [H W 3].

    columns: heads above the pictures (none by default).
    """
    cells = np.concatenate([row.reshape(-1, *row.shape[2:]) for row in rows])
    enlarged = np.stack([np.asarray(Image.fromarray(cell).resize((_CELL, _CELL))) for cell in cells])
    grid = image_grid(enlarged, len(enlarged) // len(rows))
    top = _HEAD if columns else 0
    sheet = Image.new("RGB", (grid.shape[1] + _LABEL, grid.shape[0] + top), "white")
    sheet.paste(Image.fromarray(grid), (_LABEL, top))
    pen = ImageDraw.Draw(sheet)
    for index, label in enumerate(labels):
        pen.text((8, top + index * (_CELL + 2) + _CELL // 2 - 6), label, fill="black", font_size=14)
    for index, head in enumerate(columns):
        pen.text((_LABEL + index * (_CELL + 2) + 4, 4), head, fill="black", font_size=14)
    return np.asarray(sheet)
