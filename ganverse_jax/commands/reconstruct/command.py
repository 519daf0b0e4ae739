"""Photos -> textured meshes with a trained inverse graphics network: what `launch.reconstruct` does.

Per photo NAME.glb, NAME.webp (a turntable) and NAME.png (input, mask, the mesh in the same view, six sides);
index.html, where the meshes can be turned; reconstruction.json with every camera and error.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.commands.reconstruct.folder import SUFFIXES, ResultsFolder, writing
from ganverse_jax.commands.reconstruct.page import Reconstruction
from ganverse_jax.data.crops import Crop, cut
from ganverse_jax.data.framing import Framing, crop_like
from ganverse_jax.data.photos import Photo, PhotoError, find_photos, read_photo, result_names
from ganverse_jax.evaluation.images import mask_iou
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.inverse_graphics.prediction import predict_meshes
from ganverse_jax.models.inverse_graphics.stored import load_folder
from ganverse_jax.pages.grid import image_grid
from ganverse_jax.pipeline.remedies import make
from ganverse_jax.runtime.checkpoint import write_png
from ganverse_jax.runtime.names import legible, path_of
from ganverse_jax.runtime.shipped import shipped_with
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS
from ganverse_jax.scene.camera_fit import FittedCamera, bin_starts, fit_camera
from ganverse_jax.scene.cameras import CAMERA_NAMES, as_cameras, mean_camera
from ganverse_jax.scene.drawing import render_on_white, turn_round
from ganverse_jax.scene.files import Material, TexturedMesh, write_mesh
from ganverse_jax.scene.meshes import PredictedMeshes, render_meshes
from ganverse_jax.scene.turntables import write_turntables
from ganverse_jax.stages.perception import load as perception

STAGE = "inverse_graphics"  # whose network this is
FITTED_SIDE = 96  # pixels of the picture that a camera is fitted to
SHOWN_HEIGHT = 192
MIN_SCALE = 0.5  # a photo's pixels per pixel of the network, at least
REGRESSED, BINNED = "pose regressor, refined", "best of 12 azimuth bins, refined"


class Reconstructor(NamedTuple):
    """A trained network with what it was trained on: its parameters, how objects stand in its pictures, its
    vertical field of view (radians), and the mean elevation (radians), distance and offset of its cameras."""

    network: InverseGraphics
    params: Mapping[str, Any]
    framing: Framing
    fov_y: float
    elevation: float
    distance: float
    offset: tuple[float, float] = (0.0, 0.0)


@dataclasses.dataclass(frozen=True)
class Summary:
    """Names of the photos that became meshes, the errors of the others by name, lines on what their folder
    holds besides, and the page of all."""

    done: list[str]
    failed: dict[str, str]
    notes: list[str]
    page: str

    def text(self) -> str:
        """What to print at the end."""
        lines = [f"{len(self.done)} of {len(self.done) + len(self.failed)} photos reconstructed"]
        lines += [f"  failed: {error}" for error in self.failed.values()]
        lines += [f"  {note}" for note in self.notes]
        return "\n".join([*lines, f"wrote {self.page}"])


def run(
    images: str | Path,
    out: str | Path,
    *,
    workdir: str | Path | None = None,
    network: str | Path | None = None,
    masks: str | Path | None = None,
    material: Material = "unlit",
) -> Summary:
    """Reconstruct a photo, or each of a folder, into the folder `out`.

    workdir: a run whose inverse_graphics stage is finished; its perception stage, if any, gives masks and
    cameras. network: another folder with a network.safetensors, in place of the workdir's. Without either
    the shipped networks serve, which know their toy world's class alone. masks: a folder of STEM.png.
    material: of the meshes. Photos that fail are named in the summary, the others are done all the same.
    Raises FileNotFoundError or ValueError without network, photo or folder of masks, or when `out` is empty
    or would overwrite what it reads, or files that no earlier call made; OSError when it cannot be written.
    """
    if not str(out):
        raise ValueError("--out is empty; name the folder to write to")
    if masks is not None and not Path(masks).is_dir():
        raise FileNotFoundError(f"no folder of masks at {masks}; correct --masks")
    masks = None if masks is None else Path(masks)
    folder, reconstructor, segment, regress = _networks(workdir, network)
    (photos, intake), out = find_photos(images), Path(out)
    names = result_names(photos)
    if out.resolve() in {read.resolve() for read in (photos[0].parent, masks) if read is not None}:
        raise ValueError(f"{out} holds photos or masks, which NAME.png would overwrite; use another --out")
    made = ResultsFolder(out, names, folder, intake)
    try:
        for number, (path, name) in enumerate(zip(photos, names, strict=True), start=1):
            read = functools.partial(read_photo, path, masks=masks, segment=segment)
            told = _attempt(made, read, reconstructor, path, name, regress, material)
            print(f"[reconstruct] {number}/{len(photos)} {name}: {told}", flush=True)
    finally:  # also of what was finished when a person stops it
        page = made.write_page()
    return Summary([result.name for result in made.results], made.failed, intake.lines(), page)


def _attempt(
    made: ResultsFolder,
    read,
    reconstructor: Reconstructor,
    path: Path,
    name: str,
    regress,
    material: Material,
) -> str:
    """Add one photo's result, or how it failed; returns which in words. The others are independent of it, but
    for faults of the machine: a folder that cannot be written to, no memory, a package that is missing."""
    try:
        photo = read()
        for note in photo.notes:
            made.intake.note(note, Path(path.name))
        with writing(made.out):
            made.add(reconstruct(reconstructor, photo, path, name, made.out, regress, material))
    except (OSError, ImportError, MemoryError):
        raise
    except Exception as error:
        kind = "" if isinstance(error, ValueError) else f"{legible(path)}: {type(error).__name__}: "
        made.fail(name, f"{kind}{legible(error)}")
        return f"failed, {made.failed[name]}"
    return made.results[-1].line()


def _networks(workdir, network):
    """The network's folder, the network, and perception's segmenter and pose regressor (None without it)."""
    if workdir is None and network is None:
        perceiving = shipped_with(STAGE)
        folder = perceiving / STAGE
    else:
        folder = Path(workdir) / STAGE if network is None else Path(network)
        perceiving = None if workdir is None else Path(workdir) / perception.NAME
    reconstructor = load(folder)
    if perceiving is None or not perceiving.is_dir():
        return folder, reconstructor, None, None
    found = perception.load_folder(perceiving)
    return folder, reconstructor, _segment(found.segmenter), found.pose_regressor


def load(folder: Path) -> Reconstructor:
    """The network in a folder of the inverse_graphics stage. Raises as `stored.load_folder`, and
    ValueError for one that was trained before networks kept their framing."""
    network, params, card = load_folder(folder, make(STAGE))
    if not card.get("framing"):
        raise ValueError(
            f"{folder / 'network.safetensors'} does not tell how large objects stand in its pictures (it is "
            f"of an earlier version); delete the folder and {make(STAGE)}"
        )
    framing, fov_y = Framing.from_card(card["framing"]), float(np.radians(card["fov_degrees"]))
    means = mean_camera(as_cameras(params["cameras"]))
    return Reconstructor(network, params["network"], framing, fov_y, **means)


def _segment(segmenter) -> Callable[[np.ndarray], np.ndarray]:
    """image uint8 [h w 3] -> masks [k h w]: the instances where the segmenter tells them apart."""
    if hasattr(segmenter, "detect"):
        return lambda image: segmenter.detect(image[None])[0]
    return lambda image: segmenter(image[None])


def crop_of(reconstructor: Reconstructor, photo: Photo, path: str | Path) -> Crop:
    """The crop in which the photo's object stands as in the network's pictures. Raises PhotoError, naming
    `path`, when the object is too small."""
    crop = crop_like(photo.mask > 127, reconstructor.framing)
    if crop.scale < MIN_SCALE:
        height, width = (round(side * crop.scale) for side in crop.size)
        raise PhotoError(
            f"{path} shows the object too small: its surroundings of {width} x {height} pixels would be "
            f"enlarged to the network's {crop.size[1]} x {crop.size[0]}; give a larger photo"
        )
    return crop


def reconstruct(
    reconstructor: Reconstructor, photo: Photo, path: Path, name: str, out: Path, regress, material: Material
) -> Reconstruction:
    """One photo's mesh, written as out/NAME.glb, out/NAME.webp and out/NAME.png.

    regress: a pose regressor for the camera's start, or None. Raises PhotoError when the object is too small.
    """
    r = reconstructor
    crop = crop_of(r, photo, path)
    image, mask = cut(photo.image, crop), cut(photo.mask, crop)
    meshes = predict_meshes(r.network, r.params, image[None], mask[None])
    mesh = TexturedMesh(meshes.vertices[0], meshes.faces, meshes.uv, meshes.uv_faces, meshes.texture[0])
    glb, webp, png = (out / path_of(f"{name}{suffix}") for suffix in SUFFIXES)
    write_mesh(glb, mesh, material)
    write_turntables([webp], meshes, np.zeros(1, int), r.distance)
    camera, camera_from = find_camera(r, meshes, photo, crop, regress)
    cameras = {name: np.array([getattr(camera, name)]) for name in (*CAMERA_NAMES, "offset")}
    _, covered = render_meshes(meshes, np.zeros(1, int), cameras, r.framing.size, r.fov_y)
    pictures = _pictures(r, photo, crop, meshes, cameras)
    write_png(png, image_grid(np.stack(pictures), len(pictures), gap=0))
    return Reconstruction(
        name=name,
        file=legible(path),
        mask_from=photo.mask_from,
        camera_from=camera_from,
        azimuth_degrees=float(np.degrees(camera.azimuth)),
        elevation_degrees=float(np.degrees(camera.elevation)),
        distance=camera.distance,
        iou_2d=float(mask_iou(covered, mask[None] / 255.0)[0]),
        pictures=pictures,
    )


def find_camera(
    r: Reconstructor, meshes: PredictedMeshes, photo: Photo, crop: Crop, regress
) -> tuple[FittedCamera, str]:
    """The camera of a photo's crop, and what it was fitted from: REGRESSED or BINNED.

    The pose regressor's reading is one start beside the 12 bins, as it errs on photos unlike its toy world;
    the bins' start has the mean elevation, distance and offset of the network's own cameras.
    """
    starts = bin_starts(r.elevation, r.distance, r.offset)
    if regress is not None:
        pose = regress(cut(photo.image, crop)[None])
        reading = {"azimuth": pose.azimuth, "elevation": pose.elevation, "distance": [r.distance]}
        reading["offset"] = [r.offset]
        starts = {name: np.concatenate([starts[name], reading[name]]) for name in starts}
    coarser = max(1, round(max(crop.size) / FITTED_SIDE))
    small = crop._replace(scale=crop.scale * coarser, size=tuple(side // coarser for side in crop.size))
    picture = cut(photo.image, small) / 255.0, cut(photo.mask, small) / 255.0
    found = fit_camera(meshes, 0, *picture, starts, r.fov_y)
    return found, BINNED if found.start < NUM_AZIMUTH_BINS else REGRESSED


def _pictures(r: Reconstructor, photo, crop: Crop, meshes, cameras) -> list[np.ndarray]:
    """Input, mask, same view and six sides, all uint8 [h w 3] of at least SHOWN_HEIGHT rows."""
    times = -(-SHOWN_HEIGHT // crop.size[0])
    size = tuple(side * times for side in crop.size)
    large = crop._replace(scale=crop.scale / times, size=size)
    rows = np.zeros(1, int)
    sides = turn_round(meshes, rows, {"distance": [r.distance]}, size, r.fov_y)[0]
    mask = np.repeat(cut(photo.mask, large)[..., None], 3, axis=-1)
    same = render_on_white(meshes, rows, cameras, size, r.fov_y)[0]
    return [cut(photo.image, large), mask, same, *sides]
