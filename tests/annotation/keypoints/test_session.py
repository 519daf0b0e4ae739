"""Claims about clicked points and the object, without files, server or browser."""

import pytest

from ganverse_jax.annotation.keypoints.session import HIDDEN, KeypointSession, check_point

SIZE = (48, 64)


def session(**state):
    return KeypointSession(2, 3, SIZE, num_contents=4, **state)


def act(annotated, action):
    name, number, *rest = action
    if name == "object":
        return annotated.act({"do": name, "object": number})
    point, at = rest if rest else (None, None)
    return annotated.act({"do": name, "view": number, "point": point, "at": at})


def test_undo_names_the_view_and_another_object_none():
    annotated = session()
    act(annotated, ("point", 1, 2, [10, 20]))
    act(annotated, ("object", 3))
    assert annotated.points == ((None,) * 3,) * 2 and annotated.content == 3
    assert annotated.act({"do": "undo"}) is None
    assert annotated.points[1][2] == (10.0, 20.0) and annotated.content == 0
    assert annotated.act({"do": "undo"}) == 1


def test_hiding_the_rest_keeps_what_was_clicked_and_dropping_does_not():
    annotated = session()
    act(annotated, ("point", 0, 1, [10, 20]))
    act(annotated, ("hide", 0))
    assert annotated.points[0] == (HIDDEN, (10.0, 20.0), HIDDEN)
    act(annotated, ("drop", 0))
    assert annotated.points[0] == (HIDDEN,) * 3
    annotated.act({"do": "undo"})
    assert annotated.points[0][1] == (10.0, 20.0)


def test_views_that_are_not_kept_are_not_asked_for():
    annotated = session(kept=[1])
    act(annotated, ("hide", 1))
    assert annotated.complete and not session().complete


@pytest.mark.parametrize(
    "point", [[1], [1, 2, 3], "seen", [True, 2], [float("nan"), 1], ["1", 2], {}, 10**400, [10**400, 1]]
)
def test_other_points_are_refused(point):
    with pytest.raises(ValueError, match=r"no \[x, y\] in pixels"):
        check_point(point, SIZE)


@pytest.mark.parametrize("point", [[-0.1, 5], [64.1, 5], [5, 48.1]])
def test_points_outside_the_picture_are_refused(point):
    with pytest.raises(ValueError, match="outside the picture of 64 x 48 pixels"):
        check_point(point, SIZE)


@pytest.mark.parametrize(
    "command",
    [{"do": "answer"}, {}, {"do": "point", "view": 2, "point": 0}, {"do": "point", "view": 0, "point": 3},
     {"do": "hide"}, {"do": "object", "object": 4}, {"do": "object", "object": True}],
)  # fmt: skip
def test_other_commands_are_refused(command):
    with pytest.raises(ValueError, match="is none of|unknown command"):
        session().act(command)
