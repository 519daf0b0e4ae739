"""Toy horses: an endless, exactly known world of rendered horses."""

import numpy as np

from ganverse_jax.classes.horse.toy import body, coat, pose, renderer
from ganverse_jax.classes.horse.toy.dimensions import BREED_SHARE, BREEDS, dimensions
from ganverse_jax.classes.horse.toy.keypoints import SPOTS
from ganverse_jax.classes.horse.toy.topology import COLUMNS, LEGS, PARTS
from ganverse_jax.classes.toy.sampling import Backdrops, choose
from ganverse_jax.classes.toy.world import Objects, PosedWorld

__all__ = ["BREEDS", "ToyHorses"]
# Pasture, dry pasture, arena, beach, snow, evening.
BACKDROPS = Backdrops(
    np.array([
        [(0.42, 0.66, 0.93), (0.85, 0.93, 0.97), (0.30, 0.48, 0.30), (0.44, 0.63, 0.27), (0.56, 0.71, 0.33)],
        [(0.48, 0.70, 0.90), (0.92, 0.92, 0.88), (0.50, 0.52, 0.34), (0.72, 0.66, 0.38), (0.60, 0.60, 0.32)],
        [(0.62, 0.76, 0.90), (0.90, 0.93, 0.95), (0.24, 0.36, 0.27), (0.76, 0.66, 0.52), (0.66, 0.56, 0.43)],
        [(0.34, 0.62, 0.92), (0.80, 0.92, 0.97), (0.12, 0.45, 0.62), (0.90, 0.82, 0.64), (0.82, 0.72, 0.54)],
        [(0.58, 0.72, 0.88), (0.90, 0.93, 0.97), (0.44, 0.53, 0.62), (0.90, 0.92, 0.96), (0.80, 0.85, 0.93)],
        [(0.34, 0.34, 0.60), (0.98, 0.70, 0.48), (0.34, 0.28, 0.40), (0.48, 0.46, 0.36), (0.40, 0.40, 0.30)],
    ]),
    np.array([
        [0.08, 0.0, 1.0, 0.0, 0.0, 0.1], [0.10, 0.0, 0.9, 0.0, 0.0, 0.3], [0.07, 0.0, 0.7, 0.0, 0.0, 0.1],
        [0.035, 0.0, 0.6, 0.0, 0.0, 0.2], [0.06, 0.2, 0.5, 0.0, 0.0, 0.0], [0.07, 0.0, 0.6, 0.0, 0.0, 1.0],
    ]),
    np.ones((6, 1, 3)),
)  # fmt: skip
_DIMENSIONS, _POSE, _COAT = 2, 16, 30  # where the uniform numbers of each begin


class ToyHorses(PosedWorld):
    """The world of horses; `render` tells their breed and coat int32 [n] (indices into BREEDS, coat.COATS).
    With pose "frozen" all stand square."""

    name, version = "toy_horses", 1
    surface, parts, backdrops = renderer.SURFACE, PARTS, BACKDROPS
    locate = staticmethod(SPOTS.locate)
    pose_numbers = slice(_POSE, _COAT)

    def objects(self, unit: np.ndarray) -> Objects:
        """The horses of uniform numbers [n sampling.NUM_UNIFORMS]."""
        breed = choose(unit[:, 0], BREED_SHARE)
        posed = pose.still(len(unit)) if self.frozen else pose.sample(unit[:, _POSE:])
        mane_side = np.where(unit[:, 1] < 0.5, 1.0, -1.0)
        vertices, ground = body.build(dimensions(breed, unit[:, _DIMENSIONS:]), posed, mane_side)
        colors, coats = coat.sample(unit[:, _COAT:])
        ends = {part.name: part.vertices.stop for part in PARTS}
        hooves = np.stack([vertices[:, ends[leg] - COLUMNS[leg] : ends[leg]].mean(1) for leg in LEGS], 1)
        hooves[:, :, 1] -= ground[:, None]
        trunk = vertices[:, PARTS[0].vertices]
        middle = trunk[:, : trunk.shape[1] // 2].mean(1)[:, ::2]
        placed = {"ground": ground, "feet": hooves, "middle": middle, "lift": 0 * ground}
        placed = {name: values.astype(np.float32) for name, values in placed.items()}
        return Objects(vertices, colors, placed, {"breed": breed.astype(np.int32), "coat": coats})
