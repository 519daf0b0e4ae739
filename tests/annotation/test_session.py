"""Claims about undo, redo and time, whatever is asked; without files, server or browser."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganverse_jax.annotation.bins.session import DROP, Session
from ganverse_jax.annotation.keypoints.session import HIDDEN, KeypointSession
from ganverse_jax.annotation.session import LONGEST_PAUSE

VIEW = st.integers(0, 1)
COMMANDS = {
    "bins": st.fixed_dictionaries(
        {"do": st.just("answer"), "view": VIEW, "answer": st.none() | st.integers(0, 11) | st.just(DROP)}
    ),
    "keypoints": st.one_of(
        st.fixed_dictionaries(
            {"do": st.just("point"), "view": VIEW, "point": st.integers(0, 2),
             "at": st.sampled_from([None, HIDDEN, [3, 4]])}
        ),
        st.fixed_dictionaries({"do": st.sampled_from(["hide", "drop"]), "view": VIEW}),
        st.fixed_dictionaries({"do": st.just("object"), "object": st.integers(0, 3)}),
    ),
}  # fmt: skip


def begun(kind):
    """A session with some answers in two views."""
    if kind == "bins":
        return Session(2, [3, None])
    points = [[(1.0, 2.0), HIDDEN, None], [None] * 3]
    return KeypointSession(2, 3, (48, 64), num_contents=4, content=1, points=points)


def answers(session):
    return {name: value for name, value in session.state().items() if name in ("answers", "points", "object")}


@pytest.mark.parametrize("kind", COMMANDS)
@settings(max_examples=50, deadline=None)  # a busy machine is no failure
@given(st.data())
def test_undoing_everything_restores_the_start_and_redoing_everything_the_end(kind, data):
    session = begun(kind)
    start = answers(session)
    for command in data.draw(st.lists(COMMANDS[kind])):
        session.act(command)
    end = answers(session)
    while session.can_undo:
        session.act({"do": "undo"})
    assert answers(session) == start and session.undo() is None
    while session.can_redo:
        session.act({"do": "redo"})
    assert answers(session) == end and session.redo() is None


@pytest.mark.parametrize(("kind", "message"), [("bins", "1 views"), ("keypoints", "4 points")])
def test_finishing_needs_every_answer(kind, message):
    with pytest.raises(ValueError, match=f"{message} have no answer yet"):
        begun(kind).act({"do": "finish"})


def test_a_new_answer_forgets_what_was_undone_and_a_repeated_one_does_not():
    session = Session(2)
    session.answer(0, 1)
    session.answer(1, 2)
    assert session.undo() == 1
    session.answer(0, 1)
    assert session.can_redo
    session.answer(0, 5)
    assert not session.can_redo


def test_a_pause_counts_as_the_longest_pause():
    session = Session(1, seconds=10.0)
    for now in (100.0, 104.0, 5000.0, 5001.5):
        session.tick(now)
    assert session.seconds == 10.0 + 4.0 + LONGEST_PAUSE + 1.5
