"""Claims about answers to views, without files, server or browser."""

import pytest

from ganverse_jax.annotation.bins.session import DROP, Session


def test_a_session_is_complete_when_every_view_is_kept_or_dropped():
    session = Session(2)
    session.answer(0, 11)
    assert not session.complete
    session.answer(1, DROP)
    assert session.complete and session.answers == (11, DROP)


@pytest.mark.parametrize("answer", [12, -1, 1.0, True, "dropped", [1]])
def test_other_answers_are_refused(answer):
    with pytest.raises(ValueError, match="none of 0..11"):
        Session(1).answer(0, answer)


@pytest.mark.parametrize("view", [-1, 3, "0", None, True])
def test_other_views_are_refused(view):
    with pytest.raises(ValueError, match=r"none of 0\.\.2"):
        Session(3).answer(view, 0)
