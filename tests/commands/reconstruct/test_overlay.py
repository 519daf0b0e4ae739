"""Claims about the mesh on the whole photo: it covers the pixels that another renderer says."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ganverse_jax.commands.reconstruct.overlay import LONGEST, OUTLINE, draw_layer, lay_over, shrunk
from ganverse_jax.data.crops import Crop
from ganverse_jax.models.inverse_graphics.template import mesh_template
from ganverse_jax.scene.meshes import PredictedMeshes
from ganverse_jax.scene.pinhole import crop_pinhole, uncropped

FOV = np.radians(30.0)
CAMERA = {
    "azimuth": np.array([0.7]),
    "elevation": np.array([0.3]),
    "distance": np.array([4.4]),
    "offset": np.array([[0.2, -0.1]]),
}


def white_lump():
    template = mesh_template(2, (0.45, 0.35, 0.9))
    vertices = template.vertices * [1.0, 1.0, 1.0] + 0.1 * template.vertices[:, [2, 0, 1]] ** 2
    surface = template.faces, template.uv, template.uv_faces
    return PredictedMeshes(vertices[None].astype(np.float32), np.ones((1, 2, 2, 3), np.float32), *surface)


def filled(record, vertices, faces, times):
    """The silhouette bool [h w] of a mesh by a camera's record alone: its triangles as filled polygons, in a
    photo enlarged by `times`. Eight times finer first, as Pillow fills a polygon's border pixels too."""
    opencv = record["opencv"]
    seen = vertices @ np.array(opencv["rotation"]).T + opencv["translation"]
    pixels = seen @ np.array(opencv["camera_matrix"]).T
    size = round(record["width"] * times), round(record["height"] * times)
    places = (pixels[:, :2] / pixels[:, 2:] + 0.5) * times * 8 - 0.5
    picture = Image.new("L", (8 * size[0], 8 * size[1]))
    draw = ImageDraw.Draw(picture)
    for face in faces:
        draw.polygon([tuple(place) for place in places[face]], fill=255)
    return np.asarray(picture.reduce(8)) > 127


@pytest.mark.parametrize(
    ("photo", "crop"),
    [
        ((300, 420), Crop((200.0, 160.0), 2.5, 0.0, (64, 64))),
        ((2000, 1400), Crop((600.0, 900.0), 14.0, 0.0, (64, 64))),  # shrunk to be shown
        ((300, 420), Crop((30.0, 160.0), 2.5, 0.0, (48, 64))),  # the object cut by the border
        ((90, 3000), Crop((2500.0, 20.0), 9.0, 0.0, (64, 64))),  # of extreme aspect, and cut above
    ],
)
def test_an_overlay_covers_what_another_renderer_fills(photo, crop):
    meshes = white_lump()
    layer = draw_layer(meshes, CAMERA, crop, FOV)
    black = shrunk(np.zeros((*photo, 3), np.uint8))
    laid = lay_over(black, photo[1], *layer)
    assert laid.shape == black.shape and max(laid.shape) <= LONGEST
    record = uncropped(crop_pinhole(CAMERA, FOV, crop.size), crop, photo).record()
    wanted = filled(record, meshes.vertices[0], meshes.faces, laid.shape[1] / photo[1])
    outline = (laid == OUTLINE).all(axis=-1)
    covered = (laid[..., 0] > 127) & ~outline
    iou = (covered & wanted).sum() / (covered | wanted).sum()
    print(f"IOU {iou:.4f}")
    # The layer's own pixels, a third of the overlay's, are cut at their centres.
    assert iou > 0.98
    assert outline.any() and not (outline & covered).any()


def test_what_the_mesh_does_not_cover_stays_as_the_photo_has_it():
    photo = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    crop = Crop((80.0, 60.0), 1.0, 0.0, (64, 64))
    laid = lay_over(shrunk(photo), 160, *draw_layer(white_lump(), CAMERA, crop, FOV))
    changed = (laid != photo).any(axis=-1)
    assert 0 < changed.mean() < 0.3
    np.testing.assert_array_equal(laid[:20], photo[:20])
