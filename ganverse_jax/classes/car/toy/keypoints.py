"""Named points of a toy car.

Names are a side, as the driver has it (left is +x, which the parts' own names call right), and a spot, e.g.
"left rear wheel centre".
"""

import numpy as np

from ganverse_jax.classes.car.toy.topology import LEVELS, TOPOLOGY, WHEEL_COLUMNS

_COLUMNS = 20  # of the cabin's rings


def _box(corner_sign: tuple[int, int, int], *axes: int) -> list[int]:
    """Vertices of a rounded box on the sides `axes`, at the corners with these signs (0: both)."""
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    fits = np.all((signs == corner_sign) | (np.array(corner_sign) == 0), axis=1)
    return [3 * int(corner) + axis for corner in np.flatnonzero(fits) for axis in axes]


def _cabin(level: int, column: int) -> list[int]:
    return [level * _COLUMNS + column]


_HUB = [3 * WHEEL_COLUMNS + column for column in range(WHEEL_COLUMNS)]
# Spot on the left: the part that has it and the vertices in the part whose mean it is.
SPOTS: dict[str, tuple[str, list[int]]] = {
    "headlight": ("headlight_right", _box((0, 0, 1), 2)),
    "front bumper corner": ("bumper_front", _box((1, 0, 1), 0, 2)),
    "front wheel centre": ("wheel_front_right", _HUB),
    "mirror": ("mirror_right", _box((1, 0, 0), 0)),
    "lower windscreen corner": ("cabin", _cabin(1, 1)),
    "upper windscreen corner": ("cabin", _cabin(2, 1)),
    "rear roof corner": ("cabin", _cabin(LEVELS - 2, 8)),
    "rear wheel centre": ("wheel_rear_right", _HUB),
    "tail light": ("taillight_right", _box((0, 0, -1), 2)),
    "rear bumper corner": ("bumper_rear", _box((1, 0, -1), 0, 2)),
}


def locate(vertices: np.ndarray, names) -> np.ndarray:
    """The points [n 3] called `names` of a car's vertices [v 3] (all of `TOPOLOGY`).

    Raises ValueError for a name that no toy car has.
    """
    parts = {part.name: part.vertices for part in TOPOLOGY.parts}
    points = []
    for name in names:
        side, _, spot = name.partition(" ")
        if side not in ("left", "right") or spot not in SPOTS:
            raise ValueError(f"toy cars have no keypoint {name!r}; left or right and {', '.join(SPOTS)}")
        part, rows = SPOTS[spot]
        mirror = 1.0 if side == "left" else -1.0  # every car is symmetric
        points.append(vertices[parts[part]][rows].mean(axis=0) * (mirror, 1, 1))
    return np.array(points, np.float64)
