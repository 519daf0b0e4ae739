"""Annotations of Pascal3D+ (Xiang et al. 2014, release 1.1): the MATLAB records and their viewpoints.

A .mat file holds `record` with `filename`, `imgsize` (width, height, depth) and `objects`, a struct array of

    class, bbox (x1 y1 x2 y2), truncated, occluded, difficult,
    anchors.<name>.{location (x y, empty where unseen), status (1: visible)},
    viewpoint.{azimuth, elevation, theta (degrees), distance, focal, viewport, px, py,
               azimuth_coarse, elevation_coarse, ...}

A viewpoint was fitted to the anchors, or, where there were too few, only the coarse angles were chosen by
hand: then `distance` is 0. The CAD models have +z up, their front at -y and a bounding box of diagonal 1; a
car is about 0.87 long. The camera

    C = d (cos e sin a, -cos e cos a, sin e)

looks at the origin with focal length focal * viewport = 3000 pixels (a convention of the release, nearly an
affine camera); the picture is turned by theta against the clock about the principal point (px, py), where the
origin is seen. Our axes (+y up, front at +z) are (X, Y, Z) = (x, z, -y): the eye becomes
r (sin az cos el, sin el, cos az cos el) with a and e as they are. "left" anchors lie at -X, on the side that
azimuth 270 shows.

MATLAB counts pixels from 1 at their centres; here the first pixel's centre is (0.5, 0.5).
"""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.runtime.machine import raise_if_machines

_VIEWPOINT = ("azimuth", "elevation", "distance", "theta", "px", "py", "focal", "viewport")


class Viewpoint(NamedTuple):
    """Radians; distance in CAD units; focal in pixels; principal (x, y) in the picture."""

    azimuth: float
    elevation: float
    distance: float
    theta: float
    focal: float
    principal: tuple[float, float]


class AnnotatedObject(NamedTuple):
    """One object of a picture: its number there, box (x1, y1, x2, y2) in the picture, flags of those that are
    set among truncated, occluded, difficult; viewpoint, or None and `missing` = what it lacks; keypoints
    name -> (x, y), visible ones alone; keypoint_names: all that its class has."""

    number: int
    box: tuple[float, float, float, float]
    flags: tuple[str, ...]
    viewpoint: Viewpoint | None
    missing: str
    keypoints: dict[str, tuple[float, float]]
    keypoint_names: tuple[str, ...]


class Record(NamedTuple):
    """A picture's file name, its size (width, height), None where it is not told, and its objects of one
    class."""

    filename: str
    size: tuple[int, int] | None
    objects: list[AnnotatedObject]


def read_record(path: Path, object_class: str) -> Record:
    """Read one annotation. Raises FileNotFoundError, or ValueError that names the file: truncated, no MATLAB
    file, no such record."""
    from scipy.io import loadmat

    if not path.is_file():
        raise FileNotFoundError(f"no annotation at {path}; unpack the release again")
    try:
        record = loadmat(path, simplify_cells=True)["record"]
        objects = record["objects"]
        objects = [objects] if isinstance(objects, dict) else list(objects)
        found = [
            _object(number, entry)
            for number, entry in enumerate(objects)
            if str(entry["class"]) == object_class
        ]
        sides = np.asarray(record.get("imgsize", ()), float).ravel()[:2]
        size = tuple(sides.astype(int).tolist()) if len(sides) == 2 else None
        return Record(str(record["filename"]), size, found)
    except Exception as error:  # scipy's reader raises whatever the broken bytes make it raise
        raise_if_machines(error)
        raise ValueError(
            f"{path} is no readable Pascal3D+ annotation ({type(error).__name__}: {error}); unpack the "
            "release again"
        ) from error


def _object(number: int, entry: dict[str, Any]) -> AnnotatedObject:
    box = np.asarray(entry["bbox"], float)
    if box.shape != (4,) or not (np.isfinite(box).all() and (box[2:] > box[:2]).all()):
        raise ValueError(f"object {number} has the box {box.tolist()}")
    flags = tuple(name for name in ("truncated", "occluded", "difficult") if _number(entry.get(name)))
    viewpoint, missing = _viewpoint(entry.get("viewpoint"))
    anchors = entry.get("anchors")
    anchors = anchors if isinstance(anchors, dict) else {}
    keypoints = {}
    for name, anchor in anchors.items():
        location = np.asarray(anchor["location"], float)
        if _number(anchor["status"]) == 1 and location.shape == (2,):
            keypoints[name] = (float(location[0]) - 0.5, float(location[1]) - 0.5)
    # Whole pixels x1..x2, both included.
    corners = (box[0] - 1, box[1] - 1, box[2], box[3])
    names = tuple(sorted(anchors))
    return AnnotatedObject(number, tuple(map(float, corners)), flags, viewpoint, missing, keypoints, names)


def _number(value: Any) -> float:
    """A scalar; 0 for an empty field."""
    array = np.asarray(0 if value is None else value, float)
    return float(array) if array.size == 1 else 0.0


def _viewpoint(entry: Any) -> tuple[Viewpoint | None, str]:
    if not isinstance(entry, dict):
        return None, "no_viewpoint"
    values = {}
    for name in _VIEWPOINT:
        array = np.asarray(entry.get(name, ()), float)
        values[name] = float(array) if array.size == 1 else math.nan
    if values["distance"] == 0 or (math.isnan(values["distance"]) and "azimuth_coarse" in entry):
        return None, "coarse_viewpoint"
    focal = values["focal"] * values["viewport"]
    if not (all(map(math.isfinite, values.values())) and values["distance"] > 0 and focal > 0):
        return None, "no_viewpoint"
    angles = (math.radians(values[name]) for name in ("azimuth", "elevation"))
    principal = (values["px"] - 0.5, values["py"] - 0.5)
    return Viewpoint(*angles, values["distance"], math.radians(values["theta"]), focal, principal), ""
