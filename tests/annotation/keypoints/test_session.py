"""Claims about clicked points, undo and the object, without files, server or browser."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganverse_jax.annotation.keypoints.session import HIDDEN, KeypointSession, check_point

SIZE = (48, 64)
ACTIONS = st.one_of(
    st.tuples(
        st.just("point"), st.integers(0, 1), st.integers(0, 2), st.sampled_from([None, HIDDEN, [3, 4]])
    ),
    st.tuples(st.sampled_from(["hide", "drop"]), st.integers(0, 1)),
    st.tuples(st.just("object"), st.integers(0, 3)),
)


def session(**state):
    return KeypointSession(2, 3, SIZE, num_contents=4, **state)


def act(annotated, action):
    name, number, *rest = action
    if name == "object":
        return annotated.act({"do": name, "object": number})
    point, at = rest if rest else (None, None)
    return annotated.act({"do": name, "view": number, "point": point, "at": at})


@settings(max_examples=50, deadline=None)  # a busy machine is no failure
@given(st.lists(ACTIONS))
def test_undoing_everything_restores_the_start_and_redoing_everything_the_end(actions):
    annotated = session(content=1, points=[[(1.0, 2.0), HIDDEN, None], [None] * 3])
    start = annotated.points, annotated.content
    for action in actions:
        act(annotated, action)
    end = annotated.points, annotated.content
    while annotated.can_undo:
        annotated.act({"do": "undo"})
    assert (annotated.points, annotated.content) == start
    while annotated.can_redo:
        annotated.act({"do": "redo"})
    assert (annotated.points, annotated.content) == end


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


def test_finishing_needs_every_point():
    with pytest.raises(ValueError, match="6 points have no answer yet"):
        session().act({"do": "finish"})


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
