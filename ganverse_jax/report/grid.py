"""Contact sheets: many images as one picture."""

import numpy as np


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
