"""Curves survive whatever a training run logs."""

import math
import re
import xml.etree.ElementTree

import numpy as np
import pytest

from ganverse_jax.pages import charts


def drawing(chart: str) -> xml.etree.ElementTree.Element:
    return xml.etree.ElementTree.fromstring(chart).find(".//svg")


def test_no_values_give_a_sentence():
    assert "No finite value" in charts.line_chart("loss", [], [])
    assert "No finite value" in charts.line_chart("loss", [1, 2], [math.nan, math.inf])


def test_one_point_is_a_dot():
    svg = drawing(charts.line_chart("loss", [5], [2.0]))
    assert svg.find("circle") is not None and svg.find("path") is None


def test_a_gap_breaks_the_line_and_is_counted():
    chart = charts.line_chart("loss", range(6), [1, 2, math.nan, 4, math.inf, 6])
    assert drawing(chart).find("path").get("d").count("M") == 3
    assert "2 not finite" in chart


def test_a_constant_has_one_tick():
    svg = drawing(charts.line_chart("rate", [0, 1, 2], [1e-4] * 3))
    assert [e.text for e in svg.findall("text")][0] == "1e-4" and len(svg.findall("line")) == 1


def test_wide_positive_ranges_use_a_log_scale():
    steps = np.arange(10)
    assert ">log<" in charts.line_chart("loss", steps, 10.0**-steps)
    assert ">log<" not in charts.line_chart("loss", steps, steps + 1.0)
    assert ">log<" not in charts.line_chart("loss", steps, steps - 5.0, log=True)


@pytest.mark.parametrize("count", [2, 39, 41, 5000])
@pytest.mark.parametrize("log", [False, True])
def test_every_curve_stays_inside_its_axes(count, log):
    values = np.exp(np.random.default_rng(count).normal(0, 3, count))
    for path in drawing(charts.line_chart("loss", np.arange(count) * 10, values, log=log)).findall("path"):
        numbers = [float(n) for n in path.get("d").replace("M", " ").replace("L", " ").split()]
        across, down = numbers[0::2], numbers[1::2]
        # half a unit of the drawing: coordinates are rounded to a tenth
        assert charts.LEFT - 0.5 <= min(across) and max(across) <= charts.WIDTH - charts.RIGHT + 0.5
        assert charts.TOP - 0.5 <= min(down) and max(down) <= charts.HEIGHT - charts.BOTTOM + 0.5


def test_thinning_keeps_the_mean():
    steps, values = np.arange(2400.0), np.random.default_rng(0).normal(size=2400)
    thin_steps, thin_values = charts.thin(steps, values)
    assert len(thin_values) == charts.MAX_POINTS
    # equal chunks of ten: the mean of means is the mean, up to rounding
    assert np.isclose(thin_values.mean(), values.mean()) and np.isclose(thin_steps.mean(), steps.mean())


@pytest.mark.parametrize("low, high", [(0, 1), (-3.2, 17), (0.001, 0.0013), (1e5, 3e6)])
def test_ticks_are_round_and_inside(low, high):
    ticks = charts.linear_ticks(low, high)
    assert 2 <= len(ticks) <= 8 and all(low <= t <= high for t in ticks)


@pytest.mark.parametrize("low, high", [(0.9, 1.4), (1e-7, 3.0), (0.02, 0.9), (1.1, 1.9)])
def test_log_ticks_are_inside(low, high):
    ticks = charts.log_ticks(low, high)
    assert 1 <= len(ticks) <= 8 and all(low <= t <= high for t in ticks)


def test_a_file_of_a_chart_is_whole_by_itself_and_draws_what_the_page_does():
    values = 2.0 + np.sin(np.arange(100))
    name = "{http://www.w3.org/2000/svg}"
    file = xml.etree.ElementTree.fromstring(charts.chart_file("r1 & more", range(100), values))
    inside = file.find(f"{name}svg")
    for kind in ("path", "line", "text"):
        page = drawing(charts.line_chart("r1 & more", range(100), values)).findall(kind)
        found = inside.findall(f"{name}{kind}")
        assert [element.attrib for element in found] == [element.attrib for element in page] and found
    assert [text.text for text in file.findall(f"{name}text")] == ["r1 & more", f"{values[-1]:.2f}"]
    # every colour that the rules name is there, in light and dark, and nothing lies beyond the sheet
    style = file.find(f"{name}style").text
    for colour in re.findall(r"var\((--(?!sans)\w+)\)", style):
        assert style.count(f"{colour}:") == 2
    sheet = file.find(f"{name}rect")
    assert float(inside.get("x")) + float(inside.get("width")) < float(sheet.get("width"))
    assert float(inside.get("y")) + float(inside.get("height")) < float(sheet.get("height"))
