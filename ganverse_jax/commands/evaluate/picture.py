"""The picture of `launch.evaluate`: real test renders and what both networks make of them (as Fig. F)."""

from collections.abc import Mapping

import numpy as np

from ganverse_jax.commands.evaluate.real_renders import Judged, RealRenders
from ganverse_jax.commands.network_pictures import exact_views, turned_sheet
from ganverse_jax.scene.cameras import take_cameras
from ganverse_jax.scene.drawing import render_on_white, turn_round

NUM_SHOWN = 4


def evaluation_picture(models: Mapping[str, Judged], testing: RealRenders) -> np.ndarray:
    """Real test renders as they are and as every network makes them from one view: uint8 [H W 3].

    Columns: input, the same view from the true camera, six sides.
    """
    world, size = testing.world, testing.images.shape[1:3]
    rows, fov_y = np.arange(min(NUM_SHOWN, len(testing.objects))), float(np.radians(world.fov_degrees))
    inputs, own = testing.images[rows], take_cameras(testing.cameras, rows)
    views = {"truth": exact_views(world, testing.objects[rows], [own])}
    for name, model in models.items():
        meshes = model.predict(inputs, testing.masks[rows])
        meshes = meshes._replace(vertices=model.similarity.apply(meshes.vertices))
        seen = render_on_white(meshes, rows, own, size, fov_y)[:, None]
        sides = turn_round(meshes, rows, {"distance": [world.distance]}, size, fov_y)
        views[name] = np.concatenate([seen, sides], axis=1)
    return turned_sheet(inputs, views, ["input", "same view"])
