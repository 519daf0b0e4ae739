"""Claims about the points on the drawings: every name has a place, on its side, and hidden means behind."""

import pytest

from ganverse_jax import classes
from ganverse_jax.annotation import icons
from ganverse_jax.annotation.keypoints.places import best_bins, places


@pytest.mark.parametrize("kind", ["car", "horse", "bird"])
def test_each_point_is_shown_from_a_side_where_it_is_seen(kind):
    shown, best = places(kind), best_bins(kind)
    assert all(shown[best[i]][i].seen for i in range(len(best)))
    assert all(0 <= value <= icons.SIZE for row in shown for place in row for value in place[:2])


def test_a_cars_front_is_hidden_from_behind_and_its_left_from_its_right():
    shown, names = places("car"), classes.get("car").keypoints
    seen = [{name for name, place in zip(names, row, strict=True) if place.seen} for row in shown]
    assert {"left headlight", "right headlight"} <= seen[0] and not any("head" in name for name in seen[6])
    assert "left front wheel centre" in seen[3] and "left front wheel centre" not in seen[9]
    assert "right tail light" in seen[6] and "right tail light" not in seen[0]
