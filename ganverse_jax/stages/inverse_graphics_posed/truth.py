"""Predicted meshes against exact objects: what every stage that knows the truth measures alike."""

from collections.abc import Callable

import numpy as np

from ganverse_jax.classes import World
from ganverse_jax.evaluation.geometry import Similarity
from ganverse_jax.evaluation.inverse_graphics import shape_metrics
from ganverse_jax.evaluation.novel_views import novel_view_metrics
from ganverse_jax.models.features.perceptual import Perceptual
from ganverse_jax.scene.cameras import Cameras
from ganverse_jax.scene.meshes import PredictedMeshes, Views, render_views


def truth_figures(
    meshes: PredictedMeshes,
    similarity: Similarity,
    world: World,
    objects: np.ndarray,
    perceptual: Perceptual | None = None,
) -> dict[str, float]:
    """Shape and novel-view figures of meshes predicted from `objects` [n] of the world, once the
    similarity has laid them in its frame. perceptual: see `novel_views`."""
    figures = shape_metrics(meshes, solids_of(world, objects), similarity)
    return figures | novel_view_metrics(
        meshes,
        similarity,
        true_views(world, objects),
        (world.resolution, world.resolution),
        float(np.radians(world.fov_degrees)),
        distance=world.distance,
        perceptual=perceptual,
    )


def solids_of(world: World, objects: np.ndarray) -> list:
    """The closed parts of each object: `World.solid`."""
    return [world.solid(int(index)) for index in objects]


def true_views(world: World, objects: np.ndarray) -> Callable[[np.ndarray, Cameras], Views]:
    """views(rows [m], cameras [m]) of the exact objects[rows]: alone on white, in the light of their own
    scenes, with normals and with coverage as mask."""
    exact = exact_meshes(world, objects)

    def views(rows: np.ndarray, cameras: Cameras) -> Views:
        angles = [cameras[name] for name in ("azimuth", "elevation", "distance")]
        drawn = world.render_object(np.asarray(objects)[rows], *angles)
        size, fov_y = drawn["mask"].shape[1:], float(np.radians(world.fov_degrees))
        normals = render_views(exact, rows, cameras, size, fov_y).normals
        return Views(drawn["image"] / np.float32(255), drawn["mask"] / np.float32(255), normals)

    return views


def exact_meshes(world: World, objects: np.ndarray) -> PredictedMeshes:
    """The objects' own surfaces, in white."""
    vertices, faces = world.surfaces(objects)
    white = np.ones((len(vertices), 1, 1, 3), np.float32)
    return PredictedMeshes(vertices, white, faces, np.zeros((1, 2), np.float32), np.zeros_like(faces))
