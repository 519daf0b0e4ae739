"""The evaluation protocol of inverse graphics (DESIGN.md, section 5), from predictions to named figures.

GAN images have no true camera: there only re-projection is measured. The posed toy-world set has exact
cameras and meshes: there one similarity (azimuth offset, scale, translation), fitted on the validation
objects, lays the predicted frame in the true one, and every figure of the test objects is taken after it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ganverse_jax.evaluation import cameras as camera_metrics
from ganverse_jax.evaluation import geometry
from ganverse_jax.evaluation.geometry import Similarity
from ganverse_jax.evaluation.images import mask_iou, masked_colour_error
from ganverse_jax.scene.cameras import Cameras, take_cameras
from ganverse_jax.scene.meshes import PredictedMeshes, render_meshes


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
    meshes: PredictedMeshes, objects: np.ndarray, cameras: Cameras, images, masks, fov_y: float
) -> ImageErrors:
    """Errors that need no truth, of the mesh predicted from each image [n] and the learned cameras of the
    images [n]: in its own view, and in another view of its object, whose picture the network did not see.

    objects [n].
    """
    own = reprojection(meshes, np.arange(len(objects)), cameras, images, masks, fov_y)
    rows, others = other_views(objects)
    elsewhere = None
    if len(rows):
        elsewhere = reprojection(
            meshes, rows, take_cameras(cameras, others), images[others], masks[others], fov_y
        )
    return ImageErrors(own, rows, others, elsewhere)


def joined_errors(parts: Sequence[ImageErrors]) -> ImageErrors:
    """The errors of pictures in several parts, as of all of them in a row; no object is in two parts."""
    starts = np.cumsum([0, *(len(part.own.iou) for part in parts)])
    elsewhere = [part.elsewhere for part in parts if part.elsewhere is not None]
    return ImageErrors(
        _joined([part.own for part in parts]),
        np.concatenate([part.rows + start for part, start in zip(parts, starts, strict=False)]),
        np.concatenate([part.others + start for part, start in zip(parts, starts, strict=False)]),
        _joined(elsewhere) if elsewhere else None,
    )


def _joined(parts: Sequence[Reprojection]) -> Reprojection:
    return Reprojection(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


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
    return geometry.fit_similarity(*_surface_points(meshes, solids, points), azimuth=offset)


def align_surfaces(meshes: PredictedMeshes, solids, *, points: int = 2000) -> Similarity:
    """The one similarity from the predicted to the true frame where predictions have no cameras to compare:
    the azimuth offset too is fitted to points on the surfaces of validation meshes (`geometry.find_azimuth`).

    solids: as in `align`.
    """
    sources, targets = _surface_points(meshes, solids, points)
    return geometry.fit_similarity(sources, targets, azimuth=geometry.find_azimuth(sources, targets))


def _surface_points(meshes: PredictedMeshes, solids, points: int):
    sources = [
        geometry.sample_surface(v, meshes.faces, points, seed) for seed, v in enumerate(meshes.vertices)
    ]
    return sources, [geometry.sample_solid(parts, points, seed) for seed, parts in enumerate(solids)]


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
