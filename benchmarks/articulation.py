"""What share of the variance of a toy world's shapes its pose explains, and what its identity.

    python -m benchmarks.articulation [--count=96]

`count` animals (kind, proportions) in as many poses, every animal in every pose: a two-way analysis of
variance of the exact vertices, and of the silhouettes at 64 pixels from six azimuths 12 degrees up. What pose
and the rest explain is what a shape that follows no pose cannot. Some minutes on a CPU.
"""

import argparse

import numpy as np

import rasterizer
from ganverse_jax import classes
from ganverse_jax.classes.toy import sampling
from ganverse_jax.classes.toy.world import PosedWorld
from ganverse_jax.evaluation.disentanglement import two_way_shares

AZIMUTHS = np.radians(np.arange(0, 360, 60))
ELEVATION, SIZE = np.radians(12), 64
ROW = "| {0} | {1} | {content:.2f} | {view:.2f} | {rest:.2f} |"


def meshes(world: PosedWorld, count: int) -> np.ndarray:
    """Vertices [poses animals v 3]: test animals 0..count - 1 in the poses of the next `count`."""
    numbers = sampling.uniforms(world.seed, "test", np.arange(2 * count), "object")
    animals, poses = numbers[:count], numbers[count:]
    rows = []
    for pose in poses:
        unit = animals.copy()
        unit[:, world.pose_numbers] = pose[world.pose_numbers]
        rows.append(world.objects(unit).vertices.astype(np.float32))
    return np.stack(rows)


def silhouettes(world: PosedWorld, vertices: np.ndarray) -> np.ndarray:
    """Hard masks [n views h w] of meshes [n v 3]."""
    found = []
    for azimuth in AZIMUTHS:
        angles = (azimuth, ELEVATION, world.distance, np.radians(world.fov_degrees))
        camera = rasterizer.Camera(*(np.full(len(vertices), value, np.float32) for value in angles))
        clip = rasterizer.transform(vertices, camera, SIZE, SIZE)
        found.append(np.asarray(rasterizer.rasterize(clip, world.surface.faces, SIZE, SIZE).face_id) >= 0)
    return np.stack(found, 1)


def main() -> None:
    """Print a table of all worlds of animals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=96, help="animals, and poses")
    count = parser.parse_args().count
    print("| world | of | identity | pose | both together |\n|---|---|---|---|---|")
    for name in classes.names():
        if not classes.get(name).articulated:
            continue
        world = classes.make_world(name, SIZE)
        vertices = meshes(world, count)
        masks = np.stack([silhouettes(world, row) for row in vertices])
        print(ROW.format(name, "vertices", **two_way_shares(vertices)), flush=True)
        print(ROW.format(name, "silhouettes", **two_way_shares(masks)), flush=True)


if __name__ == "__main__":
    main()
