"""Whether refining a mesh on its one photo hurts the sides that the photo does not show.

    python benchmarks/refinement.py [--objects=40] [--steps=0,50,200]

Toy cars of the test split, which no network saw and no GAN made, as photos of 192 px, reconstructed as
launch.reconstruct does with the shipped networks (their segmenter's masks, cameras fitted), then refined.
"photo": 2D IOU and colour error in the photo's own view. "all round": four random views of each object; "far
side": four from within 60 degrees of straight behind the photo's camera, all against the exact object, once
one similarity, fitted on surfaces of 20 validation objects before any refining, has laid the network's frame
in the world's. Prints a table and writes benchmarks/results/refinement_cpu.json.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

# Scripts find modules beside them first, and here are benchmarks called like packages.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.records import write_results
from ganverse_jax import classes
from ganverse_jax.commands.evaluate.real_renders import RealRenders, fit_frame
from ganverse_jax.commands.reconstruct import photo as one_photo
from ganverse_jax.commands.reconstruct.networks import crop_of, find_camera, networks_of
from ganverse_jax.data.crops import cut, inside
from ganverse_jax.data.photos import Photo
from ganverse_jax.evaluation.novel_views import novel_cameras, view_metrics
from ganverse_jax.models.inverse_graphics.prediction import predict_meshes
from ganverse_jax.pages.markup import markdown_table
from ganverse_jax.scene.cameras import CAMERA_NAMES
from ganverse_jax.scene.meshes import render_views
from ganverse_jax.stages.inverse_graphics_posed.truth import true_views

SIDE, VIEWS, SEEN = 192, 4, (64, 64)
FAR = np.radians(60)


def world(split, resolution):
    return classes.get("car").world(resolution=resolution, split=split, fov_degrees=30.0, distance=4.2)


def drawn(split, count, resolution):
    """The first objects of a split, each from a camera of its own."""
    made = world(split, resolution)
    found = made.render(np.arange(count))
    cameras = {name: found[name] for name in CAMERA_NAMES}
    return RealRenders(made, found["index"], found["image"], found["mask"], cameras)


def reconstructed(network, segment, regress, image):
    """(photo, crop, found) of a picture, as launch.reconstruct does it."""
    mask = np.uint8(np.round(255 * segment(image)[0]))
    photo = Photo(image, mask, "segmenter")
    crop = crop_of(network, photo, "render")
    meshes = predict_meshes(
        network.network, network.params, *(cut(part, crop)[None] for part in (image, mask))
    )
    camera, _ = find_camera(network, meshes, photo, crop, regress)
    cameras = {name: np.array([getattr(camera, name)]) for name in (*CAMERA_NAMES, "offset")}
    return photo, crop, one_photo.Found(meshes, cameras)


def true_figures(meshes, similarity, objects, azimuths):
    """Figures of `view_metrics` all round and on the far side."""
    rows, made = np.repeat(np.arange(len(objects)), VIEWS), world("test", SEEN[0])
    moved = meshes._replace(vertices=similarity.apply(meshes.vertices))
    round_about = novel_cameras(len(rows), made.distance)
    turned = np.random.default_rng(1).uniform(-FAR, FAR, len(rows))
    behind = round_about | {"azimuth": azimuths[rows] + np.pi + turned}
    truth = true_views(made, objects)
    return {
        name: view_metrics(render_views(moved, rows, cameras, SEEN, np.radians(30.0)), truth(rows, cameras))
        for name, cameras in (("all round", round_about), ("far side", behind))
    }


def measured(steps, network, photos, similarity, objects, azimuths):
    """A row: figures after so many steps."""
    found, seen = [], []
    for photo, crop, before in photos:
        after = one_photo.refined(network, before, photo, crop, steps) if steps else before
        picture = cut(photo.image, crop), cut(photo.mask, crop), inside(photo.mask, crop)
        seen.append(one_photo.figures(after, *picture, network.fov_y))
        found.append(after.meshes)
    together = found[0]._replace(
        vertices=np.concatenate([meshes.vertices for meshes in found]),
        texture=np.concatenate([meshes.texture for meshes in found]),
    )
    row = {"steps": steps, "photo": {name: float(np.mean([one[name] for one in seen])) for name in
                                     ("iou_2d", "colour_error")}}  # fmt: skip
    return row | true_figures(together, similarity, objects, azimuths)


def table(rows):
    header = ("steps", "photo: IOU", "colour error", "all round: IOU", "normals", "texture error",
              "far side: IOU", "normals", "texture error")  # fmt: skip
    lines = []
    for row in rows:
        sides = [row[name] for name in ("all round", "far side")]
        values = [f"{row['photo'][name]:.3f}" for name in ("iou_2d", "colour_error")]
        for side in sides:
            values += [f"{side['novel_view_iou']:.3f}", f"{side['normal_error_degrees']:.1f}°"]
            values += [f"{side['texture_error']:.3f}"]
        lines.append([row["steps"], *values])
    return "\n".join(markdown_table(header, lines))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", type=int, default=40)
    parser.add_argument("--steps", default="0,50,200")
    arguments = parser.parse_args()
    _, network, segment, regress = networks_of(None, None)

    def predict(images, masks):
        return predict_meshes(network.network, network.params, images, masks)

    similarity = fit_frame(predict, drawn("validation", 20, SEEN[0]))
    testing = drawn("test", arguments.objects, SIDE)
    photos = [reconstructed(network, segment, regress, image) for image in testing.images]
    rows = []
    for steps in map(int, arguments.steps.split(",")):
        rows.append(measured(steps, network, photos, similarity, testing.objects, testing.cameras["azimuth"]))
        print(rows[-1], flush=True)
    print(table(rows))
    write_results("refinement", [row | {"objects": arguments.objects} for row in rows])


if __name__ == "__main__":
    main()
