"""The camera dial follows the project's angles."""

import xml.etree.ElementTree

import pytest

from ganverse_jax.pages import dial


def views(*azimuths):
    return [
        {"id": i, "before": {"azimuth": a, "elevation": 0.0}, "after": {"azimuth": a + 5, "elevation": 9.0}}
        for i, a in enumerate(azimuths)
    ]


def test_azimuth_zero_looks_at_the_front_and_ninety_from_the_right():
    assert dial.direction(0) == pytest.approx((0, 1))
    assert dial.direction(90) == pytest.approx((1, 0))


@pytest.mark.parametrize("first, second, turn", [(350, 10, 20), (10, 350, -20), (0, 180, 180), (30, 30, 0)])
def test_turns_go_the_short_way(first, second, turn):
    assert dial.turn_between(first, second) == pytest.approx(turn)


def test_every_view_has_a_start_and_an_end():
    for svg in (dial.azimuth_dial(views(0, 0, 90, 330)), dial.elevation_strip(views(0, 0, 90, 330))):
        circles = [c.get("class") for c in xml.etree.ElementTree.fromstring(svg).iter("circle")]
        assert circles.count("before") == circles.count("after") == 4
