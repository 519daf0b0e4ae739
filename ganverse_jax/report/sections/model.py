"""Sections on the inverse graphics network: meshes to turn, reconstructions, cameras."""

from typing import Any

import numpy as np

from ganverse_jax.pages import dial, markup, turntables
from ganverse_jax.pages.markup import ReportError, Section, details, escape, figure, number, placeholder
from ganverse_jax.pages.meshes import load_meshes
from ganverse_jax.pages.pictures import Pictures
from ganverse_jax.pages.viewer import viewer
from ganverse_jax.report.artefacts import Run, StageArtefacts

NAME, POSED = "inverse_graphics", "inverse_graphics_posed"
RECONSTRUCTIONS = {
    NAME: (
        "reconstructions",
        "From one picture to all sides",
        "Input on the left; everything to the right is a rendered mesh.",
    ),
    POSED: (
        "posed",
        "The same training where the truth is known",
        "Rendered objects instead of the GAN’s, their exact cameras replaced by the 12 bins: the figures "
        "against the truth (cameras, Chamfer distance, novel views) come from this run.",
    ),
}
MAX_CAMERAS = 100
SIX_VIEWS = ("0°", "60°", "120°", "180°", "240°", "300°")


def viewer_section(run: Run, pictures: Pictures, limit: int = 8) -> Section:
    """Predicted meshes, to be turned with the mouse."""
    title = "Turn one yourself"
    lede = "A mesh and a texture, predicted from one picture each, drawn by this page itself."
    textures = Pictures(max_side=256 if pictures.max_side > 128 else 128, quality=pictures.quality)
    meshes = load_meshes(run.stages[NAME].directory / "meshes", textures, limit)
    if not meshes:
        return Section("viewer", title, lede, placeholder(NAME, "A textured mesh to turn"), ran=False)
    thumbnails = [_thumbnail(run.stages[NAME], mesh["name"], pictures) for mesh in meshes]
    body = viewer(meshes, thumbnails, files="The files under inverse_graphics/meshes")
    caption = "Drag to turn, wheel to zoom, arrow keys work too. Look at the side the picture did not show."
    return Section("viewer", title, lede, figure(body, caption, "wide"))


def _thumbnail(stage: StageArtefacts, name: str, pictures: Pictures) -> str:
    """The input picture that a mesh named `..._3` or `03` came from, when there is one."""
    inputs = stage.pictures("inputs", 1)
    digits = "".join(c for c in name[-3:] if c.isdigit())
    if inputs is None or not digits or int(digits) >= len(inputs):
        return ""
    return pictures.img(inputs[int(digits)], f"Input picture of {name}")


def reconstruction_section(run: Run, pictures: Pictures, name: str = NAME) -> Section:
    """The paper's Fig. 4: input, the same view rendered, six sides; the shape alone; textures.

    `name`: of the stage, trained on the GAN's images or on posed renders.
    """
    stage = run.stages[name]
    identifier, title, lede = RECONSTRUCTIONS[name]
    inputs = stage.pictures("inputs", 1)
    if inputs is None:
        return Section(identifier, title, lede, placeholder(name, "Reconstructions"), ran=False)
    rendered, views = stage.pictures("reconstructions", 1), stage.pictures("views", 2)
    shapes = stage.pictures("shape_views", 2)
    sides = max((v.shape[1] for v in (views, shapes) if v is not None), default=0)
    names = SIX_VIEWS if sides == 6 else tuple(f"view {i + 1}" for i in range(sides))
    rows, alts = [], []
    for n in range(min(len(inputs), 5)):
        rows.append([inputs[n], _at(rendered, n), *_row(views, n, sides)])
        turned = [f"Reconstruction {n + 1} from azimuth {side}" for side in names]
        alts.append([f"Input {n + 1}", f"Reconstruction {n + 1} in the view of the input", *turned])
        if shapes is not None and n < len(shapes):
            rows.append([None, None, *_row(shapes, n, sides)])
            alts.append(["", "", *(f"Shape {n + 1} without texture from azimuth {side}" for side in names)])
    cutout = {(r, c): "cutout" for r in range(len(rows)) for c in range(1, 2 + sides)}
    turning = turntables.sheet(stage.directory / "meshes", pictures, 8)
    body = (
        figure(turning, f"Turned once round: texture, and shape alone. {turntables.HOLD}") if turning else ""
    )
    body += figure(
        pictures.grid(rows, alts, columns=("input", "same view", *names), gaps=(1, 2), classes=cutout),
        "As the paper’s Fig. 4: the input, its reconstruction in the same view, and six sides; below each "
        "the shape alone. The same-view column is easy; the far sides tell whether the object is whole.",
        "wide",
    )
    return Section(identifier, title, lede, body + _textures(stage, pictures) + _light(stage, pictures))


def _textures(stage: StageArtefacts, pictures: Pictures) -> str:
    textures = stage.pictures("textures", 1)
    if textures is None:
        return ""
    return figure(
        pictures.sheet(textures, "Texture map", 8, "textures"),
        "Predicted textures, unrolled round the vertical axis: the front in the middle, the back at both "
        "edges.",
    )


def _light(stage: StageArtefacts, pictures: Pictures) -> str:
    """The paper's Fig. K, where light is predicted; "" elsewhere."""
    keys = {
        "input": "inputs",
        "with light": "reconstructions",
        "texture alone": "unlit",
        "light on the shape": "clay_lit",
        "light on a sphere": "sphere_lit",
    }
    columns = {head: stage.pictures(key, 1) for head, key in keys.items()}
    if any(column is None for column in columns.values()):
        return ""
    rows = [list(row) for row in zip(*columns.values(), strict=True)][:5]
    alts = [[f"Object {n + 1}, {head}" for head in columns] for n in range(len(rows))]
    cutout = {(r, c): "cutout" for r in range(len(rows)) for c in range(1, len(columns))}
    caption = (
        "As the paper’s Fig. K: the render with the predicted light, its texture alone, and the light alone "
        "on grey clay, as bright as shows it best. What only the texture shows of light and shadow, the "
        "light has failed to explain."
    )
    grid = pictures.grid(rows, alts, columns=tuple(columns), classes=cutout, gaps=(1, 3))
    return f"<h3>Light</h3>{figure(grid, caption, 'light')}"


def failures_section(run: Run, pictures: Pictures) -> Section:
    """The paper's Fig. O: the worst test cases by the stage's own figures."""
    stage = run.stages[NAME]
    title = "Where it fails"
    lede = "The worst of the test pictures, found by their figures and not by choice."
    inputs, value = stage.pictures("failures_inputs", 1), stage.figures.get("failures_value")
    by = stage.figures.get("failures_by")
    if inputs is None or value is None or by is None:
        return Section("failures", title, lede, placeholder(NAME, "The worst test cases"), ran=False)
    columns = {
        "input": inputs,
        "same view": stage.pictures("failures_reconstructions", 1),
        "another view": stage.pictures("failures_others", 1),
        "rendered": stage.pictures("failures_other_views", 1),
    }
    columns = {name: column for name, column in columns.items() if column is not None}
    views = stage.pictures("failures_views", 2)
    sides = 0 if views is None else views.shape[1]
    heads = (*columns, *(f"{360 * side // sides}°" for side in range(sides)))
    names = [f"{name} {number(float(figure))}" for name, figure in zip(by.tolist(), value, strict=True)]
    rows = [
        [*(_at(column, n) for column in columns.values()), *_row(views, n, sides)] for n in range(len(inputs))
    ]
    alts = [[f"Failure {n + 1}, {head}" for head in heads] for n in range(len(rows))]
    cut = [c for c, head in enumerate(heads) if head not in ("input", "another view")]
    classes = {(r, c): "cutout" for r in range(len(rows)) for c in cut}
    gaps = [c for c in (1, 2, len(columns)) if c < len(heads)]
    body = figure(
        pictures.grid(rows, alts, columns=heads, row_names=names, classes=classes, gaps=sorted(set(gaps))),
        "As the paper’s Fig. O. First the objects whose mesh covers their own input worst (2D IOU), then "
        "those whose colours are most wrong in a view that the network did not see.",
        "wide",
    )
    return Section("failures", title, lede, body)


def _at(array: np.ndarray | None, n: int) -> np.ndarray | None:
    return array[n] if array is not None and n < len(array) else None


def _row(views: np.ndarray | None, n: int, sides: int) -> list[np.ndarray | None]:
    present = list(views[n]) if views is not None and n < len(views) else []
    return present + [None] * (sides - len(present))


def _camera(record: dict[str, Any]) -> dict[str, float | None]:
    angles = {name: float(record[f"{name}_degrees"]) for name in ("azimuth", "elevation")}
    if not all(np.isfinite(angle) for angle in angles.values()):
        raise ValueError(f"camera angles {angles} are not finite")
    return angles | {"distance": record.get("distance"), "offset": record.get("offset")}


def read_cameras(stage: StageArtefacts) -> list[dict[str, Any]]:
    """Views of cameras.json, checked: each has "id", "before", "after" and "regressor" (or None) with
    azimuth, elevation in degrees, distance and offset (or None); [] where there is no file."""
    content = stage.json("cameras.json")
    if content is None:
        return []
    try:
        return [
            {"id": view.get("id", index)}
            | {key: _camera(view[key]) for key in ("before", "after")}
            | {"regressor": _camera(view["regressor"]) if view.get("regressor") else None}
            for index, view in enumerate(content["views"])
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReportError(
            f"cameras.json does not hold views with before/after azimuth and elevation ({error!r}); delete "
            f"it and run the {stage.name} stage again ({stage.directory / 'cameras.json'})"
        ) from error


def cameras_section(run: Run) -> Section:
    """Cameras at the start and after they were optimised with the network."""
    title = "Cameras, before and after"
    lede = (
        "All cameras start in one of twelve bins at elevation 0 and are optimised together with the network."
    )
    views = read_cameras(run.stages[NAME])
    if not views:
        return Section("cameras", title, lede, placeholder(NAME, "The cameras"), ran=False)
    if run.takes_cameras:
        lede = "Every camera was asked of the GAN; training began there and moved it with the network."
    elif any(view["before"]["elevation"] for view in views):
        lede = "Cameras were given with the pictures; training began there."
    if len(views) > MAX_CAMERAS:
        shown = views[:: -(-len(views) // MAX_CAMERAS)]
        lede += f" Of {len(views):,} views {len(shown)} are shown."
        views = shown
    regressed = any(v["regressor"] for v in views)
    key = (
        '<span class="key"><i class="k-before"></i>start</span>'
        '<span class="key"><i class="k-after"></i>optimised</span>'
        + '<span class="key"><i class="k-regressor">×</i>pose regressor</span>'
        * regressed
    )
    drawing = (
        f'<div class="dials"><div>{dial.azimuth_dial(views)}</div><div>{dial.elevation_strip(views)}'
        f'<p class="keys">{key}</p>{_camera_sentence(views)}</div></div>'
    )
    caption = (
        "Left: azimuths seen from above, the start on the ring, the optimised camera inside, joined by a "
        f"line. Right: elevations. {_look(views)}"
    )
    body = figure(drawing, caption, "wide") + details(
        f"These {len(views)} cameras as a table", _camera_table(views, regressed)
    )
    return Section("cameras", title, lede, body)


def _look(views: list[dict[str, Any]]) -> str:
    """What to look for in the dials."""
    if any(view["before"]["elevation"] for view in views):
        return "Look whether any camera leaves the place it was given."
    return "Bins start at elevation 0, known to be wrong; look whether the cameras rise together."


def _camera_sentence(views: list[dict[str, Any]]) -> str:
    moves = [abs(dial.turn_between(v["before"]["azimuth"], v["after"]["azimuth"])) for v in views]
    rises = [v["after"]["elevation"] for v in views]
    return (
        f'<p class="note">{len(views)} views. Azimuth moved by {number(float(np.mean(moves)), 2)}° on '
        f"average and {number(float(np.max(moves)), 2)}° at most; elevations end between "
        f"{number(float(min(rises)), 2)}° and {number(float(max(rises)), 2)}°.</p>"
    )


def _camera_table(views: list[dict[str, Any]], regressed: bool) -> str:
    header = ["view", "start az.", "optimised az.", "moved", "elevation", "distance"]
    moved = any(view["after"]["offset"] for view in views)
    header += ["offset x, y"] if moved else []
    header += ["regressor az.", "regressor el."] if regressed else []
    rows = []
    for view in sorted(views, key=lambda v: (v["before"]["azimuth"], v["after"]["azimuth"])):
        before, after = view["before"], view["after"]
        row = [
            escape(view["id"]),
            f"{before['azimuth']:.0f}°",
            f"{after['azimuth'] % 360:.1f}°",
            f"{dial.turn_between(before['azimuth'], after['azimuth']):+.1f}°",
            f"{after['elevation']:.1f}°",
            f"{number(before['distance'])} → {number(after['distance'])}",
        ]
        if moved:
            x, y = after["offset"] or (0.0, 0.0)
            row.append(f"{x:+.3f}, {y:+.3f}")
        if regressed:
            judge = view["regressor"]
            row += [f"{judge['azimuth'] % 360:.1f}°", f"{judge['elevation']:.1f}°"] if judge else ["–", "–"]
        rows.append(row)
    return markup.table(header, rows, numeric=range(1, len(header)))
