"""Toy birds: an endless, exactly known world of rendered birds."""

import numpy as np

from ganverse_jax.classes.bird.toy import body, plumage, pose, renderer
from ganverse_jax.classes.bird.toy.dimensions import BUILDS, dimensions
from ganverse_jax.classes.bird.toy.keypoints import SPOTS
from ganverse_jax.classes.bird.toy.topology import PARTS
from ganverse_jax.classes.toy.sampling import Backdrops
from ganverse_jax.classes.toy.world import Objects, PosedWorld

__all__ = ["BUILDS", "ToyBirds"]
# Lawn, woods, water, sand, snow, evening.
BACKDROPS = Backdrops(
    np.array([
        [(0.42, 0.66, 0.93), (0.85, 0.93, 0.97), (0.30, 0.48, 0.30), (0.40, 0.62, 0.25), (0.52, 0.70, 0.31)],
        [(0.60, 0.74, 0.62), (0.78, 0.86, 0.72), (0.28, 0.44, 0.28), (0.40, 0.46, 0.26), (0.50, 0.52, 0.32)],
        [(0.40, 0.64, 0.92), (0.84, 0.92, 0.97), (0.34, 0.50, 0.48), (0.24, 0.50, 0.66), (0.42, 0.66, 0.78)],
        [(0.40, 0.66, 0.93), (0.86, 0.93, 0.96), (0.12, 0.45, 0.62), (0.88, 0.79, 0.61), (0.79, 0.69, 0.52)],
        [(0.58, 0.72, 0.88), (0.90, 0.93, 0.97), (0.44, 0.53, 0.62), (0.90, 0.92, 0.96), (0.80, 0.85, 0.93)],
        [(0.34, 0.34, 0.60), (0.98, 0.70, 0.48), (0.34, 0.28, 0.40), (0.46, 0.44, 0.36), (0.38, 0.38, 0.30)],
    ]),
    np.array([
        [0.08, 0.0, 1.0, 0.0, 0.0, 0.1], [0.14, 0.2, 0.9, 0.0, 0.0, 0.1], [0.05, 0.0, 0.9, 0.0, 0.0, 0.1],
        [0.035, 0.0, 0.7, 0.0, 0.0, 0.2], [0.06, 0.2, 0.5, 0.0, 0.0, 0.0], [0.07, 0.0, 0.6, 0.0, 0.0, 1.0],
    ]),
    np.ones((6, 1, 3)),
)  # fmt: skip
_DIMENSIONS, _POSE, _PLUMAGE = 4, 20, 32  # where the uniform numbers of each begin


class ToyBirds(PosedWorld):
    """The world of birds; `render` tells their build and plumage int32 [n] (indices into BUILDS,
    plumage.PLUMAGES). With pose "frozen" all stand on the ground, wings folded."""

    name, version = "toy_birds", 1
    surface, parts, backdrops = renderer.SURFACE, PARTS, BACKDROPS
    locate = staticmethod(SPOTS.locate)
    pose_numbers = slice(_POSE, _PLUMAGE)

    def objects(self, unit: np.ndarray) -> Objects:
        """The birds of uniform numbers [n sampling.NUM_UNIFORMS]."""
        colors, plumages = plumage.sample(unit[:, _PLUMAGE:])
        build = plumage.BUILD_OF[plumages]
        can_perch = ~np.isin(build, [BUILDS.index(name) for name in ("gull", "wader", "duck")])
        posed = pose.still(len(unit)) if self.frozen else pose.sample(unit[:, _POSE:], can_perch)
        d = dimensions(build, unit[:, _DIMENSIONS:])
        vertices, scale = body.build(d, posed, 0.90 + 0.10 * unit[:, 0])
        placed = _placed(vertices, posed, scale, unit)
        return Objects(vertices, colors, placed, {"build": build.astype(np.int32), "plumage": plumages})


def _placed(vertices: np.ndarray, posed: dict, scale: np.ndarray, unit: np.ndarray) -> dict[str, np.ndarray]:
    toes = [part.vertices for part in PARTS if part.name.startswith("middle_toe")]
    feet = np.stack([vertices[:, toe].mean(1) for toe in toes], 1).astype(np.float64)
    low = vertices[:, :, 1].min(1)
    perched, radius = posed["perch"] > 0, 0.055 * scale * (1 + 0.5 * unit[:, 2])
    stand = np.minimum.reduce([vertices[:, toe, 1].min(1) for toe in toes])
    perch = feet.mean(1) - np.stack([0 * radius, radius, 0 * radius], -1)
    perch[:, 1] = stand - 0.85 * radius
    yaw = np.radians(24) * (2 * unit[:, 1] - 1)
    feet[:, :, 1] -= (low - posed["height"] * scale)[:, None]
    trunk = vertices[:, PARTS[0].vertices]
    placed = {
        "ground": low - posed["height"] * scale, "feet": feet, "middle": trunk.mean(1)[:, ::2],
        "lift": 4.0 * posed["height"], "perch": perch, "radius": np.where(perched, radius, 0.0),
        "along": np.stack([np.cos(yaw), 0.10 * np.sin(9 * yaw), np.sin(yaw)], -1),
    }  # fmt: skip
    placed["along"] /= np.linalg.norm(placed["along"], axis=-1, keepdims=True)
    return {name: values.astype(np.float32) for name, values in placed.items()}
