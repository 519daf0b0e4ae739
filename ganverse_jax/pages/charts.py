"""Training curves as inline SVG: one small chart per figure, log scale where the values ask for it."""

import math
from collections.abc import Sequence

import numpy as np

from ganverse_jax.pages.frame import template
from ganverse_jax.pages.markup import escape, number

WIDTH, HEIGHT = 300, 150
_HEAD, _EDGE = 24, 8  # of a file: room above the curve for its name, and on all sides
LEFT, RIGHT, TOP, BOTTOM = 42, 8, 8, 20
MAX_POINTS = 240


def wants_log_scale(values: np.ndarray) -> bool:
    """True when all finite values are positive and span more than a factor of 20."""
    finite = values[np.isfinite(values)]
    return bool(finite.size) and bool(finite.min() > 0) and finite.max() > 20 * finite.min()


def thin(steps: np.ndarray, values: np.ndarray, limit: int = MAX_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """At most about `limit` points: means over equal runs of neighbours. NaN stays NaN only where all are."""
    if len(steps) <= limit:
        return steps, values
    chunks = np.array_split(np.arange(len(steps)), limit)
    means = []
    for chunk in chunks:
        finite = values[chunk][np.isfinite(values[chunk])]
        means.append(finite.mean() if finite.size else np.nan)
    return np.array([steps[c].mean() for c in chunks]), np.array(means)


def smooth(values: np.ndarray, reach: int) -> np.ndarray:
    """Centred running mean over `reach` neighbours each way, skipping non-finite values."""
    finite = np.isfinite(values)
    kernel = np.ones(2 * reach + 1)
    total = np.convolve(np.where(finite, values, 0.0), kernel)[reach : reach + len(values)]
    count = np.convolve(finite.astype(float), kernel)[reach : reach + len(values)]
    return np.where(finite, total / np.maximum(count, 1.0), np.nan)


def linear_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """About `count` round numbers within [low, high]."""
    if high <= low:
        return [low]
    span = high - low
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = min((m * power for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(s - raw))
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten within [low, high]; 1-2-5, then round numbers, when these are too few."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    decades = [10.0**e for e in exponents if low <= 10.0**e <= high]
    if len(decades) >= 3:
        return decades[:: math.ceil(len(decades) / 4)]
    finer = [m * 10.0**e for e in exponents for m in (1, 2, 5) if low <= m * 10.0**e <= high]
    return finer if len(finer) > 1 else linear_ticks(low, high)


def short(value: float) -> str:
    """Tick label: 12k, 1.5M, 0.02, 1e-5."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}" if value == 0 or abs(value) >= 1e-3 else f"{value:.0e}".replace("e-0", "e-")


def _paths(x: np.ndarray, y: np.ndarray) -> str:
    """SVG path through the finite points, broken where a value is missing."""
    commands, pen = [], "M"
    for a, b in zip(x, y, strict=True):
        if math.isfinite(b):
            commands.append(f"{pen}{a:.1f} {b:.1f}")
            pen = "L"
        else:
            pen = "M"
    return "".join(commands)


def _span(values: np.ndarray, log: bool) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if log:
        return low / 1.15, high * 1.15
    margin = 0.06 * (high - low) or abs(high) * 0.1 or 0.5
    return low - margin, high + margin


def _axes(y_ticks: list[float], x_ticks: list[float], to_y, to_x) -> str:
    lines = "".join(
        f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{to_y(t):.1f}" y2="{to_y(t):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{to_y(t) + 3.5:.1f}" text-anchor="end">{short(t)}</text>'
        for t in y_ticks
    )
    return lines + "".join(
        f'<text x="{to_x(t):.1f}" y="{HEIGHT - 4}" text-anchor="middle">{short(t)}</text>' for t in x_ticks
    )


def line_chart(
    title: str, steps: Sequence[float], values: Sequence[float], *, log: bool | None = None
) -> str:
    """A card with one curve over training steps.

    Non-finite values break the line and are counted; one point is drawn as a dot; none gives a sentence.
    `log` None chooses the scale by `wants_log_scale`.
    """
    x, y = np.asarray(steps, float), np.asarray(values, float)
    finite = np.isfinite(y) & np.isfinite(x)
    lost = int(len(y) - finite.sum())
    note = f'<span class="warn">{lost} not finite</span>' if lost else ""
    if not finite.any():
        head = f"<header><b>{escape(title)}</b>{note}</header>"
        return f'<div class="chart">{head}<p>No finite value logged.</p></div>'
    svg, log = _drawn(title, x, y, log)
    scale = "<small>log</small>" if log else ""
    head = f"<header><b>{escape(title)}</b>{scale}{note}<span>{number(float(y[finite][-1]))}</span></header>"
    return f'<div class="chart">{head}{svg}</div>'


def chart_file(title: str, steps: Sequence[float], values: Sequence[float]) -> str:
    """The curve of `line_chart` as an SVG file of its own on a sheet of its own, dark where the reader's
    browser asks for that. At least one value must be finite."""
    x, y = np.asarray(steps, float), np.asarray(values, float)
    svg, log = _drawn(title, x, y, None)
    place = f'x="{_EDGE}" y="{_EDGE + _HEAD}" width="{WIDTH}" height="{HEIGHT}"'
    width, height = WIDTH + 2 * _EDGE, _HEAD + HEIGHT + 2 * _EDGE
    style = "svg > rect { fill: var(--sheet) } svg text.name { fill: var(--ink); font-weight: 600 }"
    last = number(float(y[np.isfinite(y)][-1]))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}"><style>{template("tokens.css")}{template("chart.css")}{style}</style>'
        f'<rect width="{width}" height="{height}" rx="6"/>'
        f'<text class="name" x="{_EDGE + 4}" y="{_EDGE + 12}">{escape(title)}{" (log)" if log else ""}</text>'
        f'<text x="{width - _EDGE - 8}" y="{_EDGE + 12}" text-anchor="end">{last}</text>'
        f"{svg.replace('<svg', f'<svg {place}', 1)}</svg>\n"
    )


def _drawn(title: str, x: np.ndarray, y: np.ndarray, log: bool | None) -> tuple[str, bool]:
    """The SVG of a curve with a finite value, and whether its scale is logarithmic: that of the values
    themselves must be possible, whatever the caller asked for."""
    finite = np.isfinite(y) & np.isfinite(x)
    log = (wants_log_scale(y) if log is None else log) and bool(y[finite].min() > 0)
    extent = float(x[np.isfinite(x)].min()), float(x[np.isfinite(x)].max())
    return _svg(title, *thin(x, y), extent, log), log


def _svg(title: str, x: np.ndarray, y: np.ndarray, extent: tuple[float, float], log: bool) -> str:
    shown = y[np.isfinite(y)]
    low, high = _span(shown, log)
    first, final = extent
    warp = (lambda v: np.log10(np.maximum(v, 1e-300))) if log else (lambda v: np.asarray(v, float))
    bottom, top = float(warp(low)), float(warp(high))

    def to_x(v):
        return LEFT + (v - first) / ((final - first) or 1.0) * (WIDTH - LEFT - RIGHT)

    def to_y(v):
        return HEIGHT - BOTTOM - (warp(v) - bottom) / ((top - bottom) or 1.0) * (HEIGHT - TOP - BOTTOM)

    constant = float(shown.max()) == float(shown.min())
    ticks = [float(shown[0])] if constant else log_ticks(low, high) if log else linear_ticks(low, high)
    x_ticks = linear_ticks(first, final)
    curve = _curve(x, y, to_x, to_y)
    data = f"{first:g},{final:g},{bottom:g},{top:g},{int(log)}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" data-scale="{data}" '
        f'aria-label="{escape(title)}: from '
        f"{number(float(shown[0]))} to {number(float(shown[-1]))} over steps {short(first)} to "
        f'{short(final)}">'
        f"{_axes(ticks, x_ticks, to_y, to_x)}{curve}</svg>"
    )


def _curve(x: np.ndarray, y: np.ndarray, to_x, to_y) -> str:
    finite = np.isfinite(y)
    if finite.sum() == 1:
        left, top = float(to_x(x[finite][0])), float(to_y(y[finite][0]))
        return f'<circle class="dot" cx="{left:.1f}" cy="{top:.1f}" r="3.5"/>'
    with np.errstate(invalid="ignore"):
        raw = _paths(to_x(x), np.where(finite, to_y(np.where(finite, y, 1.0)), np.nan))
        if finite.sum() < 40:
            return f'<path class="line hover" d="{raw}"/>'
        mean = smooth(y, len(y) // 40)
        bold = _paths(to_x(x), np.where(finite, to_y(np.where(finite, mean, 1.0)), np.nan))
    return f'<path class="raw" d="{raw}"/><path class="line hover" d="{bold}"/>'
