"""The page of reconstructed photos: every photo beside its mesh, and the meshes to turn."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

import numpy as np

from ganverse_jax.pages.frame import assemble
from ganverse_jax.pages.markup import Section, escape, figure, table
from ganverse_jax.pages.meshes import compact_mesh
from ganverse_jax.pages.pictures import Pictures
from ganverse_jax.pages.turntables import HOLD, turntable
from ganverse_jax.pages.viewer import viewer
from ganverse_jax.runtime.names import legible, path_of
from ganverse_jax.scene.files import TexturedMesh, one_index_list, texture_picture

COLUMNS = ("photo", "mask", "same view", "0°", "60°", "120°", "180°", "240°", "300°")
MAX_TURNED = 24  # a mesh takes about 50 kB of the page


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """One photo's result: name of its files, where mask and camera came from, the camera (degrees), 2D IOU of
    the mesh in the photo's view and its colour error there (1 where they share no pixel), {"steps", "before":
    camera and figures} where the mesh was refined, its pictures in the order of COLUMNS, the whole photo as
    large as its overlay, uint8 [h w 3], and the mesh itself."""

    _SHOWN: ClassVar = ("pictures", "photo", "mesh")

    name: str
    file: str
    mask_from: str
    camera_from: str
    azimuth_degrees: float
    elevation_degrees: float
    distance: float
    iou_2d: float
    colour_error: float
    refined: Mapping[str, Any] | None
    pictures: Sequence[np.ndarray]
    photo: np.ndarray
    mesh: TexturedMesh

    def line(self) -> str:
        """For a log."""
        camera = f"azimuth {self.azimuth_degrees:.0f}, elevation {self.elevation_degrees:.0f} degrees"
        fit = f"2D IOU {self.iou_2d:.2f}"
        if self.refined:
            before, steps = self.refined["before"], self.refined["steps"]
            fit += f", colour error {self.colour_error:.3f} ({before['iou_2d']:.2f} and "
            fit += f"{before['colour_error']:.3f} before {steps} steps)"
        return f"{fit}, mask from {self.mask_from}, camera ({self.camera_from}) {camera}"

    def figure(self, name: str) -> str:
        """iou_2d or colour_error for a table, with what it was before it was refined."""
        now = f"{getattr(self, name):.3f}"
        return f"{self.refined['before'][name]:.3f} → {now}" if self.refined else now

    def record(self) -> dict[str, Any]:
        """For JSON: everything but the pictures and the mesh."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if name not in self._SHOWN}


def photos_page(
    results: Sequence[Reconstruction],
    failed: Mapping[str, str],
    folder: pathlib.Path,
    notes: Sequence[str] = (),
) -> str:
    """HTML of the results, whose .glb files lie in `folder`, of the photos that failed, and further lines."""
    small = Pictures(192, 88)
    parts = []
    if results:
        parts += [
            _turn(results, folder, small),
            _overlays(results),
            _turntables(results, folder, small),
            _sides(results, small),
            _cameras(results),
        ]
    if failed:
        rows = [[escape(name), escape(error)] for name, error in failed.items()]
        lede = "These were left out; the others do not depend on them."
        parts.append(Section("failed", "Photos that failed", lede, table(("photo", "why"), rows, "prose")))
    count = f"{len(results)} of {len(results) + len(failed)} photos"
    return assemble(
        parts,
        title="From photo to mesh",
        name=legible(pathlib.Path(folder.absolute().name)),
        opening=f'<p class="lede">{count}, each turned into a mesh and a texture by one look.</p>'
        + "".join(f"<p>{escape(note)}</p>" for note in notes),
    )


def _turn(results: Sequence[Reconstruction], folder: pathlib.Path, pictures: Pictures) -> Section:
    shown = results[:MAX_TURNED]
    meshes = [_compact(result.mesh, folder / path_of(f"{result.name}.glb")) for result in shown]
    thumbnails = [pictures.img(result.pictures[0], f"Photo {result.name}") for result in shown]
    body = viewer(meshes, thumbnails, files="The .glb files beside this page")
    more = f" The first {MAX_TURNED} of {len(results)}." if len(results) > MAX_TURNED else ""
    caption = f"Drag to turn, wheel to zoom, arrow keys work too.{more}"
    lede = "Drawn by this page itself; the .glb files beside it open in any glTF viewer."
    return Section("viewer", "Turn one yourself", lede, figure(body, caption, "wide"))


def _compact(mesh: TexturedMesh, path: pathlib.Path) -> dict[str, Any]:
    """For the viewer, as its file has it."""
    vertices, uv, faces = one_index_list(mesh)
    surface = np.asarray(mesh.vertices, float)[vertices], faces, mesh.uv[uv]
    return compact_mesh(path, *surface, texture_picture(mesh), Pictures(256, 90))


def _overlays(results: Sequence[Reconstruction]) -> Section:
    """Files beside the page, each over its photo, which shows where the overlay is faded."""
    photos, cells = Pictures(640, 80), []
    for result in results:
        file = f"{quote(result.name)}.overlay.jpg"
        height, width = result.photo.shape[:2]
        over = (
            f'<img src="{file}" alt="Mesh laid on {escape(result.name)}" width="{width}" height="{height}">'
        )
        fade = f'<input type="range" value="100" aria-label="Mesh on {escape(result.name)}">'
        below = photos.img(result.photo, f"Photo {result.name}")
        name = f'<span><a href="{file}">{escape(result.name)}</a></span>'
        cells.append(f'<div class="laid"><div>{below}{over}</div><label>{name}{fade}</label></div>')
    caption = (
        "The mesh, outlined, on the photo from the camera that was found; the slider fades it. These are the "
        ".overlay.jpg files beside the page; the cameras, in the photo's pixels, are the .camera.json files."
    )
    body = figure(f'<div class="sheet overlays">{"".join(cells)}</div>', caption, "wide")
    return Section("overlays", "On the photo", "How well mesh and camera fit what the photo shows.", body)


def _turntables(results: Sequence[Reconstruction], folder: pathlib.Path, pictures: Pictures) -> Section:
    """Files beside the page, so that any number of photos may have one."""
    cells = []
    for result in results:
        file = f"{quote(result.name)}.webp"
        path, alt = folder / path_of(f"{result.name}.webp"), f"Turntable of {result.name}"
        picture = turntable(path, alt, pictures, src=file)
        cells.append(f'<a href="{file}">{picture}{escape(result.name)}</a>')
    caption = f"Texture above, shape alone below; these are the .webp files beside the page. {HOLD}"
    body = figure(f'<div class="sheet turntables">{"".join(cells)}</div>', caption, "wide")
    return Section("turntables", "Once round", "Animated pictures, which need no viewer.", body)


def _sides(results: Sequence[Reconstruction], pictures: Pictures) -> Section:
    rows = [list(result.pictures) for result in results]
    alts = [[f"{result.name}, {column}" for column in COLUMNS] for result in results]
    cutout = {(r, c): "cutout" for r in range(len(rows)) for c in range(2, len(COLUMNS))}
    names = [result.name for result in results]
    grid = pictures.grid(rows, alts, columns=COLUMNS, row_names=names, gaps=(2, 3), classes=cutout)
    caption = "The photo around its object, its mask, the mesh from the same camera, and six sides."
    lede = "The far sides tell what the network made of what the photo does not show."
    return Section("sides", "All sides", lede, figure(grid, caption, "wide"))


def _cameras(results: Sequence[Reconstruction]) -> Section:
    header = ("mesh", "2D IOU", "colour error", "azimuth", "elevation", "distance", "camera", "mask")
    rows = [
        [
            f'<a href="{quote(r.name)}.glb">{escape(r.name)}</a>',
            r.figure("iou_2d"),
            r.figure("colour_error"),
            f"{r.azimuth_degrees:.0f}°",
            f"{r.elevation_degrees:.0f}°",
            f"{r.distance:.2f}",
            escape(r.camera_from),
            escape(r.mask_from),
        ]
        for r in results
    ]
    lede = "A photo does not tell its camera: it was found by rendering the mesh, and places the same view."
    if any(r.refined for r in results):
        lede += " Mesh, texture and camera were then refined on the photo alone: figures before and after."
    return Section("cameras", "Cameras and fit", lede, table(header, rows, numeric=range(1, 6)))
