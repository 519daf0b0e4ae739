"""The picture of `launch.evaluate`: real test renders and what both networks make of them (as Fig. F)."""

from collections.abc import Mapping

import numpy as np

from ganverse_jax.commands.evaluate.real_renders import Judged, RealRenders
from ganverse_jax.pages.grid import labelled_grid
from ganverse_jax.scene.cameras import take_cameras
from ganverse_jax.scene.drawing import render_on_white, turn_cameras, turn_round

NUM_SHOWN = 4


def evaluation_picture(models: Mapping[str, Judged], testing: RealRenders) -> np.ndarray:
    """Real test renders as they are and as every network makes them from one view: uint8 [H W 3].

    Columns: input, the same view from the true camera, six sides.
    """
    world, size = testing.world, testing.images.shape[1:3]
    rows, fov_y = np.arange(min(NUM_SHOWN, len(testing.objects))), float(np.radians(world.fov_degrees))
    inputs, turns = testing.images[rows], turn_cameras(len(rows), world.distance)
    own = take_cameras(testing.cameras, rows)
    same, sides = (
        world.render_object(np.repeat(testing.objects[rows], len(c["azimuth"]) // len(rows)), *c.values())
        for c in (own, turns)
    )
    sides = sides["image"].reshape(len(rows), -1, *inputs.shape[1:])
    pictures = {"truth": np.concatenate([inputs[:, None], same["image"][:, None], sides], axis=1)}
    for name, model in models.items():
        meshes = model.predict(inputs, testing.masks[rows])
        meshes = meshes._replace(vertices=model.similarity.apply(meshes.vertices))
        seen = render_on_white(meshes, rows, own, size, fov_y)[:, None]
        sides = turn_round(meshes, rows, {"distance": [world.distance]}, size, fov_y)
        pictures[name] = np.concatenate([inputs[:, None], seen, sides], axis=1)
    cells = np.stack(list(pictures.values()), axis=1)
    heads = [
        "input",
        "same view",
        *(f"{turn:.0f}°" for turn in np.degrees(turns["azimuth"][: len(sides[0])])),
    ]
    return labelled_grid(list(pictures) * len(rows), list(cells.reshape(-1, 1, *cells.shape[2:])), heads)
