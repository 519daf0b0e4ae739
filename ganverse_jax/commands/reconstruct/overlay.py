"""The mesh laid on the whole photo it was made of, from the camera that was found."""

import numpy as np
from PIL import Image, ImageFilter

from ganverse_jax.data.crops import Crop, cut
from ganverse_jax.scene.cameras import Cameras
from ganverse_jax.scene.meshes import PredictedMeshes, render_meshes

LONGEST = 1280  # pixels of an overlay's longer side, at most
OUTLINE = (255, 60, 120)
_AROUND = 8  # a layer reaches beyond its crop by this part of its sides, each way
_LAYER_HEIGHT = 576  # pixels of the crop's part of a layer, about; more is not seen


def draw_layer(
    meshes: PredictedMeshes, cameras: Cameras, crop: Crop, fov_y: float
) -> tuple[np.ndarray, np.ndarray, Crop]:
    """The first mesh from the first camera, for pictures of the size of `crop` and larger: colour [h w 3] on
    black, coverage [h w], both in [0, 1], and which part of the photo they are.

    crop: what `cameras` see, fov_y (radians) being its vertical field of view. The layer is larger on all
    sides, as a mesh may reach beyond its crop, and finer.
    """
    finer = max(1, _LAYER_HEIGHT // crop.size[0])
    size = tuple(finer * (side + 2 * (side // _AROUND)) for side in crop.size)
    wider = np.array(size) / finer / crop.size  # h, w
    wide_cameras = dict(cameras)
    if "offset" in cameras:
        wide_cameras["offset"] = np.asarray(cameras["offset"]) / wider[::-1]
    wide_fov_y = 2.0 * float(np.arctan(wider[0] * np.tan(0.5 * fov_y)))
    colour, covered = render_meshes(meshes, np.zeros(1, int), wide_cameras, size, wide_fov_y)
    return colour[0], covered[0], crop._replace(scale=crop.scale / finer, size=size)


def shrunk(photo: np.ndarray) -> np.ndarray:
    """The photo uint8 [h w 3], its longer side at most LONGEST."""
    image = Image.fromarray(photo)
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return np.asarray(image)


def lay_over(
    picture: np.ndarray, width: int, colour: np.ndarray, covered: np.ndarray, place: Crop
) -> np.ndarray:
    """A photo, `shrunk` to `picture` from its `width`, under a layer of `draw_layer`, whose outline is
    drawn."""
    rows, columns = picture.shape[:2]
    step = width / columns  # pixels of the photo per pixel of the picture
    fold = max(1, int(step / place.scale))  # the layer is this much finer than the picture, and a bit
    (middle,) = place.from_picture(np.array([[width / 2, step * rows / 2]])) / fold
    whole = Crop(tuple(middle), step / place.scale / fold, 0.0, (rows, columns))

    def placed(layer: np.ndarray) -> np.ndarray:
        picture = Image.fromarray(np.uint8(layer * 255 + 0.5)).reduce(fold)
        return cut(np.asarray(picture), whole).astype(np.float32)

    coverage = placed(covered)
    laid = placed(colour) + (1.0 - coverage[..., None] / 255.0) * picture
    laid[_outline(coverage > 127)] = OUTLINE
    return np.uint8(np.clip(laid + 0.5, 0, 255))


def _outline(inside: np.ndarray) -> np.ndarray:
    """The pixels just outside of bool [h w], so that the outline hides nothing of the mesh."""
    thick = 3 if max(inside.shape) < 600 else 5
    grown = Image.fromarray(np.uint8(inside) * 255).filter(ImageFilter.MaxFilter(thick))
    return (np.asarray(grown) > 0) & ~inside
