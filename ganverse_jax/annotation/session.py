"""One person's pass over candidate views: answers, undo, redo, elapsed time. Pure: no files, no clock."""

from __future__ import annotations

from collections.abc import Sequence

NUM_BINS = 12
DROP = "drop"
LONGEST_PAUSE = 30.0  # seconds; who walks away from the page is not annotating

Answer = int | str | None


def check_answer(answer: object) -> Answer:
    """A bin 0..11, `DROP`, or None (undecided), as given; ValueError for anything else."""
    if answer is None or answer == DROP:
        return answer
    # bool is an int to Python, but no bin
    if type(answer) is int and 0 <= answer < NUM_BINS:
        return answer
    raise ValueError(f'answer {answer!r} is none of 0..{NUM_BINS - 1}, "{DROP}" or null')


class Session:
    """Answers to `num_views` candidate views, with unlimited undo.

    Args: num_views; answers: earlier ones to go on from, one per view; seconds: time already spent.
    Raises ValueError for answers that are none, or not one per view.
    """

    def __init__(self, num_views: int, answers: Sequence[Answer] | None = None, seconds: float = 0.0):
        answers = [None] * num_views if answers is None else list(answers)
        if len(answers) != num_views:
            raise ValueError(f"{len(answers)} answers for {num_views} views")
        self._answers = [check_answer(answer) for answer in answers]
        self._done: list[tuple[int, Answer, Answer]] = []
        self._undone: list[tuple[int, Answer, Answer]] = []
        self._last: float | None = None
        self.seconds = float(seconds)
        self.revision = 0

    @property
    def answers(self) -> tuple[Answer, ...]:
        """One per view: its bin, `DROP`, or None while undecided."""
        return tuple(self._answers)

    @property
    def complete(self) -> bool:
        """Whether every view has an answer."""
        return None not in self._answers

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone action to repeat."""
        return bool(self._undone)

    def answer(self, view: int, answer: Answer) -> int:
        """Give `view` an answer and return the view. Repeating its answer changes nothing, undo included.

        Raises ValueError for a view that is none, or an answer that is none.
        """
        if type(view) is not int or not 0 <= view < len(self._answers):
            raise ValueError(f"view {view!r} is none of 0..{len(self._answers) - 1}")
        before, after = self._answers[view], check_answer(answer)
        if before != after:
            self._done.append((view, before, after))
            self._undone.clear()
            self._set(view, after)
        return view

    def undo(self) -> int | None:
        """Take the last action back; the view it was about, or None when there is none."""
        if not self._done:
            return None
        view, before, _ = action = self._done.pop()
        self._undone.append(action)
        return self._set(view, before)

    def redo(self) -> int | None:
        """Repeat the last undone action; the view it was about, or None when there is none."""
        if not self._undone:
            return None
        view, _, after = action = self._undone.pop()
        self._done.append(action)
        return self._set(view, after)

    def _set(self, view: int, answer: Answer) -> int:
        self._answers[view] = answer
        self.revision += 1
        return view

    def tick(self, now: float) -> None:
        """Count the time since the last tick; `now` in seconds of any clock that only goes forward.

        A gap longer than `LONGEST_PAUSE` counts as that long, so that a break is no work.
        """
        if self._last is not None:
            self.seconds += min(max(now - self._last, 0.0), LONGEST_PAUSE)
        self._last = now
