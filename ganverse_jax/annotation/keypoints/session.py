"""One person's clicks on the named points of one object in all its views. Pure: no files, no clock."""

from collections.abc import Mapping, Sequence
from typing import Any

from ganverse_jax.annotation.session import History, check_number
from ganverse_jax.annotation.view_records import is_number

HIDDEN = "hidden"

# Pixels (x, y) of the picture, (0, 0) its upper left corner, pixel centres at halves; or HIDDEN; or open.
Point = tuple[float, float] | str | None


def check_point(point: object, size: tuple[int, int]) -> Point:
    """A point of a picture of `size` (height, width), `HIDDEN` or None; pixels rounded to a hundredth.

    Raises ValueError for anything else, and for a point outside.
    """
    if point is None or point == HIDDEN:
        return point
    numbers = isinstance(point, (list, tuple)) and len(point) == 2
    if not numbers or not all(map(is_number, point)):
        raise ValueError(f'point {point!r} is no [x, y] in pixels, "{HIDDEN}" or null')
    x, y = point
    if not (0 <= x <= size[1] and 0 <= y <= size[0]):
        raise ValueError(f"point [{x:g}, {y:g}] lies outside the picture of {size[1]} x {size[0]} pixels")
    return round(float(x), 2), round(float(y), 2)


class KeypointSession(History):
    """Where the `num_points` points of one object lie in `num_views` views; a slot for the object, since
    another one begins anew, then one per view and point.

    Args: size: (height, width) of the pictures; num_contents: objects to choose among; kept: the views that
    are asked for (None: all); content: the object; points: earlier ones per view; seconds: time already
    spent. A view whose points are all hidden is dropped. Raises ValueError for points that are none.
    """

    asked = "points"

    def __init__(
        self,
        num_views: int,
        num_points: int,
        size: tuple[int, int],
        *,
        num_contents: int = 1,
        kept: Sequence[int] | None = None,
        content: int = 0,
        points: Sequence[Sequence[Point]] | None = None,
        seconds: float = 0.0,
    ):
        self.size, self.num_views, self.num_points = size, num_views, num_points
        self.num_contents = num_contents
        self.kept = tuple(range(num_views) if kept is None else kept)
        rows = [[None] * num_points] * num_views if points is None else points
        if [len(row) for row in rows] != [num_points] * num_views:
            raise ValueError(f"the points are not {num_points} for each of {num_views} views")
        checked = [check_point(point, size) for row in rows for point in row]
        super().__init__([check_number("object", content, num_contents), *checked], seconds)

    @property
    def content(self) -> int:
        """The object that the points belong to."""
        return self._slots[0]

    @property
    def points(self) -> tuple[tuple[Point, ...], ...]:
        """Per view its points in pixels, `HIDDEN`, or None while undecided."""
        n, slots = self.num_points, self._slots[1:]
        return tuple(tuple(slots[view * n : (view + 1) * n]) for view in range(self.num_views))

    @property
    def num_open(self) -> int:
        """How many points of the kept views are undecided."""
        points = self.points
        return sum(points[view].count(None) for view in self.kept)

    def view_of(self, slot: int) -> int | None:
        """The view of a slot; None for the object's."""
        return (slot - 1) // self.num_points if slot else None

    def put(self, view: int, values: Mapping[int, Point]) -> int:
        """One action: decide points of a view; returns the view. Raises ValueError for what is none."""
        first = 1 + check_number("view", view, self.num_views) * self.num_points
        self.change({first + check_number("point", point, self.num_points): check_point(value, self.size)
                     for point, value in values.items()})  # fmt: skip
        return view

    def choose(self, content: int) -> None:
        """Take another object: the points of the one before are taken away, in one action."""
        if check_number("object", content, self.num_contents) != self.content:
            self.change({0: content} | dict.fromkeys(range(1, len(self._slots))))

    def carry_out(self, command: Mapping[str, Any]) -> int | None:
        """{"do": "point", "view": i, "point": k, "at": [x, y] | "hidden" | null}, {"do": "hide", "view": i}
        (what is open in it), {"do": "drop", "view": i} (all of it hidden), {"do": "object", "object": c}."""
        action, view = command.get("do"), command.get("view")
        if action == "point":
            return self.put(view, {command.get("point"): command.get("at")})
        if action in ("hide", "drop"):
            row = self.points[check_number("view", view, self.num_views)]
            hidden = [k for k, point in enumerate(row) if action == "drop" or point is None]
            return self.put(view, dict.fromkeys(hidden, HIDDEN))
        if action != "object":
            raise ValueError(f"unknown command {action!r}")
        self.choose(command.get("object"))
        return None

    def state(self) -> dict[str, Any]:
        """As `History.state`, with the points of all views and the object."""
        return super().state() | {"points": self.points, "object": self.content}
