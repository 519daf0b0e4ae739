"""Photos -> textured meshes with a trained inverse graphics network: what `launch.reconstruct` does.

Per photo NAME.glb, obj/NAME.obj, NAME.webp (a turntable), NAME.png (input, mask, the mesh in the same view,
six sides), NAME.overlay.jpg (the mesh laid on the photo) and NAME.camera.json; index.html, where the meshes
can be turned; reconstruction.json with every camera and error.
"""

import dataclasses
import functools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ganverse_jax.commands.reconstruct.folder import Files, ResultsFolder, files_of, writing
from ganverse_jax.commands.reconstruct.networks import Reconstructor, crop_of, find_camera, networks_of
from ganverse_jax.commands.reconstruct.overlay import draw_layer, lay_over, shrunk
from ganverse_jax.commands.reconstruct.page import Reconstruction
from ganverse_jax.data.crops import Crop, cut
from ganverse_jax.data.photos import Photo, find_photos, read_photo, result_names
from ganverse_jax.evaluation.images import mask_iou
from ganverse_jax.models.inverse_graphics.prediction import predict_meshes
from ganverse_jax.pages.grid import image_grid
from ganverse_jax.runtime.checkpoint import write_jpeg, write_json, write_png
from ganverse_jax.runtime.names import legible
from ganverse_jax.scene.cameras import CAMERA_NAMES
from ganverse_jax.scene.drawing import NUM_TURNS, render_on_white, turn_cameras
from ganverse_jax.scene.files import Material, TexturedMesh, write_mesh
from ganverse_jax.scene.meshes import PredictedMeshes, render_meshes
from ganverse_jax.scene.pinhole import crop_pinhole, uncropped
from ganverse_jax.scene.turntables import write_turntables

SHOWN_HEIGHT = 192


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
    folder, reconstructor, segment, regress = networks_of(workdir, network)
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


def reconstruct(
    reconstructor: Reconstructor, photo: Photo, path: Path, name: str, out: Path, regress, material: Material
) -> Reconstruction:
    """One photo's mesh, written as the `files_of` its name in `out`.

    regress: a pose regressor for the camera's start, or None. Raises PhotoError when the object is too small.
    """
    r, files, rows = reconstructor, files_of(out, name), np.zeros(1, int)
    crop = crop_of(r, photo, path)
    image, mask = cut(photo.image, crop), cut(photo.mask, crop)
    meshes = predict_meshes(r.network, r.params, image[None], mask[None])
    with ThreadPoolExecutor(1) as beside:  # what takes longest after the camera's fit, and needs no camera
        turntable = beside.submit(write_turntables, [files.turntable], meshes, rows, r.distance)
        camera, camera_from = find_camera(r, meshes, photo, crop, regress)
        cameras = {name: np.array([getattr(camera, name)]) for name in (*CAMERA_NAMES, "offset")}
        _, covered = render_meshes(meshes, rows, cameras, r.framing.size, r.fov_y)
        pictures, picture = _pictures(r, photo, crop, meshes, cameras), shrunk(photo.image)
        _write_meshes(files, r, meshes, cameras, photo, crop, material)
        write_png(files.sheet, image_grid(np.stack(pictures), len(pictures), gap=0))
        layer = draw_layer(meshes, cameras, crop, r.fov_y)
        write_jpeg(files.overlay, lay_over(picture, photo.image.shape[1], *layer))
        turntable.result()
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
        photo=picture,
    )


def _write_meshes(
    files: Files, r: Reconstructor, meshes: PredictedMeshes, cameras, photo: Photo, crop: Crop, material
) -> None:
    mesh = TexturedMesh(meshes.vertices[0], meshes.faces, meshes.uv, meshes.uv_faces, meshes.texture[0])
    of_crop = crop_pinhole(cameras, r.fov_y, crop.size)
    write_mesh(files.glb, mesh, material, of_crop)
    write_mesh(files.obj, mesh)
    height, width = (crop.scale * side for side in crop.size)
    seen = {"left": crop.centre[0] - width / 2, "top": crop.centre[1] - height / 2}
    whole = uncropped(of_crop, crop, photo.image.shape[:2]).record()
    write_json(files.camera, whole | {"crop": seen | {"width": width, "height": height}})


def _pictures(r: Reconstructor, photo, crop: Crop, meshes, cameras) -> list[np.ndarray]:
    """Input, mask, same view and six sides, all uint8 [h w 3] of at least SHOWN_HEIGHT rows."""
    times = -(-SHOWN_HEIGHT // crop.size[0])
    size = tuple(side * times for side in crop.size)
    large = crop._replace(scale=crop.scale / times, size=size)
    mask = np.repeat(cut(photo.mask, large)[..., None], 3, axis=-1)
    # The same view is drawn with the six sides: one program for both.
    around = turn_cameras(1, r.distance) | {"offset": np.zeros((NUM_TURNS, 2))}
    seven = {name: np.concatenate([values, around[name]]) for name, values in cameras.items()}
    views = render_on_white(meshes, np.zeros(1 + NUM_TURNS, int), seven, size, r.fov_y)
    return [cut(photo.image, large), mask, *views]
