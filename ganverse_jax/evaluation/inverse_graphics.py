"""The evaluation protocol of inverse graphics (DESIGN.md, section 5), from predictions to named figures.

GAN images have no true camera: there only re-projection is measured. The posed toy-world set has exact
cameras and
meshes: there one similarity (azimuth offset, scale, translation), fitted on the validation objects, lays the
predicted frame in the true one, and every figure of the test objects is taken after it.
"""

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import numpy as np

import rasterizer
from ganverse_jax.evaluation import cameras as camera_metrics
from ganverse_jax.evaluation import geometry
from ganverse_jax.evaluation.geometry import Similarity
from ganverse_jax.evaluation.images import mask_iou, masked_colour_error
from ganverse_jax.models.view_cameras import CAMERA_NAMES, offset_vertices, select_offsets

# azimuth, elevation (radians), distance and, where learned, offset: one entry per image or per view
Cameras = Mapping[str, np.ndarray]


class PredictedMeshes(NamedTuple):
    """vertices [n v 3] and texture [n th tw 3] of n objects over one connectivity (faces, uv, uv_faces).

    light [n 9]: each object's own, as spherical harmonics (`rasterizer.render`); None: unlit.
    """

    vertices: np.ndarray
    texture: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    uv_faces: np.ndarray
    light: np.ndarray | None = None


def render_meshes(
    meshes: PredictedMeshes,
    rows: np.ndarray,
    cameras: Cameras,
    size: tuple[int, int],
    fov_y: float,
    *,
    lighting: np.ndarray | None = None,
    batch: int = 16,
) -> tuple[np.ndarray, np.ndarray]:
    """Colour [m h w 3] on black and hard mask [m h w] of meshes `rows` [m], each from its own camera [m].

    lighting: spherical-harmonics coefficients [9] for all, in place of the meshes' own light.
    """
    parts = []
    for begin in range(0, len(rows), batch):
        index = np.minimum(np.arange(begin, begin + batch), len(rows) - 1)
        camera = [np.asarray(cameras[name], np.float32)[index] for name in CAMERA_NAMES]
        camera = rasterizer.Camera(*camera, np.full(batch, fov_y, np.float32))
        light = None if lighting is None else np.broadcast_to(lighting, (batch, 9))
        if light is None and meshes.light is not None:
            light = meshes.light[rows[index]]
        chosen = meshes._replace(
            vertices=meshes.vertices[rows[index]].astype(np.float32),
            texture=meshes.texture[rows[index]],
            light=None,
        )
        part = _draw(chosen, camera, select_offsets(cameras, index), light, size=size)
        parts.append([np.asarray(leaf)[: len(rows) - begin] for leaf in part])
    colour, mask = (np.concatenate(leaves) for leaves in zip(*parts, strict=True))
    return colour, mask.astype(np.float32)


@functools.partial(jax.jit, static_argnames="size")
def _draw(meshes: PredictedMeshes, camera, offset, light, *, size):
    rendered = rasterizer.render(
        offset_vertices(meshes.vertices, camera, offset, size[1] / size[0]),
        meshes.faces,
        meshes.uv,
        meshes.uv_faces,
        meshes.texture,
        camera,
        *size,
        lighting=light,
    )
    return rendered.rgb, rendered.fragments.face_id >= 0


def take_cameras(cameras: Cameras, view: np.ndarray) -> dict[str, np.ndarray]:
    """The cameras of views [n]."""
    return {name: np.asarray(values)[view] for name, values in cameras.items()}


class Reprojection(NamedTuple):
    """Per picture [m]: 2D IOU, and colour error where both masks hold (NaN where they do nowhere)."""

    iou: np.ndarray
    colour_error: np.ndarray

    def means(self) -> dict[str, float]:
        """Figures over all pictures; a colour error that is nowhere defined counts as 1."""
        finite = self.colour_error[np.isfinite(self.colour_error)]
        return {
            "iou_2d": float(self.iou.mean()),
            "iou_2d_worst": float(self.iou.min()),
            "colour_error": float(finite.mean()) if len(finite) else 1.0,
        }


class ImageErrors(NamedTuple):
    """Of n images: each mesh in its own view [n], and where an object has others, meshes `rows` [m] in the
    views of images `others` [m]."""

    own: Reprojection
    rows: np.ndarray
    others: np.ndarray
    elsewhere: Reprojection | None


def reprojection(
    meshes: PredictedMeshes,
    rows: np.ndarray,
    cameras: Cameras,
    images: np.ndarray,
    masks: np.ndarray,
    fov_y: float,
) -> Reprojection:
    """Meshes `rows` [m] against images uint8 [m h w 3] and masks uint8 [m h w], each from its own camera."""
    colour, mask = render_meshes(meshes, rows, cameras, images.shape[1:3], fov_y)
    target = masks / 255.0
    error = masked_colour_error(colour, images / 255.0, mask, target)
    return Reprojection(mask_iou(mask, target), error)


def image_errors(
    meshes: PredictedMeshes,
    view: np.ndarray,
    objects: np.ndarray,
    cameras: Cameras,
    images,
    masks,
    fov_y: float,
) -> ImageErrors:
    """Errors that need no truth, of the mesh predicted from each image and the learned camera of its view
    [k]: in its own view, and in another view of its object, whose picture the network did not see.

    view, objects [n].
    """
    own = reprojection(meshes, np.arange(len(view)), take_cameras(cameras, view), images, masks, fov_y)
    rows, others = other_views(objects)
    elsewhere = None
    if len(rows):
        elsewhere = reprojection(
            meshes, rows, take_cameras(cameras, view[others]), images[others], masks[others], fov_y
        )
    return ImageErrors(own, rows, others, elsewhere)


def image_metrics(errors: ImageErrors, objects: np.ndarray) -> dict[str, float]:
    """Figures of `image_errors`. iou_2d: the paper's measure (Table 1b); iou_2d_other_view: in a view not
    seen. objects [n]."""
    metrics = errors.own.means()
    if errors.elsewhere is not None:
        metrics |= {f"{name}_other_view": value for name, value in errors.elsewhere.means().items()}
    return metrics | {"num_images": float(len(objects)), "num_objects": float(len(np.unique(objects)))}


def other_views(objects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every image with a sibling: its row and the row of the next image of the same object (cyclic)."""
    order = np.argsort(objects, kind="stable")
    rows, others = [], []
    for group in np.split(order, np.flatnonzero(np.diff(objects[order])) + 1):
        if len(group) > 1:
            rows.append(group)
            others.append(np.roll(group, -1))
    if not rows:
        return np.zeros(0, int), np.zeros(0, int)
    return np.concatenate(rows), np.concatenate(others)


def align(
    meshes: PredictedMeshes,
    view: np.ndarray,
    predicted: Cameras,
    true: Cameras,
    solids,
    *,
    points: int = 2000,
) -> Similarity:
    """The one similarity from the predicted to the true frame, from validation meshes and their views [n].

    The azimuth offset is the circular mean over the images of true minus predicted azimuth; scale and
    translation are fitted to points on the surfaces. solids: per mesh the true parts, a list of (vertices
    [v 3], faces [f 3]).
    """
    offset = camera_metrics.fit_azimuth_offset(
        np.asarray(predicted["azimuth"])[view], np.asarray(true["azimuth"])[view]
    )
    sources = [
        geometry.sample_surface(v, meshes.faces, points, seed) for seed, v in enumerate(meshes.vertices)
    ]
    targets = [geometry.sample_solid(parts, points, seed) for seed, parts in enumerate(solids)]
    return geometry.fit_similarity(sources, targets, azimuth=offset)


def shape_metrics(
    meshes: PredictedMeshes, solids, similarity: Similarity, *, points: int = 4000, threshold: float = 0.05
) -> dict[str, float]:
    """Chamfer distance, F-score at `threshold` and volumetric IOU, means over meshes, after the similarity.

    solids: per mesh the true parts. Only the true outer surface counts: points inside another part are
    dropped.
    """
    values = []
    for seed, (vertices, parts) in enumerate(zip(meshes.vertices, solids, strict=True)):
        moved = similarity.apply(vertices)
        a = geometry.sample_surface(moved, meshes.faces, points, seed)
        b = geometry.sample_solid(parts, points, seed)
        joined = geometry.join_parts(parts)
        values.append(
            [
                geometry.chamfer(a, b),
                geometry.f_score(a, b, threshold),
                geometry.volumetric_iou(moved, meshes.faces, *joined),
            ]
        )
    mean = np.mean(values, axis=0)
    names = ("chamfer", f"f_score_{threshold:g}", "volumetric_iou")
    return {name: float(value) for name, value in zip(names, mean, strict=True)}


def novel_view_iou(
    meshes: PredictedMeshes,
    similarity: Similarity,
    true_masks: Callable[[np.ndarray, Cameras], np.ndarray],
    size: tuple[int, int],
    fov_y: float,
    *,
    views: int = 4,
    distance: float,
    seed: int = 0,
) -> float:
    """Mean 2D IOU from cameras nobody was trained on, in the true frame: random azimuth, elevation 0-30
    degrees.

    true_masks(rows [m], cameras [m]) renders the exact masks [m h w] in 0..1 of the objects behind meshes
    `rows`.
    """
    generator = np.random.default_rng(seed)
    rows = np.repeat(np.arange(len(meshes.vertices)), views)
    cameras = {
        "azimuth": generator.uniform(0, 2 * np.pi, len(rows)),
        "elevation": generator.uniform(0, np.pi / 6, len(rows)),
        "distance": np.full(len(rows), distance),
    }
    moved = meshes._replace(vertices=similarity.apply(meshes.vertices))
    _, mask = render_meshes(moved, rows, cameras, size, fov_y)
    return float(mask_iou(mask, true_masks(rows, cameras)).mean())
