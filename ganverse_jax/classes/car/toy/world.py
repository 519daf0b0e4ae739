"""Toy cars: an endless, exactly known world of rendered cars."""

import numpy as np

from ganverse_jax.classes.car.toy import body as bodies
from ganverse_jax.classes.car.toy import keypoints, renderer, scene
from ganverse_jax.classes.car.toy.dimensions import BODIES, DIMENSIONS
from ganverse_jax.classes.car.toy.topology import MATERIALS, TOPOLOGY
from ganverse_jax.classes.toy.sampling import SPLITS
from ganverse_jax.classes.toy.world import Objects, ToyWorld

__all__ = ["BODIES", "MATERIALS", "SPLITS", "ToyCars"]


class ToyCars(ToyWorld):
    """The world of cars; `render` tells their body int32 [n] (index into BODIES)."""

    name, version = "toy_cars", 1
    surface, parts, backdrops = renderer.SURFACE, TOPOLOGY.parts, scene.BACKDROPS
    locate = staticmethod(keypoints.locate)

    def objects(self, unit: np.ndarray) -> Objects:
        """The cars of uniform numbers [n sampling.NUM_UNIFORMS]."""
        body = scene.sample_bodies(unit)
        vertices, sizes = bodies.build(body, unit[:, 1 : 2 + len(DIMENSIONS)])
        placed = {
            "ground": sizes["ground"],
            "half_width": sizes["width"],
            "half_length": sizes["length"],
            "center_z": -sizes["center_z"],
            "height": sizes["roof"],
        }
        colors = scene.sample_colors(body, unit[:, 32:])
        placed = {name: values.astype(np.float32) for name, values in placed.items()}
        return Objects(vertices, colors, placed, {"body": body.astype(np.int32)})
