"""Claims about answers, undo and time, without files, server or browser."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganverse_jax.annotation.bins.session import DROP, LONGEST_PAUSE, Session

ANSWERS = st.one_of(st.none(), st.integers(0, 11), st.just(DROP))


def test_a_session_is_complete_when_every_view_is_kept_or_dropped():
    session = Session(2)
    session.answer(0, 11)
    assert not session.complete
    session.answer(1, DROP)
    assert session.complete and session.answers == (11, DROP)


@settings(max_examples=50, deadline=None)  # a busy machine is no failure
@given(st.lists(st.tuples(st.integers(0, 4), ANSWERS)))
def test_undoing_everything_restores_the_start_and_redoing_everything_the_end(actions):
    session = Session(5, [None, 3, DROP, None, 7])
    start = session.answers
    for view, answer in actions:
        session.answer(view, answer)
    end = session.answers
    while session.can_undo:
        assert session.undo() is not None
    assert session.answers == start and session.undo() is None
    while session.can_redo:
        session.redo()
    assert session.answers == end and session.redo() is None


def test_a_new_answer_forgets_what_was_undone_and_a_repeated_one_does_not():
    session = Session(2)
    session.answer(0, 1)
    session.answer(1, 2)
    assert session.undo() == 1
    session.answer(0, 1)
    assert session.can_redo
    session.answer(0, 5)
    assert not session.can_redo


@pytest.mark.parametrize("answer", [12, -1, 1.0, True, "dropped", [1]])
def test_other_answers_are_refused(answer):
    with pytest.raises(ValueError, match="none of 0..11"):
        Session(1).answer(0, answer)


@pytest.mark.parametrize("view", [-1, 3, "0", None, True])
def test_other_views_are_refused(view):
    with pytest.raises(ValueError, match=r"none of 0\.\.2"):
        Session(3).answer(view, 0)


def test_a_pause_counts_as_the_longest_pause():
    session = Session(1, seconds=10.0)
    for now in (100.0, 104.0, 5000.0, 5001.5):
        session.tick(now)
    assert session.seconds == 10.0 + 4.0 + LONGEST_PAUSE + 1.5
