"""The posed toy-world set: exact renders from N known cameras, handed to training as 12 bins at elevation 0.

The training code sees what it sees of a GAN's images (a view code and its azimuth bin); the true cameras
ride along in `views` under "true_*" for evaluation only (DESIGN.md, section 5).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganverse_jax.classes import World
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.scene.bins import nearest_azimuth_bin


def posed_views(world: World, num_views: int, seed: int = 0) -> list[dict[str, Any]]:
    """`num_views` cameras spread over the circle, each with the bin an annotator would choose.

    Azimuths are jittered around equal steps, elevations and distances drawn from the world's own ranges.
    Every view: id, azimuth_bin, true_azimuth and true_elevation in radians, true_distance.
    """
    generator = np.random.default_rng((seed, num_views))
    azimuth = (np.arange(num_views) + generator.uniform(0, 1, num_views)) * 2 * np.pi / num_views
    elevation = generator.uniform(*world.elevations, num_views)
    jitter = 1 + world.distance_jitter * generator.uniform(-1, 1, num_views)
    return [
        {
            "id": view,
            "azimuth_bin": nearest_azimuth_bin(azimuth[view]),
            "true_azimuth": float(azimuth[view]),
            "true_elevation": float(elevation[view]),
            "true_distance": float(world.distance * jitter[view]),
        }
        for view in range(num_views)
    ]


def true_cameras(views) -> dict[str, np.ndarray] | None:
    """Arrays azimuth, elevation, distance [k] of the views' true cameras, or None where they are not
    known."""
    if not all("true_azimuth" in view for view in views):
        return None
    return {
        name: np.array([view[f"true_{name}"] for view in views])
        for name in ("azimuth", "elevation", "distance")
    }


def posed_renders(
    world: World, *, num_objects: int, num_views: int, views_per_object: int, seed: int = 0
) -> MultiviewSet:
    """Render `num_objects` objects of `world`, each in `views_per_object` of `num_views` shared cameras.

    object_id is the index of the object in `world`.
    Raises ValueError when an object would have fewer than two views or more than there are.
    """
    if not 2 <= views_per_object <= num_views:
        raise ValueError(f"views_per_object {views_per_object} must be between 2 and num_views {num_views}")
    views = posed_views(world, num_views, seed)
    generator = np.random.default_rng((seed, num_objects, num_views, views_per_object))
    view_id = np.concatenate(
        [np.sort(generator.choice(num_views, views_per_object, replace=False)) for _ in range(num_objects)]
    )
    object_id = np.repeat(np.arange(num_objects), views_per_object)
    camera = {name: values[view_id] for name, values in true_cameras(views).items()}
    rendered = world.render_views(object_id, camera["azimuth"], camera["elevation"], camera["distance"])
    return MultiviewSet(rendered["image"], rendered["mask"], view_id.astype(np.int32), object_id, views)


def with_cameras(multiview: MultiviewSet, cameras: Mapping[str, np.ndarray]) -> MultiviewSet:
    """The set with cameras [k] (azimuth, elevation, distance) given to its views, to start training from."""
    views = [
        view | {name: float(values[index]) for name, values in cameras.items()}
        for index, view in enumerate(multiview.views)
    ]
    return dataclasses.replace(multiview, views=views)


def single_view_renders(
    world: World, posed: MultiviewSet, *, seed: int = 0, count: int | None = None
) -> MultiviewSet:
    """`count` training images (None: as many as `posed` has) of as many other objects, each from a camera of
    its own, given and true: what Pascal3D+ is to real pictures. Validation and test are `posed`'s, their true
    cameras given."""
    count = len(posed.split("train")) if count is None else count
    first, shared = int(posed.object_id.max()) + 1, len(posed.views)
    own = [view | {"id": shared + view["id"]} for view in posed_views(world, count, seed)]
    views, objects = [*posed.views, *own], first + np.arange(count)
    camera = true_cameras(own)
    rendered = world.render_views(objects, camera["azimuth"], camera["elevation"], camera["distance"])
    held_out = {name: posed.split(name) for name in ("validation", "test")}
    parts = held_out.values()
    joined = MultiviewSet(
        np.concatenate([rendered["image"], *(part.images for part in parts)]),
        np.concatenate([rendered["mask"], *(part.masks for part in parts)]),
        np.concatenate([shared + np.arange(count), *(part.view_id for part in parts)]).astype(np.int32),
        np.concatenate([objects, *(part.object_id for part in parts)]),
        views,
        splits={"train": objects} | {name: part.object_id for name, part in held_out.items()},
    )
    return with_cameras(joined, true_cameras(views))
