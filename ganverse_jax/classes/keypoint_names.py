"""The points of each class that a person clicks, in the order in which they are asked for.

Left and right are the object's own, as its driver or the animal has them: left is the +x side, seen from
azimuth 90 degrees (`page.name_of`). Every point is one that a photograph shows as a spot, not as an outline.
"""

CAR = (
    "left headlight",
    "right headlight",
    "left front bumper corner",
    "right front bumper corner",
    "left front wheel centre",
    "right front wheel centre",
    "left mirror",
    "right mirror",
    "left lower windscreen corner",
    "right lower windscreen corner",
    "left upper windscreen corner",
    "right upper windscreen corner",
    "left rear roof corner",
    "right rear roof corner",
    "left rear wheel centre",
    "right rear wheel centre",
    "left tail light",
    "right tail light",
    "left rear bumper corner",
    "right rear bumper corner",
)
HORSE = (
    "nose",
    "left eye",
    "right eye",
    "left ear tip",
    "right ear tip",
    "withers",
    "left elbow",
    "right elbow",
    "left front knee",
    "right front knee",
    "left front hoof",
    "right front hoof",
    "left stifle",
    "right stifle",
    "left hock",
    "right hock",
    "left hind hoof",
    "right hind hoof",
    "tail root",
)
BIRD = (
    "beak tip",
    "left eye",
    "right eye",
    "crown",
    "nape",
    "throat",
    "breast",
    "belly",
    "left wing shoulder",
    "right wing shoulder",
    "left wing tip",
    "right wing tip",
    "left foot",
    "right foot",
    "tail tip",
)
NAMES: dict[str, tuple[str, ...]] = {"car": CAR, "horse": HORSE, "bird": BIRD}


def mirror_pairs(kind: str) -> tuple[tuple[int, int], ...]:
    """The pairs (left, right) of indices into NAMES[kind] that the object's mirror plane x = 0 exchanges.

    Raises ValueError for a class without a list.
    """
    if kind not in NAMES:
        raise ValueError(f"no keypoints of {kind!r} are named; choose one of {', '.join(NAMES)}")
    names = NAMES[kind]
    return tuple(
        (index, names.index(name.replace("left ", "right ", 1)))
        for index, name in enumerate(names)
        if name.startswith("left ")
    )
