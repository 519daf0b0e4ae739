"""Pictures of the toy world that no GAN made, and what a network trained on other pictures makes of them.

They are to a network trained on GAN images what Pascal3D+ is to the paper's: objects and cameras of another
source, here with exact cameras and meshes. A true camera says nothing in the frame that the network has found
for itself, so one similarity (azimuth offset, scale, translation) lays its meshes in the true frame. It is
fitted to surfaces of validation objects, where the truth is exact and no third network errs; never per image.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ganverse_jax.classes import World
from ganverse_jax.evaluation.geometry import Similarity
from ganverse_jax.evaluation.inverse_graphics import align_surfaces, reprojection
from ganverse_jax.models.features.perceptual import Perceptual
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.pipeline.experiment import Experiment, make_world
from ganverse_jax.scene.camera_fit import bin_starts, fit_camera
from ganverse_jax.scene.cameras import CAMERA_NAMES
from ganverse_jax.scene.meshes import PredictedMeshes
from ganverse_jax.stages.inverse_graphics_posed.truth import solids_of, truth_figures

Predict = Callable[[np.ndarray, np.ndarray], PredictedMeshes]


class RealRenders(NamedTuple):
    """n pictures, each of an object of its own from a camera of its own: objects int [n], images uint8
    [n h w 3], masks uint8 [n h w], cameras (azimuth, elevation, distance [n])."""

    world: World
    objects: np.ndarray
    images: np.ndarray
    masks: np.ndarray
    cameras: Mapping[str, np.ndarray]


class Judged(NamedTuple):
    """A trained network, what it predicts of pictures, how its frame lies in the world's, and the cameras of
    its views [k] with their vertical field of view (radians)."""

    network: InverseGraphics
    predict: Predict
    similarity: Similarity
    cameras: Mapping[str, np.ndarray]
    fov_y: float


def real_renders(experiment: Experiment, resolution: int, split: str, count: int) -> RealRenders:
    """`count` pictures of a split of the experiment's world; GANs see "train" alone."""
    world = make_world(experiment, resolution, split)
    drawn = world.render(np.arange(count))
    cameras = {name: drawn[name] for name in ("azimuth", "elevation", "distance")}
    return RealRenders(world, drawn["index"], drawn["image"], drawn["mask"], cameras)


def fit_frame(predict: Predict, fitting: RealRenders) -> Similarity:
    """How the frame of a network lies in the world's, from the surfaces it predicts of `fitting`."""
    solids = solids_of(fitting.world, fitting.objects)
    return align_surfaces(predict(fitting.images, fitting.masks), solids)


def real_figures(
    meshes: PredictedMeshes,
    similarity: Similarity,
    testing: RealRenders,
    perceptual: Perceptual | None = None,
) -> dict[str, float]:
    """2D IOU and colour error in the pictures' own views from their true cameras, then `truth_figures`, of
    the meshes predicted from `testing`."""
    world = testing.world
    moved = meshes._replace(vertices=similarity.apply(meshes.vertices))
    rows, fov_y = np.arange(len(testing.objects)), float(np.radians(world.fov_degrees))
    seen = reprojection(moved, rows, testing.cameras, testing.images, testing.masks, fov_y)
    return (
        seen.means()
        | truth_figures(meshes, similarity, world, testing.objects, perceptual)
        | {
            "alignment_azimuth_degrees": float(np.degrees(similarity.azimuth)),
            "alignment_scale": similarity.scale,
            "num_images": float(len(rows)),
        }
    )


def fitted_camera_iou(meshes: PredictedMeshes, testing: RealRenders) -> float:
    """Mean 2D IOU of the pictures where each one's camera is fitted to it, from the 12 azimuth bins, as for
    photos (`camera_fit.fit_camera`): what remains when no camera is to blame, and wrong shapes find the view
    that hides them best."""
    world, fov_y = testing.world, float(np.radians(testing.world.fov_degrees))
    starts = bin_starts(float(np.mean(world.elevations)), world.distance)
    found = []
    for index, (image, mask) in enumerate(zip(testing.images / 255.0, testing.masks / 255.0, strict=True)):
        found.append(fit_camera(meshes, index, image, mask, starts, fov_y))
    cameras = {
        name: np.array([getattr(camera, name) for camera in found]) for name in (*CAMERA_NAMES, "offset")
    }
    rows = np.arange(len(found))
    return float(reprojection(meshes, rows, cameras, testing.images, testing.masks, fov_y).iou.mean())
