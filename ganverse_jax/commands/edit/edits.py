"""What is asked of a photo: edits, each some frames with a camera and shares of a donor's properties."""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

PROPERTIES = ("shape", "texture", "background")
HANDLES = ("azimuth", "elevation", "scale")
_FRAMES, _MOST_FRAMES = 12, 360  # of a sweep that names no count; of any sweep
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_PART = re.compile(
    rf"(azimuth|elevation|scale)=({_NUMBER})(?::({_NUMBER})(?::(\d+))?)?",
)
_EXAMPLE = "azimuth=0:360:24 or elevation=5:25,azimuth=40"


@dataclasses.dataclass(frozen=True)
class Edit:
    """name: of its files; cameras: by name of HANDLES the values of each frame [f] (degrees, degrees, size of
    the object as a multiple of its own), a handle that is left alone has none; property: whose share [f] in
    [0, 1] is the donor's, "" for none."""

    name: str
    cameras: Mapping[str, np.ndarray]
    property: str
    shares: np.ndarray

    def __len__(self) -> int:
        return len(self.shares)

    def cameras_from(self, own: np.ndarray) -> np.ndarray:
        """Cameras [f 3] (azimuth, elevation in radians, distance) of an object whose own is [3]."""
        frames = np.tile(np.asarray(own, np.float64), (len(self), 1))
        for column, name in enumerate(HANDLES[:2]):
            if name in self.cameras:
                frames[:, column] = np.radians(self.cameras[name])
        if "scale" in self.cameras:
            frames[:, 2] /= self.cameras["scale"]
        return frames

    def labels(self) -> list[str]:
        """What each frame shows, for people."""
        said = [
            [f"{name} {value:.0f}°" if name != "scale" else f"scale {value:.2f}" for value in values]
            for name, values in self.cameras.items()
        ]
        if self.property:
            said.append([f"{100 * share:.0f} % of the donor's {self.property}" for share in self.shares])
        return [", ".join(parts) for parts in zip(*said, strict=True)] if said else ["as it is"] * len(self)


def camera_edit(text: str) -> Edit:
    """The edit of one --camera: comma-separated HANDLE=VALUE or HANDLE=FROM:TO[:COUNT].

    All sweeps of one edit go together and have one count. A whole turn of the azimuth ends before its start,
    so that it can go round for ever. Raises ValueError for anything else.
    """
    parts = [_PART.fullmatch(part.strip()) for part in text.split(",")]
    if not all(parts):
        raise ValueError(f"--camera={text} is not understood; write e.g. {_EXAMPLE}")
    names = [part[1] for part in parts]
    if len(set(names)) < len(names):
        raise ValueError(f"--camera={text} names a handle twice; give another --camera for another sweep")
    sweeps = [part for part in parts if part[3] is not None]
    counts = {int(part[4] or _FRAMES) for part in sweeps} or {1}
    if len(counts) > 1:
        raise ValueError(f"--camera={text} has sweeps of {sorted(counts)} frames; give them one count")
    (count,) = counts
    if not 1 <= count <= _MOST_FRAMES:
        raise ValueError(f"--camera={text} has {count} frames; 1 to {_MOST_FRAMES} are drawn")
    values = {part[1]: _values(part, count) for part in parts}
    _check(values, text)
    told = "_".join(names) if sweeps else "_".join(f"{part[1]}{part[2]}" for part in parts)
    return Edit(told, values, "", np.zeros(count))


def _values(part: re.Match, count: int) -> np.ndarray:
    first = float(part[2])
    last = first if part[3] is None else float(part[3])
    whole = part[1] == "azimuth" and last != first and math.isclose((last - first) % 360, 0, abs_tol=1e-9)
    return np.linspace(first, last, count, endpoint=not whole)


def _check(values: Mapping[str, np.ndarray], text: str) -> None:
    elevation, scale = values.get("elevation", np.zeros(1)), values.get("scale", np.ones(1))
    check_elevations(elevation, f"--camera={text}")
    if not 0.1 <= scale.min() <= scale.max() <= 10:
        raise ValueError(f"--camera={text}: scale is a multiple of the object's own size, 0.1 to 10")


def check_elevations(degrees: np.ndarray | float, told: str) -> None:
    """Raise ValueError, which begins with `told`, for elevations past the poles, or none at all (NaN)."""
    if not np.all(np.abs(degrees) <= 90):
        raise ValueError(f"{told}: elevations lie between -90 and 90 degrees")


def donor_edit(name: str, steps: int) -> Edit:
    """The exchange of a property by equal steps, from the photo's own to the donor's."""
    return Edit(name, {}, name, np.linspace(0.0, 1.0, steps) if steps > 1 else np.ones(1))


def asked(cameras: Sequence[str], donors: Sequence[str], steps: int) -> list[Edit]:
    """The edits of a call: of each --camera, and of each property in `donors`; where neither is given, a turn
    and a rise. Two sweeps of the same handles are numbered."""
    texts = cameras or ([] if donors else ["azimuth=0:360:24", "elevation=0:30"])
    edits = [camera_edit(text) for text in texts] + [donor_edit(name, steps) for name in donors]
    seen: dict[str, int] = {}
    named = []
    for edit in edits:
        seen[edit.name] = seen.get(edit.name, 0) + 1
        name = edit.name if seen[edit.name] == 1 else f"{edit.name}_{seen[edit.name]}"
        named.append(dataclasses.replace(edit, name=name))
    return named
