"""One person's answers to candidate views. Pure: no files, no clock."""

from collections.abc import Mapping, Sequence
from typing import Any

from ganverse_jax.annotation.session import History, check_number
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS

DROP = "drop"

Answer = int | str | None


def check_answer(answer: object) -> Answer:
    """A bin 0..11, `DROP`, or None (undecided), as given; ValueError for anything else."""
    if answer is None or answer == DROP:
        return answer
    # bool is an int to Python, but no bin
    if type(answer) is int and 0 <= answer < NUM_AZIMUTH_BINS:
        return answer
    raise ValueError(f'answer {answer!r} is none of 0..{NUM_AZIMUTH_BINS - 1}, "{DROP}" or null')


class Session(History):
    """Answers to `num_views` candidate views; a slot per view.

    Args: num_views; answers: earlier ones to go on from, one per view; seconds: time already spent.
    Raises ValueError for answers that are none, or not one per view.
    """

    def __init__(self, num_views: int, answers: Sequence[Answer] | None = None, seconds: float = 0.0):
        answers = [None] * num_views if answers is None else list(answers)
        if len(answers) != num_views:
            raise ValueError(f"{len(answers)} answers for {num_views} views")
        super().__init__([check_answer(answer) for answer in answers], seconds)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """One per view: its bin, `DROP`, or None while undecided."""
        return tuple(self._slots)

    def answer(self, view: int, answer: Answer) -> int:
        """Give `view` an answer and return the view. Repeating its answer changes nothing, undo included.

        Raises ValueError for a view that is none, or an answer that is none.
        """
        self.change({check_number("view", view, len(self._slots)): check_answer(answer)})
        return view

    asked = "views"

    def view_of(self, slot: int) -> int:
        """A view's slot has its number."""
        return slot

    @property
    def num_open(self) -> int:
        """How many views have no answer."""
        return self._slots.count(None)

    def carry_out(self, command: Mapping[str, Any]) -> int:
        """{"do": "answer", "view": i, "answer": a}; see `answer`."""
        if command.get("do") != "answer":
            raise ValueError(f"unknown command {command.get('do')!r}")
        return self.answer(command.get("view"), command.get("answer"))

    def state(self) -> dict[str, Any]:
        """As `History.state`, with the answers."""
        return super().state() | {"answers": self.answers}
