"""The candidates as one picture, for those who choose or annotate without a browser.

`candidate_sheet`: rows contents, columns views, as the paper's Fig. B; `contact_sheet`: a row per view under
the 12 bins, beside a JSON to fill in; `keypoint_sheet`: the clicked points on all contents, as Fig. D.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from ganverse_jax.annotation import icons
from ganverse_jax.annotation.bins.session import DROP, Answer
from ganverse_jax.annotation.keypoints.session import HIDDEN, KeypointSession
from ganverse_jax.annotation.keypoints.store import Task
from ganverse_jax.data.decoding import decode_picture
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS

_INK, _SOFT, _ACCENT = "#20232a", "#5d636e", "#b2491f"
_TILE, _GAP, _MARGIN, _LABEL = 128, 4, 24, 150
_ICON, _LARGE, _HEAD = 112, 192, 64
_SIDES, _MIDDLE = {"left": "#2f6f8f", "right": "#b2491f"}, "#7d56a8"  # of the points, as on the page


def contact_sheet(
    pictures: Sequence[Sequence[bytes]], answers: Sequence[Answer], *, kind: str, title: str
) -> Image.Image:
    """One row per view with its id, answer and contents, under a legend of the 12 bins.

    pictures: encoded, [views][contents]; kind: class of the legend's drawings.
    """
    rows = [[_decoded(data) for data in row] for row in pictures]
    height = round(_TILE * rows[0][0].height / rows[0][0].width)
    legend_columns = NUM_AZIMUTH_BINS // 2
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


def candidate_sheet(
    pictures: Sequence[Sequence[bytes]], views: Sequence[Mapping[str, Any]], *, title: str, column: int = 96
) -> Image.Image:
    """One row per content, one column per view, under each its id and how far the outlines agree.

    pictures: encoded, [views][contents]; views: "id" and, where known, "consistency" of each; column: width
    of a picture in pixels.
    """
    columns = [[_decoded(data) for data in row] for row in pictures]
    width, head, foot = column, _HEAD, 46
    height = round(width * columns[0][0].height / columns[0][0].width)
    side = 2 * _MARGIN + max(len(columns) * (width + _GAP), 420)
    sheet = Image.new("RGB", (side, head + len(columns[0]) * (height + _GAP) + foot + _MARGIN), "#ffffff")
    pen = ImageDraw.Draw(sheet)
    pen.text((_MARGIN, _MARGIN - 4), title, _INK, _font(22))
    for number, (shown, view) in enumerate(zip(columns, views, strict=True)):
        left = _MARGIN + number * (width + _GAP)
        for row, picture in enumerate(shown):
            place = (left, head + row * (height + _GAP))
            sheet.paste(picture.resize((width, height), Image.Resampling.BICUBIC), place)
        top, agreement = head + len(shown) * (height + _GAP) + 6, view.get("consistency")
        pen.text((left + width / 2, top), f"{view['id']}", _INK, _font(20), anchor="mt")
        if agreement is not None:
            pen.text((left + width / 2, top + 24), f"{agreement:.2f}", _SOFT, _font(14), anchor="mt")
    return sheet


def keypoint_sheet(task: Task, session: KeypointSession, *, title: str) -> Image.Image:
    """The clicked points over every content, the object that they were clicked on first (Fig. D).

    One column per view that is asked for, under rulers in the pixels of keypoints.json. The points are the
    object's own: on the others they show how alike the views of different contents are.
    """
    views, first = task.kept, session.content
    contents = [first, *(c for c in range(len(task.seeds)) if c != first)]
    columns = [[task.pictures[view][content] for content in contents] for view in views]
    records = [{"id": task.candidates.views[view]["id"]} for view in views]
    sheet = candidate_sheet(columns, records, title=title, column=_LARGE)
    pen, scale = ImageDraw.Draw(sheet), _LARGE / task.size[1]
    height = round(scale * task.size[0])
    for number, view in enumerate(views):
        for row in range(len(contents)):
            left, top = _MARGIN + number * (_LARGE + _GAP), _HEAD + row * (height + _GAP)
            if row == 0:
                _draw_ruler(pen, left, top, scale, task.size)
            for name, point in zip(task.names, session.points[view], strict=True):
                if point is not None and point != HIDDEN:
                    x, y = left + scale * point[0], top + scale * point[1]
                    pen.circle((x, y), 4 if row == 0 else 3, _SIDES.get(name.split()[0], _MIDDLE), "#ffffff")
    return sheet


def _draw_ruler(pen: ImageDraw.ImageDraw, left: float, top: float, scale: float, size) -> None:
    """Marks along a picture's upper and left edge, with the pixel of each; size (h, w), drawn at `scale`."""
    height, width = size
    step = 2 ** max(0, round(math.log2(width / 6)))
    style = {"fill": "#ffffff", "font": _font(10), "stroke_width": 1, "stroke_fill": _INK}
    for at in range(step, width, step):
        pen.line((left + scale * at, top, left + scale * at, top + 5), _ACCENT, 2)
        pen.text((left + scale * at, top + 7), f"{at}", anchor="mt", **style)
    for at in range(step, height, step):
        pen.line((left, top + scale * at, left + 5, top + scale * at), _ACCENT, 2)
        pen.text((left + 8, top + scale * at), f"{at}", anchor="lm", **style)


def _decoded(data: bytes) -> Image.Image:
    return Image.fromarray(decode_picture(data, "a picture of the candidates").colour)


def _draw_legend(sheet: Image.Image, pen: ImageDraw.ImageDraw, kind: str, title: str) -> None:
    pen.text((_MARGIN, _MARGIN), title, _INK, _font(26))
    pen.text((_MARGIN, _MARGIN + 34), "azimuth_bin of each view: the drawing nearest to it", _SOFT, _font(16))
    sheet.paste(icons.picture(icons.draw(kind, 0.0, math.pi / 2), _ICON), (_MARGIN, _MARGIN + 80))
    pen.text((_MARGIN + _ICON / 2, _MARGIN + 80 + _ICON), "from above", _SOFT, _font(13), anchor="mt")
    for b in range(NUM_AZIMUTH_BINS):
        left = _MARGIN + _LABEL + b % (NUM_AZIMUTH_BINS // 2) * (_ICON + 40)
        top = _MARGIN + 60 + b // (NUM_AZIMUTH_BINS // 2) * (_ICON + 24)
        sheet.paste(icons.picture(icons.draw(kind, icons.bin_azimuth(b)), _ICON), (left, top))
        pen.text((left + _ICON / 2, top + _ICON - 8), f"{b}", _INK, _font(18), anchor="mt")
        pen.text((left + _ICON / 2, top + _ICON + 12), icons.name_of(b), _SOFT, _font(12), anchor="mt")


def _told(answer: Answer) -> str:
    if answer is None:
        return ""
    return "dropped" if answer == DROP else f"bin {answer}: {icons.name_of(answer)}"


def _font(size: int) -> ImageFont.ImageFont:
    return ImageFont.load_default(size)
