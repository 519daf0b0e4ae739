"""The page on which a person clicks named points: a large picture beside the class's drawings."""

from collections.abc import Sequence

from ganverse_jax import classes
from ganverse_jax.annotation import icons
from ganverse_jax.annotation.keypoints.places import best_bins, places
from ganverse_jax.annotation.keypoints.store import Task
from ganverse_jax.annotation.page import annotator_page, filled, own
from ganverse_jax.pages.markup import escape
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS

_CONTENTS = 8  # pictures in the row of objects, so that a few of them are no larger


def build_keypoint_page(task: Task, *, title: str, command: str, needed: int) -> str:
    """The page's HTML.

    title: of the run; command: what to type afterwards; needed: visible points that a camera needs.
    """
    names, (height, width), drawings = task.names, task.size, icons.svg_symbols(task.kind)
    facts = {
        "drawings": [drawings[f"bin{b}"] for b in range(NUM_AZIMUTH_BINS)],
        "views": [
            {"number": view, "id": task.candidates.views[view]["id"],
             "bin": task.answers[view] if task.answers[view] in range(NUM_AZIMUTH_BINS) else None}
            for view in task.kept
        ],
        "candidates": len(task.pictures), "contents": len(task.seeds), "width": width, "height": height,
        "points": [{"name": name, "side": _side(name)} for name in names],
        "places": [[place._asdict() for place in row] for row in places(task.kind)],
        "best": best_bins(task.kind),
        "sides": [icons.name_of(b) for b in range(NUM_AZIMUTH_BINS)], "needed": needed,
    }  # fmt: skip
    content = {
        "task": "Click keypoints",
        "progress": "Points decided",
        "counted": "points",
        "shown": own("viewer.html").rstrip(),
        "done": "All points are decided",
        "finishing": "writes the points, closes the annotator and solves the cameras",
        "controls": filled(
            "keypoints.html", {"frame": _frame(task.kind), "points": _point_buttons(names, task.kind)}
        ),
    }
    layout = {"contents": max(len(task.seeds), _CONTENTS), "aspect": f"{width} / {height}"}
    return annotator_page(
        content,
        title=title,
        command=command,
        facts=facts,
        script=own("viewer.js") + own("keypoints.js"),
        style=filled("keypoints.css", layout),
        kind="keypoints",
    )


def _frame(kind: str) -> str:
    """The view box that holds the class from all sides, with room for a spot on its border."""
    drawings = (icons.draw(kind, icons.bin_azimuth(b)) for b in range(NUM_AZIMUTH_BINS))
    heights = [y for drawing in drawings for _, points in drawing for _, y in points]
    return f"0 {min(heights) - 4:g} {icons.SIZE:g} {max(heights) - min(heights) + 8:g}"


def _side(name: str) -> str:
    side = name.split()[0]
    return side if side in ("left", "right") else "middle"


def _point_buttons(names: Sequence[str], kind: str) -> str:
    """A row per pair with the left point's button, its name and the right one's; a wide button for others."""
    right_of = dict(classes.get(kind).mirror_pairs)
    rows = []
    for point, name in enumerate(names):
        if point in right_of:
            both = (f'<button class="{_side(names[k])}" data-point="{k}"></button>'
                    for k in (point, right_of[point]))  # fmt: skip
            rows.append(f"<span>{escape(name.split(' ', 1)[1])}</span>".join(both))
        elif point not in right_of.values():
            rows.append(f'<button class="middle" data-point="{point}">{escape(name)}</button>')
    return "\n".join(rows)
