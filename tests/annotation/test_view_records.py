"""Claims about views read from a file: what is wrong is named with file, view, value and remedy."""

import pytest

from ganverse_jax.annotation.view_records import check_views


def views(**change):
    return [{"id": 0, "w": [0.0, 1.0]}, {"id": 1, "w": [2, 3.5], "consistency": 0.9} | change]


def test_sound_views_pass():
    check_views(views(), "f.json", "mend it", w_dim=2)
    check_views(views(azimuth=0.1, elevation=0, distance=4.2), "f.json", "mend it")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w": [1.0]}, "view 1 in f.json : its code w has 1 numbers, not 2"),
        ({"w": [1.0, float("nan")]}, r"view 1 in f.json : w\[1\] is nan, not a finite number"),
        ({"w": [float("inf"), 1.0]}, r"w\[0\] is inf"),
        ({"w": [1e39, 1.0]}, r"w\[0\] is 1e\+39"),
        ({"w": [True, 1.0]}, r"w\[0\] is True"),
        ({"w": [[1.0], 1.0]}, r"w\[0\] is \[1.0\]"),
        ({"w": "long"}, "its code w is 'long', not a list"),
        ({"w": []}, r"its code w is \[\]"),
        ({"id": 0}, "view 0 in f.json : id 0 comes twice"),
        ({"id": 1.0}, r"views\[1\] in f.json has no whole number as id"),
        ({"id": True}, r"views\[1\] in f.json has no whole number as id"),
        ({"consistency": None}, "consistency is None"),
        ({"azimuth": "left"}, "azimuth is 'left'"),
        ({"distance": 0}, "distance is 0, not positive"),
    ],
)
def test_wrong_views_are_named(change, message):
    with pytest.raises(ValueError, match=message + ".*; mend it"):
        check_views(views(**change), "f.json", "mend it")


@pytest.mark.parametrize("none", [[], {}, None, 3, "views"])
def test_no_views_are_named(none):
    with pytest.raises(ValueError, match="f.json has no list of views.*mend it"):
        check_views(none, "f.json", "mend it")


def test_codes_of_another_length_than_the_gans_are_refused():
    with pytest.raises(ValueError, match="view 0 in f.json : its code w has 2 numbers, not 128"):
        check_views(views(), "f.json", "mend it", w_dim=128)


@pytest.mark.parametrize("entry", [None, 3, [], "view"])
def test_entries_that_are_no_views_are_named(entry):
    with pytest.raises(ValueError, match=r"views\[2\] in f.json has no whole number as id"):
        check_views([*views(), entry], "f.json", "mend it")
