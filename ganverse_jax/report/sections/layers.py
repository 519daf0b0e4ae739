"""What each layer of a generator holds: the report's section, and the page of launch.visualize_layers."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganverse_jax.pages.markup import ReportError, Section, details, figure, number, table
from ganverse_jax.pages.pictures import Pictures
from ganverse_jax.report.artefacts import Run
from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.runtime.shipped import ASSETS

FILE = "layers.json"
_ROW = ("view_layers", "azimuth_spread", "azimuth_spread_median", "within_15", "identity_agreement")
_HELD_OUT = ("azimuth_error", "azimuth_error_median", "identity_same", "identity_auc")
_WIDTH, _HEIGHT = 640, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 172, 26, 38
# The standalone file has no style sheet: colours fall back to those of tokens.css.
_STYLE = (
    "<style>.splits text{font:12px system-ui,sans-serif;fill:var(--soft,#5d636e)}"
    ".splits .grid{stroke:var(--line,#e5e2dc)}.splits .view{stroke:var(--judge,#2f6f8f)}"
    ".splits .object{stroke:var(--accent,#b2491f)}.splits .curve{fill:none;stroke-width:2}"
    ".splits .limit{stroke-dasharray:3 4;stroke-width:1.2}.splits .paper{stroke:var(--soft,#5d636e);"
    "stroke-dasharray:1 4}</style>"
)
PAPER_SPLIT = 4
SPLIT_HEADS = ("layers of the view", "azimuth spread, mean", "median", "within 15°", "identity agreement")


def view_fixed(content: Mapping[str, Any]) -> list[float]:
    """How far the view code fixes the azimuth at every split: 1 - spread / spread at k = 0, where it drives
    nothing."""
    spreads = [row["azimuth_spread"] for row in content["splits"]]
    return [1 - spread / max(spreads[0], 1e-9) for spread in spreads]


def _x(k: float, last: int) -> float:
    return _LEFT + k / last * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float) -> float:
    return _HEIGHT - _BOTTOM - min(max(value, 0.0), 1.0) * (_HEIGHT - _TOP - _BOTTOM)


def _level(value: float, css: str) -> str:
    return (
        f'<line class="{css}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_y(value):.1f}" y2="{_y(value):.1f}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _frame(last: int) -> str:
    """Rules, ticks, the axis' name and the paper's split."""
    bottom = _HEIGHT - _BOTTOM
    parts = [
        _level(v, "grid") + _text(_LEFT - 8, _y(v) + 4, f"{v:g}", "end") for v in (0, 0.25, 0.5, 0.75, 1)
    ]
    parts += [_text(_x(k, last), bottom + 16, str(k), "middle") for k in range(last + 1)]
    parts.append(_text(_x(last / 2, last), _HEIGHT - 4, "first layers given to the view code", "middle"))
    if PAPER_SPLIT < last:
        at = _x(PAPER_SPLIT, last)
        parts.append(f'<line class="paper" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{bottom}"/>')
        parts.append(_text(at, _TOP - 9, "the paper’s split", "middle"))
    return "".join(parts)


def splits_chart(content: Mapping[str, Any]) -> str:
    """SVG of the table in layers.json: viewpoint fixed by the view code, object kept by the content code."""
    last, beside = len(content["splits"]) - 1, _WIDTH - _RIGHT + 8
    same = content["held_out"]["identity_same"]
    parts = [_STYLE, _frame(last), _level(same, "object limit")]
    parts.append(_text(beside, _y(same) + 4, "one object, two cameras"))
    kept = [row["identity_agreement"] for row in content["splits"]]
    for name, values in {"view": view_fixed(content), "object": kept}.items():
        path = "L".join(f"{_x(k, last):.1f} {_y(v):.1f}" for k, v in enumerate(values))
        parts.append(f'<path class="{name} curve" d="M{path}"/>')
    parts.append(_text(beside, _y(1) + 4, "viewpoint fixed by view"))
    parts.append(_text(beside, _y(0) + 4, "object kept by content"))
    return (
        f'<svg class="splits" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'aria-label="Viewpoint fixed by the view code, object kept by the content code, for every split of '
        f'the layers">{"".join(parts)}</svg>'
    )


def standalone(svg: str) -> str:
    """The same drawing as a file of its own."""
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)


def split_rows(content: Mapping[str, Any]) -> list[list[str]]:
    """The figures behind the chart, a row per split, under SPLIT_HEADS."""
    return [
        [
            str(row["view_layers"]),
            f"{row['azimuth_spread']:.1f}°",
            f"{row['azimuth_spread_median']:.1f}°",
            f"{100 * row['within_15']:.0f} %",
            f"{row['identity_agreement']:.2f}",
        ]
        for row in content["splits"]
    ]


def splits_body(content: Mapping[str, Any]) -> str:
    """Chart, reading and table."""
    held_out = content["held_out"]
    caption = (
        f"{content['num_views']} random view codes × {content['num_contents']} contents at every split. "
        "Viewpoint: how much less the azimuth of a view code’s pictures spreads than when it drives no "
        "layer, read by the pose regressor (its own error on held-out renders: "
        f"{number(held_out['azimuth_error'])}° mean, {number(held_out['azimuth_error_median'])}° median). "
        "Object: identity agreement within a content, 1 for equal pictures, 0 for random pairs; two renders "
        f"of one held-out object reach {number(held_out['identity_same'], 2)} (dashed), and the measure "
        f"tells objects apart in {100 * held_out['identity_auc']:.1f} % of pairs. At a good split both are "
        "high."
    )
    rows = [
        [f"<b>{split}</b>" if split == str(PAPER_SPLIT) else split, *rest]
        for split, *rest in split_rows(content)
    ]
    figures = table(SPLIT_HEADS, rows, numeric=range(len(SPLIT_HEADS)))
    return figure(splits_chart(content), caption) + details("All figures", figures)


def layers_section(content: Mapping[str, Any] | None, *, measurable: bool = True) -> Section:
    """The report's section on the splits; None: nobody has measured this GAN, or nothing can."""
    title = "What each layer holds"
    lede = (
        "The paper gives the first four layers to the camera. Here is what every other split would separate."
    )
    if content is None:
        command = "<code>python -m launch.visualize_layers</code>"
        told = (
            f"For this GAN: run {command} with this config and workdir, then the report again."
            if measurable
            else "That takes a network that reads cameras off these pictures, which only a toy world has. "
            f"{command} with this config and workdir draws what every layer holds."
        )
        body = f'<div class="placeholder" role="note"><strong>Not measured</strong><span>{told}</span></div>'
        return Section("layers", title, lede, body, ran=False)
    return Section("layers", title, lede, splits_body(content))


def picture_sections(
    drawn: Mapping[str, Any], content: Mapping[str, Any] | None, pictures: Pictures
) -> list[Section]:
    """The page's sections. drawn: `draw` of commands/visualize_layers; content: layers.json or None."""
    sections = [_blocks(drawn, pictures), _groups(drawn, pictures), _views(drawn, pictures)]
    sections.append(_deviations(drawn, pictures))
    return sections if content is None else [*sections, layers_section(content)]


def _rows(names: Sequence[range]) -> list[str]:
    return [f"{rows[0]}–{rows[-1]}" if len(rows) > 1 else str(rows[0]) for rows in names]


def _blocks(drawn, pictures: Pictures) -> Section:
    rows = [[*row, image] for row, image in zip(drawn["blocks"], drawn["samples"], strict=True)]
    count = len(drawn["blocks"][0])
    names = [f"block {i + 1}" for i in range(count)] + ["image"]
    alts = [[f"Sample {r + 1}, {name}" for name in names] for r in range(len(rows))]
    caption = (
        "Figure A of the paper: the channels of each block’s feature map are summed and seen through the "
        "last block’s toRGB; brightness is stretched per picture. Look for the block in which an outline "
        "appears."
    )
    body = figure(pictures.grid(rows, alts, columns=names), caption, "wide")
    return Section("blocks", "What each block draws", "Feature maps of all blocks of one generator.", body)


def _groups(drawn, pictures: Pictures) -> Section:
    names = _rows(drawn["groups"])
    rows = [[drawn["samples"][0], *row] for row in drawn["varied"]]
    columns = ["fixed", *(f"code {i + 1}" for i in range(len(rows[0]) - 1))]
    alts = [[f"Layers {name} from {column}" for column in columns] for name in names]
    caption = (
        "Left the picture all rows start from. In each row one group of layers takes other codes, the same "
        "in every row; all other layers stay. Read down: which group turns the object, which paints it?"
    )
    body = figure(pictures.grid(rows, alts, columns=columns, row_names=names, gaps=(1,)), caption, "wide")
    return Section("groups", "One group of layers at a time", "Rows are groups of layers of ws.", body)


def _views(drawn, pictures: Pictures) -> Section:
    rows = list(drawn["split"])
    alts = [[f"Content {r + 1}, view {c + 1}" for c in range(len(row))] for r, row in enumerate(rows)]
    caption = (
        "The first four layers come from the column’s code, the others from the row’s. Read down a column: "
        "the pose should stay. Read along a row: the object should."
    )
    lede = "Columns share the first four layers, rows all the others."
    return Section("split", "The paper’s split", lede, figure(pictures.grid(rows, alts), caption, "wide"))


def _deviations(drawn, pictures: Pictures) -> Section:
    maps, shares = drawn["deviation_maps"], drawn["deviations"]
    per_row = math.ceil(len(maps) / math.ceil(len(maps) / 10))
    grids = []
    for start in range(0, len(maps), per_row):
        layers = range(start, min(start + per_row, len(maps)))
        alts = [[f"Deviation of pixels when layer {i} varies" for i in layers]]
        columns = [f"{i}: {shares[i]:.3f}" for i in layers]
        grids.append(pictures.grid([[maps[i] for i in layers]], alts, columns=columns))
    caption = (
        "Where pixels change when one layer alone takes other codes: standard deviation of each pixel over "
        "the codes, averaged over the fixed pictures; all maps share one scale (white: "
        f"{number(drawn['deviation_range'])}). Above each its mean; pixels are in 0 to 1."
    )
    lede = "Each layer’s own part of the picture."
    return Section("deviation", "Where each layer acts", lede, figure("".join(grids), caption, "wide"))


def splits_section(run: Run) -> Section:
    """`layers_section` of the run's GAN."""
    return layers_section(measured_splits(run), measurable=_measurable(run))


def _measurable(run: Run) -> bool:
    """Whether the run has, or may have, a pose regressor for its GAN's pictures."""
    from_outside = run.setting("perception.segmenter.source") in ("onnx", "masks")
    return not from_outside and run.setting("gan.data.kind") in (None, "world")


def measured_splits(run: Run) -> dict[str, Any] | None:
    """layers.json of the workdir, or the one shipped with its GAN; None when there is none of this GAN.

    Raises ReportError for a file that holds something else.
    """
    fingerprint = run.stages["gan"].summary.get("fingerprint")
    if fingerprint is None:
        return None
    for path in (run.workdir / "layers" / FILE, *sorted(ASSETS.glob(f"*/{FILE}"))):
        content = _read(path) if path.is_file() else {}
        if content.get("fingerprint") == fingerprint:
            return content
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
        rows = [{name: float(row[name]) for name in _ROW} for row in content["splits"]]
        held_out = {name: float(content["held_out"][name]) for name in _HELD_OUT}
        counts = {name: int(content[name]) for name in ("num_views", "num_contents")}
        rows = [row | {"view_layers": int(row["view_layers"])} for row in rows]
        if len(rows) < 2:
            raise ValueError(f"{len(rows)} splits")
    except (TypeError, KeyError, ValueError) as error:
        raise ReportError(
            f"{path} is no table of splits ({error!r}); run launch.visualize_layers again"
        ) from error
    return {"fingerprint": content.get("fingerprint"), "splits": rows, "held_out": held_out} | counts
