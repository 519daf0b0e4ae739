"""Cameras before and after their optimisation: a dial seen from above, a strip of elevations."""

import math
from collections.abc import Sequence
from typing import Any

SIZE = 380
CENTRE = SIZE / 2
RING = 132.0


def direction(azimuth_degrees: float) -> tuple[float, float]:
    """Unit vector on the dial, seen from above: the object's front (+z) down the page, +x to the right."""
    angle = math.radians(azimuth_degrees)
    return math.sin(angle), math.cos(angle)


def turn_between(first: float, second: float) -> float:
    """Signed difference second - first of two azimuths, in (-180, 180] degrees."""
    return -((first - second + 180.0) % 360.0 - 180.0)


def _point(azimuth: float, radius: float) -> tuple[float, float]:
    x, y = direction(azimuth)
    return CENTRE + radius * x, CENTRE + radius * y


def _spokes() -> str:
    parts = [f'<circle class="rule" cx="{CENTRE}" cy="{CENTRE}" r="{RING}" fill="none"/>']
    for degrees in range(0, 360, 30):
        x1, y1 = _point(degrees, 58)
        x2, y2 = _point(degrees, RING)
        tx, ty = _point(degrees, RING + 36)
        parts.append(
            f'<line class="rule" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
            f'<text x="{tx:.1f}" y="{ty + 4:.1f}" text-anchor="middle">{degrees}°</text>'
        )
    return "".join(parts)


def _object() -> str:
    """A long object from above, its front down the page."""
    c = CENTRE
    return (
        f'<g class="object"><rect x="{c - 17}" y="{c - 36}" width="34" height="72" rx="13"/>'
        f'<path d="M{c - 12} {c + 14}q12 6 24 0l-3 -10h-18z"/><path d="M{c - 11} {c - 20}q11 -5 22 '
        f'0l-2 8h-18z"/>'
        f'<text x="{c}" y="{c + 52}" text-anchor="middle">front</text></g>'
    )


def azimuth_dial(views: Sequence[dict[str, Any]]) -> str:
    """SVG dial. Hollow dots on the ring: start azimuths (a bin holds several views, fanned outwards); solid
    dots inside: optimised azimuths, joined to their start; small crosses: the regressor's, where given."""
    seen: dict[int, int] = {}
    marks = []
    for view in views:
        start, end = view["before"]["azimuth"], view["after"]["azimuth"]
        key = round(start)
        rank = seen.get(key, 0)
        seen[key] = rank + 1
        x1, y1 = _point(start, RING + 5.0 * rank)
        x2, y2 = _point(end, RING - 22 - 9.0 * (rank % 4))
        marks.append(f'<line class="move" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')
        marks.append(f'<circle class="before" cx="{x1:.1f}" cy="{y1:.1f}" r="4"/>')
        marks.append(f'<circle class="after" cx="{x2:.1f}" cy="{y2:.1f}" r="4.5"/>')
        if view.get("regressor"):
            x3, y3 = _point(view["regressor"]["azimuth"], RING - 22 - 9.0 * (rank % 4))
            marks.append(f'<path class="regressor" d="M{x3 - 3:.1f} {y3 - 3:.1f}l6 6m0 -6l-6 6"/>')
    return (
        f'<svg class="dial" viewBox="0 0 {SIZE} {SIZE}" role="img" aria-label="Azimuths of '
        f"{len(views)} views from above: start bins on the ring, optimised azimuths inside"
        f'">{_spokes()}{_object()}{"".join(marks)}</svg>'
    )


def elevation_strip(views: Sequence[dict[str, Any]]) -> str:
    """SVG of elevations in degrees, one column per view in order of start azimuth."""
    width, height, left, top, bottom = 380, 190, 34, 12, 26
    ordered = sorted(views, key=lambda v: (v["before"]["azimuth"], v["after"]["azimuth"]))
    values = [v[k]["elevation"] for v in ordered for k in ("before", "after")]
    values += [v["regressor"]["elevation"] for v in ordered if v.get("regressor")]
    low, high = min([*values, 0.0]) - 3, max([*values, 10.0]) + 3

    def to_y(degrees: float) -> float:
        return height - bottom - (degrees - low) / (high - low) * (height - top - bottom)

    parts = []
    for degrees in range(math.ceil(low / 10) * 10, int(high) + 1, 10):
        y = to_y(degrees)
        parts.append(f'<line class="rule" x1="{left}" x2="{width - 6}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{degrees}°</text>')
    for i, view in enumerate(ordered):
        x = left + (i + 0.5) * (width - 6 - left) / len(ordered)
        y1, y2 = to_y(view["before"]["elevation"]), to_y(view["after"]["elevation"])
        parts.append(f'<line class="move" x1="{x:.1f}" x2="{x:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>')
        parts.append(f'<circle class="before" cx="{x:.1f}" cy="{y1:.1f}" r="3.5"/>')
        parts.append(f'<circle class="after" cx="{x:.1f}" cy="{y2:.1f}" r="4"/>')
        if view.get("regressor"):
            y3 = to_y(view["regressor"]["elevation"])
            parts.append(f'<path class="regressor" d="M{x - 3:.1f} {y3 - 3:.1f}l6 6m0 -6l-6 6"/>')
    parts.append(
        f'<text x="{(left + width) / 2}" y="{height - 6}" text-anchor="middle">views by azimuth</text>'
    )
    return (
        f'<svg class="strip" viewBox="0 0 {width} {height}" role="img" aria-label="Elevations of the '
        f"views before "
        f'and after optimisation">{"".join(parts)}</svg>'
    )
