"""One photo becomes a mesh, and that the files of its name."""

import functools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ganverse_jax.commands.reconstruct.folder import Files, files_of
from ganverse_jax.commands.reconstruct.networks import MIN_SCALE, Reconstructor, crop_of, find_camera, predict
from ganverse_jax.commands.reconstruct.overlay import draw_layer, lay_over, shrunk
from ganverse_jax.commands.reconstruct.page import Reconstruction
from ganverse_jax.data.crops import Crop, cut, inside
from ganverse_jax.data.photos import Photo
from ganverse_jax.evaluation.images import mask_iou, masked_colour_error
from ganverse_jax.pages.grid import image_grid
from ganverse_jax.runtime.checkpoint import write_jpeg, write_json, write_png
from ganverse_jax.runtime.names import legible
from ganverse_jax.scene.cameras import CAMERA_NAMES, Cameras
from ganverse_jax.scene.drawing import NUM_TURNS, render_on_white, turn_cameras
from ganverse_jax.scene.files import Material, textured_mesh, write_mesh
from ganverse_jax.scene.meshes import PredictedMeshes, render_meshes
from ganverse_jax.scene.pinhole import crop_pinhole, uncropped
from ganverse_jax.scene.turntables import write_turntables

SHOWN_HEIGHT = 192
REFINED_SIDE = (
    128  # pixels of the longer side of the picture that a mesh is refined on, unless the network's own
)


class Found(NamedTuple):
    """What a photo shows, the one of `meshes`, and the camera [1] that its crop is seen from."""

    meshes: PredictedMeshes
    cameras: Cameras


def reconstruct(
    reconstructor: Reconstructor,
    photo: Photo,
    path: Path,
    name: str,
    *,
    out: Path,
    regress=None,
    material: Material = "unlit",
    refine: int = 0,
) -> Reconstruction:
    """One photo's mesh, written as the `files_of` its name in `out`; regress: a pose regressor for the
    camera's start; refine: steps of Eq. 1 on the photo. Raises PhotoError when the object is too small."""
    r, files, crop = reconstructor, files_of(out, name), crop_of(reconstructor, photo, path)
    image, mask, meshes = predict(r, photo, crop)
    measure = functools.partial(figures, image=image, mask=mask, seen=inside(photo.mask, crop), fov_y=r.fov_y)
    with ThreadPoolExecutor(1) as beside:  # a turntable takes long and needs no camera
        turning = {"rows": np.zeros(1, int), "distance": r.distance}
        turn = functools.partial(beside.submit, write_turntables, [files.turntable], **turning)
        turned = None if refine else turn(meshes)
        camera, camera_from = find_camera(r, meshes, photo, crop, regress)
        fitted = {name: np.array([getattr(camera, name)]) for name in (*CAMERA_NAMES, "offset")}
        found = first = Found(meshes, fitted)
        if refine:
            found = refined(r, first, photo, crop, refine)
            turned = turn(found.meshes)
        _write_meshes(files, r.fov_y, found, photo, crop, material)
        pictures, picture = _write_pictures(files, r, found, photo, crop)
        turned.result()
    return Reconstruction(
        name=name,
        file=legible(path),
        mask_from=photo.mask_from,
        camera_from=camera_from,
        **measure(found),
        refined={"steps": refine, "before": measure(first)} if refine else None,
        pictures=pictures,
        photo=picture,
        mesh=textured_mesh(found.meshes, 0),
    )


def refined(r: Reconstructor, found: Found, photo: Photo, crop: Crop, steps: int) -> Found:
    """What Eq. 1 makes of it on the photo alone, finer than the network saw it where the photo is."""
    from ganverse_jax.models.inverse_graphics.refinement import refine  # training code: only where asked for

    times = max(1, min(REFINED_SIDE // max(crop.size), int(crop.scale / MIN_SCALE)))
    finer = crop._replace(scale=crop.scale / times, size=tuple(side * times for side in crop.size))
    picture = cut(photo.image, finer) / 255.0, cut(photo.mask, finer) / 255.0
    seen = inside(photo.mask, finer)
    return Found(*refine(r.network, found.meshes, *picture, found.cameras, r.fov_y, seen=seen, steps=steps))


def figures(
    found: Found, image: np.ndarray, mask: np.ndarray, seen: np.ndarray, fov_y: float
) -> dict[str, float]:
    """The camera, and 2D IOU and colour error of the mesh in the network's picture, uint8 [h w 3], and mask,
    uint8 [h w], where these lie in the photo: seen [h w] in 0 to 1."""
    colour, covered = render_meshes(found.meshes, np.zeros(1, int), found.cameras, mask.shape, fov_y)
    shown, covered = mask[None] / 255.0, covered * (seen[None] > 0.5)
    error = masked_colour_error(colour, image[None] / 255.0, covered, shown)[0]
    return {
        **{f"{angle}_degrees": float(np.degrees(found.cameras[angle][0])) for angle in CAMERA_NAMES[:2]},
        "distance": float(found.cameras["distance"][0]),
        "iou_2d": float(mask_iou(covered, shown)[0]),
        "colour_error": float(np.nan_to_num(error, nan=1.0)),
    }


def _write_meshes(files: Files, fov_y: float, found: Found, photo: Photo, crop: Crop, material) -> None:
    mesh = textured_mesh(found.meshes, 0)
    of_crop = crop_pinhole(found.cameras, fov_y, crop.size)
    write_mesh(files.glb, mesh, material, of_crop)
    write_mesh(files.obj, mesh)
    height, width = (crop.scale * side for side in crop.size)
    seen = {"left": crop.centre[0] - width / 2, "top": crop.centre[1] - height / 2}
    whole = uncropped(of_crop, crop, photo.image.shape[:2]).record()
    write_json(files.camera, whole | {"crop": seen | {"width": width, "height": height}})


def _write_pictures(
    files: Files, r: Reconstructor, found: Found, photo: Photo, crop: Crop
) -> tuple[list[np.ndarray], np.ndarray]:
    """Sheet and overlay; returns the sheet's pictures, and the photo as large as its overlay."""
    pictures, picture = _pictures(r, photo, crop, found), shrunk(photo.image)
    write_png(files.sheet, image_grid(np.stack(pictures), len(pictures), gap=0))
    layer = draw_layer(*found, crop, r.fov_y)
    write_jpeg(files.overlay, lay_over(picture, photo.image.shape[1], *layer))
    return pictures, picture


def _pictures(r: Reconstructor, photo: Photo, crop: Crop, found: Found) -> list[np.ndarray]:
    """Input, mask, same view and six sides, all uint8 [h w 3] of at least SHOWN_HEIGHT rows."""
    times = -(-SHOWN_HEIGHT // crop.size[0])
    size = tuple(side * times for side in crop.size)
    large = crop._replace(scale=crop.scale / times, size=size)
    mask = np.repeat(cut(photo.mask, large)[..., None], 3, axis=-1)
    # The same view is drawn with the six sides: one program for both.
    around = turn_cameras(1, r.distance) | {"offset": np.zeros((NUM_TURNS, 2))}
    seven = {name: np.concatenate([values, around[name]]) for name, values in found.cameras.items()}
    views = render_on_white(found.meshes, np.zeros(1 + NUM_TURNS, int), seven, size, r.fov_y)
    return [cut(photo.image, large), mask, *views]
