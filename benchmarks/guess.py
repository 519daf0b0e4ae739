"""How well launch.reconstruct, edit and project guess the class of photos (docs/classes.md).

    python benchmarks/guess.py --renders=300 --samples=100 --others=FOLDER

On unseen renders of every toy world, others as photos that a person might take (smaller, off the middle, cut
out), samples of the shipped GANs, the photos of the documentation, noise, single colours, and the pictures of
a folder that show none of the classes, if one is given. Prints a table: how many were taken for what.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

# Scripts find modules beside them first, and here are benchmarks called like packages.
ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from ganverse_jax import classes
from ganverse_jax.commands.finished_networks import SHIPPED_PSI, gan_source
from ganverse_jax.commands.guess import recognise, sure
from ganverse_jax.data.photos import find_photos
from ganverse_jax.models.perception.recogniser import FILE, Recogniser, squared
from ganverse_jax.runtime.shipped import ASSETS, class_of, worlds
from ganverse_jax.stages.gan.start import GENERATOR

NONE = 50  # pictures of noise, of single colours


def renders(name, count, random):
    """Of the test split: as the world draws them, and as photos 96 pixels high and 128 wide."""
    drawn = classes.make_world(name, 64, "test").render(np.arange(count))
    yield f"{name}: unseen renders", list(drawn["image"])
    rows, angles = np.arange(count, 2 * count), random.uniform(0, 2 * np.pi, count)
    elevations, distances = np.radians(random.uniform(0, 30, count)), random.uniform(4.2, 7.5, count)
    world = classes.make_world(name, 128, "test")
    far = world.render_views(rows, angles, elevations, distances)
    tops = random.integers(8, 25, count)
    yield (
        f"{name}: smaller, off the middle, 4:3",
        [image[top : top + 96] for image, top in zip(far["image"], tops, strict=True)],
    )
    colours = random.integers(0, 256, (count, 1, 1, 3))
    cover = drawn["mask"][..., None] / 255.0
    yield f"{name}: cut out, on one colour", list(np.uint8(cover * drawn["image"] + (1 - cover) * colours))


def none_of_all(random):
    """Noise, fine and smooth, and single colours."""
    yield "noise", list(random.integers(0, 256, (NONE, 64, 64, 3), dtype=np.uint8))
    coarse = random.integers(0, 256, (NONE, 6, 6, 3), dtype=np.uint8)
    yield "smooth noise", [squared(image, 64) for image in coarse]
    yield "one colour", list(np.broadcast_to(random.integers(0, 256, (NONE, 1, 1, 3)), (NONE, 64, 64, 3)))


def sets(args, random):
    """(name, pictures uint8 of any size) to be guessed."""
    for name in classes.names():
        if classes.get(name).world is not None:
            yield from renders(name, args.renders, random)
    for world in worlds(GENERATOR):
        source = gan_source(None, class_of(world)).source
        seeds = 10**6 + np.arange(args.samples)
        views = source.view_codes(seeds, SHIPPED_PSI)
        yield (
            f"{class_of(world)}: samples of the GAN",
            list(source.pairs(views, source.codes(seeds, SHIPPED_PSI))[0]),
        )
    yield from none_of_all(random)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--renders", type=int, default=300)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--others", help="folder of pictures of none of the classes")
    parser.add_argument("--network", default=ASSETS / FILE, type=Path)
    args = parser.parse_args()
    network, random = Recogniser.load(args.network), np.random.default_rng(0)
    print(f"| pictures | {' | '.join(network.classes)} | asks |\n|{'---|' * (len(network.classes) + 2)}")

    def row(told, found):
        counts = Counter(found)
        cells = [str(counts[kind]) for kind in (*network.classes, None)]
        print(f"| {told} | {' | '.join(cells)} |", flush=True)

    for told, images in sets(args, random):
        row(told, sure(network, np.stack([squared(np.uint8(image), network.resolution) for image in images])))
    folders = [
        *(ROOT / "docs" / name for name in ("photos", "horses", "birds")),
        *([args.others] if args.others else []),
    ]
    for folder in folders:
        row(Path(folder).name, recognise(network, find_photos(folder).photos).values())
    photos, started = find_photos(ROOT / "docs" / "photos").photos, time.perf_counter()
    recognise(network, photos)
    print(f"\n{len(photos)} photos: {time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    main()
