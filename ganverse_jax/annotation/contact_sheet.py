"""The candidates as one picture, for those who annotate without a browser: fill in the JSON beside it."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from ganverse_jax.annotation import icons
from ganverse_jax.annotation.page import name_of
from ganverse_jax.annotation.session import DROP, NUM_BINS, Answer

_INK, _SOFT, _ACCENT = "#20232a", "#5d636e", "#b2491f"
_TILE, _GAP, _MARGIN, _LABEL = 128, 4, 24, 150
_ICON = 112


def contact_sheet(
    pictures: Sequence[Sequence[bytes]], answers: Sequence[Answer], *, kind: str, title: str
) -> Image.Image:
    """One row per view with its id, answer and contents, under a legend of the 12 bins.

    pictures: encoded, [views][contents]; kind: class of the legend's drawings.
    """
    rows = [[Image.open(io.BytesIO(data)).convert("RGB") for data in row] for row in pictures]
    height = round(_TILE * rows[0][0].height / rows[0][0].width)
    legend_columns = NUM_BINS // 2
    width = 2 * _MARGIN + _LABEL + max(len(rows[0]) * (_TILE + _GAP), legend_columns * (_ICON + 40))
    legend = 2 * _MARGIN + 60 + 2 * (_ICON + 24)
    sheet = Image.new("RGB", (width, legend + len(rows) * (height + _GAP) + _MARGIN), "#ffffff")
    pen = ImageDraw.Draw(sheet)
    _draw_legend(sheet, pen, kind, title)
    for number, (row, answer) in enumerate(zip(rows, answers, strict=True)):
        top = legend + number * (height + _GAP)
        pen.text((_MARGIN, top + height / 2 - 12), f"view {number}", _INK, _font(22), anchor="lm")
        pen.text((_MARGIN, top + height / 2 + 14), _told(answer), _ACCENT, _font(14), anchor="lm")
        for column, picture in enumerate(row):
            sheet.paste(picture.resize((_TILE, height), Image.Resampling.BICUBIC),
                        (_MARGIN + _LABEL + column * (_TILE + _GAP), top))  # fmt: skip
    return sheet


def _draw_legend(sheet: Image.Image, pen: ImageDraw.ImageDraw, kind: str, title: str) -> None:
    pen.text((_MARGIN, _MARGIN), title, _INK, _font(26))
    pen.text((_MARGIN, _MARGIN + 34), "azimuth_bin of each view: the drawing nearest to it", _SOFT, _font(16))
    sheet.paste(icons.picture(icons.draw(kind, 0.0, math.pi / 2), _ICON), (_MARGIN, _MARGIN + 80))
    pen.text((_MARGIN + _ICON / 2, _MARGIN + 80 + _ICON), "from above", _SOFT, _font(13), anchor="mt")
    for b in range(NUM_BINS):
        left = _MARGIN + _LABEL + b % (NUM_BINS // 2) * (_ICON + 40)
        top = _MARGIN + 60 + b // (NUM_BINS // 2) * (_ICON + 24)
        sheet.paste(icons.picture(icons.draw(kind, icons.bin_azimuth(b)), _ICON), (left, top))
        pen.text((left + _ICON / 2, top + _ICON - 8), f"{b}", _INK, _font(18), anchor="mt")
        pen.text((left + _ICON / 2, top + _ICON + 12), name_of(b), _SOFT, _font(12), anchor="mt")


def _told(answer: Answer) -> str:
    if answer is None:
        return ""
    return "dropped" if answer == DROP else f"bin {answer}: {name_of(answer)}"


def _font(size: int) -> ImageFont.ImageFont:
    return ImageFont.load_default(size)
