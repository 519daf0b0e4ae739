"""Claims about the points on the drawings: every name has a place, on its side, and hidden means behind."""

import pytest

from ganverse_jax.annotation import icons
from ganverse_jax.classes import keypoint_places
from ganverse_jax.classes.keypoint_names import NAMES, mirror_pairs


@pytest.mark.parametrize("kind", NAMES)
def test_left_points_have_mirror_images_and_the_others_lie_in_the_middle(kind):
    places = [keypoint_places.position(kind, name) for name in NAMES[kind]]
    paired = {index for pair in mirror_pairs(kind) for index in pair}
    for left, right in mirror_pairs(kind):
        assert places[left][0] > 0 and places[right] == (-places[left][0], *places[left][1:])
    assert all(places[i][0] == 0 for i in set(range(len(places))) - paired)


@pytest.mark.parametrize("kind", NAMES)
def test_each_point_is_shown_from_a_side_where_it_is_seen(kind):
    shown, best = keypoint_places.places(kind), keypoint_places.best_bins(kind)
    assert all(shown[best[i]][i].seen for i in range(len(best)))
    assert all(0 <= value <= icons.SIZE for row in shown for place in row for value in place[:2])


def test_a_cars_front_is_hidden_from_behind_and_its_left_from_its_right():
    shown, names = keypoint_places.places("car"), NAMES["car"]
    seen = [{name for name, place in zip(names, row, strict=True) if place.seen} for row in shown]
    assert {"left headlight", "right headlight"} <= seen[0] and not any("head" in name for name in seen[6])
    assert "left front wheel centre" in seen[3] and "left front wheel centre" not in seen[9]
    assert "right tail light" in seen[6] and "right tail light" not in seen[0]
