"""One person's pass over what is asked: values, undo, redo, elapsed time. Pure: no files, no clock."""

from collections.abc import Mapping, Sequence
from typing import Any

LONGEST_PAUSE = 30.0  # seconds; who walks away from the page is not annotating


def check_number(name: str, number: object, count: int) -> int:
    """A number 0..count - 1, as given; ValueError that calls it `name` for anything else."""
    if type(number) is not int or not 0 <= number < count:
        raise ValueError(f"{name} {number!r} is none of 0..{count - 1}")
    return number


class History:
    """Slots that each hold a value, with unlimited undo of what changed them, and the time spent.

    A kind of question is a subclass. It says: asked, the name of what is asked; num_open, how much of it has
    no answer; view_of(slot), its view, None for one that is of no single view; and carry_out(command), which
    does its own commands, returns the view and raises ValueError for one that it does not know.

    Args: slots: what they hold at the start; seconds: time already spent.
    """

    asked: str

    def __init__(self, slots: Sequence[Any], seconds: float = 0.0):
        self._slots = list(slots)
        self._done: list[tuple[tuple[int, Any, Any], ...]] = []
        self._undone: list[tuple[tuple[int, Any, Any], ...]] = []
        self._last: float | None = None
        self.seconds = float(seconds)
        self.revision = 0

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone action to repeat."""
        return bool(self._undone)

    @property
    def complete(self) -> bool:
        """Whether nothing that is asked for is open."""
        return not self.num_open

    def change(self, values: Mapping[int, Any]) -> None:
        """One action: give slots new values. Where nothing changes there is no action, for undo included."""
        action = tuple((slot, self._slots[slot], value) for slot, value in values.items()
                       if self._slots[slot] != value)  # fmt: skip
        if action:
            self._done.append(action)
            self._undone.clear()
            self._set({slot: after for slot, _, after in action})

    def undo(self) -> int | None:
        """Take the last action back; the first slot it was about, or None when there is none."""
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._set({slot: before for slot, before, _ in self._undone[-1]})

    def redo(self) -> int | None:
        """Repeat the last undone action; the first slot it was about, or None when there is none."""
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self._set({slot: after for slot, _, after in self._done[-1]})

    def _set(self, values: Mapping[int, Any]) -> int:
        for slot, value in values.items():
            self._slots[slot] = value
        self.revision += 1
        return min(values)

    def tick(self, now: float) -> None:
        """Count the time since the last tick; `now` in seconds of any clock that only goes forward.

        A gap longer than `LONGEST_PAUSE` counts as that long, so that a break is no work.
        """
        if self._last is not None:
            self.seconds += min(max(now - self._last, 0.0), LONGEST_PAUSE)
        self._last = now

    def act(self, command: Mapping[str, Any]) -> int | None:
        """Carry out a page's command: {"do": "undo"}, "redo" or "finish" alike, or one of `carry_out`.

        Returns the view it was about. Raises ValueError for anything else, and for a finish too early.
        """
        action = command.get("do")
        if action in ("undo", "redo"):
            slot = self.undo() if action == "undo" else self.redo()
            return None if slot is None else self.view_of(slot)
        if action != "finish":
            return self.carry_out(command)
        if self.num_open:
            raise ValueError(f"{self.num_open} {self.asked} have no answer yet")
        return None

    def state(self) -> dict[str, Any]:
        """What a page needs to know, as plain JSON."""
        return {
            "revision": self.revision,
            "seconds": round(self.seconds, 1),
            "can_undo": self.can_undo,
            "can_redo": self.can_redo,
        }
