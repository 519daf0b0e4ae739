"""The one connectivity that every toy car shares: closed parts, and the material of each face."""

from typing import NamedTuple

import numpy as np

from ganverse_jax.classes.toy import shapes

MATERIALS = (
    "paint",
    "deck",
    "stripe",
    "rocker",
    "roof",
    "pillar",
    "glass",
    "side_glass",
    "rear_glass",
    "tyre",
    "hub",
    "dark",
    "bumper",
    "grille",
    "headlight",
    "taillight",
    "plate",
    "trim",
)
STATIONS, SECTION, LEVELS, WHEEL_COLUMNS = 24, 12, 5, 12
BOXES = {  # and their materials
    "headlight_left": "headlight",
    "headlight_right": "headlight",
    "taillight_left": "taillight",
    "taillight_right": "taillight",
    "grille": "grille",
    "bumper_front": "bumper",
    "bumper_rear": "bumper",
    "plate": "plate",
    "underbody": "dark",
    "mirror_left": "trim",
    "mirror_right": "trim",
    "rail_left": "paint",
    "rail_right": "paint",
    "tailgate": "paint",
}


class CarTopology(NamedTuple):
    """Connectivity of every car: faces [f 3] int32, material [f] (index into MATERIALS), closed parts."""

    faces: np.ndarray
    material: np.ndarray
    parts: tuple[shapes.Part, ...]


def _body_materials(t: shapes.Topology) -> np.ndarray:
    names = np.full(len(t.faces), "paint", dtype="<U12")
    side = (t.ring >= 0) & (t.ring < STATIONS - 1)
    top = side & np.isin(t.column, (4, 5, 6))
    names[top & (t.ring < 11)] = "deck"
    names[side & (t.column == 5)] = "stripe"
    names[side & (t.column == 5) & (t.ring < 11)] = "deck"
    names[side & np.isin(t.column, (0, 10))] = "rocker"
    names[side & (t.column == 11)] = "dark"
    return names


def _cabin_materials(t: shapes.Topology) -> np.ndarray:
    names = np.full(len(t.faces), "paint", dtype="<U12")
    names[t.ring >= 2] = "roof"
    window = dict.fromkeys((1, 3, 5, 7), "pillar") | {4: "side_glass", 6: "rear_glass"}
    for face in np.flatnonzero(t.ring == 1):
        column = t.column[face]
        names[face] = window.get(column if column < 9 else 18 - column, "glass")
    return names


def _topology() -> CarTopology:
    body, cabin = shapes.tube(STATIONS, SECTION), shapes.tube(LEVELS, 20)
    wheel, box = shapes.tube(4, WHEEL_COLUMNS), shapes.rounded_box()
    tyre = np.where(wheel.ring == 3, "hub", "tyre")
    entries = [
        ("body", body, _body_materials(body), STATIONS * SECTION),
        ("cabin", cabin, _cabin_materials(cabin), LEVELS * 20),
    ]
    for name in ("wheel_front_right", "wheel_rear_right", "wheel_front_left", "wheel_rear_left"):
        entries.append(
            (name, wheel if name.endswith("right") else shapes.flipped(wheel), tyre, 4 * WHEEL_COLUMNS)
        )
    entries += [(n, box, np.full(len(box.faces), m), 24) for n, m in BOXES.items()]
    faces, parts = shapes.assemble((name, topology, count) for name, topology, _, count in entries)
    material = [MATERIALS.index(m) for _, _, names, _ in entries for m in names]
    return CarTopology(faces, np.array(material, np.int32), parts)


TOPOLOGY = _topology()
