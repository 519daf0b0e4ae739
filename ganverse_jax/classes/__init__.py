"""Everything that is true of one class of objects: a folder each, which declares an `ObjectClass` as CLASS.

A class of one's own is plugged in with `register`.
"""

import difflib
import importlib

from ganverse_jax.classes.object_class import ObjectClass, World
from ganverse_jax.classes.solids import generic

__all__ = ["ObjectClass", "World", "get", "labels", "make_world", "names", "register"]

_FOLDERS = ("car", "horse", "bird")
_registered = {"generic": ObjectClass("generic", "objects", generic)}


def register(object_class: ObjectClass) -> None:
    """Make a class known by its name."""
    _registered[object_class.name] = object_class


def names() -> tuple[str, ...]:
    """Of all known classes; "generic" draws anything with a front."""
    return (*_FOLDERS, *(name for name in _registered if name not in _FOLDERS))


def get(name: str) -> ObjectClass:
    """The class of that name. Raises ValueError for an unknown one."""
    if name in _FOLDERS and name not in _registered:
        register(importlib.import_module(f"{__name__}.{name}").CLASS)
    if name not in _registered:
        near = difflib.get_close_matches(str(name), names(), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(names())}"
        raise ValueError(f"object_class = {name!r} is unknown; {hint}")
    return _registered[name]


def labels(card: str) -> dict[str, int]:
    """The ids that a family of Mask R-CNN exports has for the known classes."""
    known = map(get, names())
    return {each.name: each.labels[card] for each in known if card in each.labels}


def check_pose(kind: ObjectClass, pose: str) -> None:
    """Raise ValueError for a frozen pose of a class that is not articulated."""
    if pose != "free" and not kind.articulated:
        raise ValueError(f"world.pose = {pose!r}, but {kind.plural} have no joints; set it to 'free'")


def make_world(name: str, resolution: int, split: str = "train", pose: str = "free", **settings) -> World:
    """The toy world of a class; settings: seed, fov_degrees, distance.

    Raises ValueError for a class without one, or for a frozen pose of one that is not articulated.
    """
    found = get(name)
    if found.world is None:
        having = ", ".join(each for each in names() if get(each).world is not None)
        raise ValueError(f"there is no toy world of {found.plural}; object_class can be {having} for that")
    check_pose(found, pose)
    if found.articulated:
        settings["pose"] = pose
    return found.world(resolution=resolution, split=split, **settings)
