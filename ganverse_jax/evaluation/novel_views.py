"""Predicted and true objects side by side, from cameras nobody was trained on: outline, normals, colours.

One set of renders in the true frame serves all figures. What is compared:

* novel_view_iou: the outlines, as 2D IOU.
* normal_error_degrees: the angle between the normals of the faces seen, predicted and true, in pixels that
  lie wholly on the true object and on the predicted one. Face normals on both sides: nothing is smoothed.
* texture_error: the mean absolute colour difference in the same pixels. Networks paint what they see, light
  and all, so the true colours are those of the object in the light of its picture (the caller's renders;
  without cast shadows or background), and the predicted ones are texture times predicted light, if any.
* perceptual_distance: a perceptual's distance of the two renders, both on white, under the union of their
  masks; left out where no features are at hand.
"""

from collections.abc import Callable

import jax
import numpy as np

from ganverse_jax.evaluation.geometry import Similarity
from ganverse_jax.evaluation.images import mask_iou, masked_colour_error, masked_normal_error
from ganverse_jax.models.features.perceptual import Perceptual
from ganverse_jax.scene.cameras import Cameras
from ganverse_jax.scene.meshes import PredictedMeshes, Views, render_views

TrueViews = Callable[[np.ndarray, Cameras], Views]
_WORST = {"normal_error_degrees": 180.0, "texture_error": 1.0}  # where renders share no pixel in any view


def novel_cameras(count: int, distance: float, seed: int = 0) -> dict[str, np.ndarray]:
    """`count` cameras at one distance: random azimuth, elevation 0-30 degrees (in radians)."""
    generator = np.random.default_rng(seed)
    return {
        "azimuth": generator.uniform(0, 2 * np.pi, count),
        "elevation": generator.uniform(0, np.pi / 6, count),
        "distance": np.full(count, distance),
    }


def novel_view_metrics(
    meshes: PredictedMeshes,
    similarity: Similarity,
    true_views: TrueViews,
    size: tuple[int, int],
    fov_y: float,
    *,
    views: int = 4,
    distance: float,
    seed: int = 0,
    perceptual: Perceptual | None = None,
) -> dict[str, float]:
    """`view_metrics` of `views` random views of every mesh, laid in the true frame by the similarity.

    true_views(rows [m], cameras [m]) renders the exact objects behind meshes `rows`, masks as coverage.
    """
    rows = np.repeat(np.arange(len(meshes.vertices)), views)
    cameras = novel_cameras(len(rows), distance, seed)
    moved = meshes._replace(vertices=similarity.apply(meshes.vertices))
    return view_metrics(
        render_views(moved, rows, cameras, size, fov_y), true_views(rows, cameras), perceptual
    )


def view_metrics(predicted: Views, true: Views, perceptual: Perceptual | None = None) -> dict[str, float]:
    """The figures of this module, means over views [m]. Views without a common pixel have no normal and no
    texture error; where all are such, these count as 180 degrees and 1."""
    inside = (true.mask >= 1.0).astype(np.float32)
    errors = {
        "normal_error_degrees": masked_normal_error(predicted.normals, true.normals, predicted.mask, inside),
        "texture_error": masked_colour_error(predicted.colour, true.colour, predicted.mask, inside),
    }
    metrics = {"novel_view_iou": float(mask_iou(predicted.mask, true.mask).mean())}
    for name, values in errors.items():
        finite = values[np.isfinite(values)]
        metrics[name] = float(finite.mean()) if len(finite) else _WORST[name]
    if perceptual is not None:
        metrics["perceptual_distance"] = perceptual_distance(perceptual, predicted, true)
    return metrics


def perceptual_distance(perceptual: Perceptual, predicted: Views, true: Views, batch: int = 16) -> float:
    """The mean distance of the renders [m], on white, under the union of their masks."""
    mask = np.maximum(predicted.mask, true.mask)[..., None]
    compare, total = jax.jit(perceptual), 0.0
    for begin in range(0, len(mask), batch):
        part = slice(begin, begin + batch)
        value = compare(true.colour[part], predicted.colour[part], mask[part])
        total += float(value) * len(mask[part])
    return total / len(mask)
