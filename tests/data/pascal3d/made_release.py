"""A small copy of Pascal3D+'s layout: toy-car renders with known cameras as its pictures."""

import numpy as np
from PIL import Image
from scipy.io import savemat

from ganverse_jax.classes.car.toy.world import ToyCars

WORLD = ToyCars(64, seed=0, fov_degrees=30.0, distance=4.2)
SCALE = 2.0  # our units per CAD unit
CANVAS = (130, 110)  # width, height
# CAD points: x to the left of who sees the front, front at -y, up +z.
ANCHORS = {"left_front_wheel": (-0.16, -0.27, -0.08), "right_back_trunk": (0.12, 0.40, 0.02)}
# id: (subset, list, azimuth, elevation, theta in degrees, zoom of the picture, flags)
PICTURES = {
    "n01": ("imagenet", "train", 40.0, 12.0, 0.0, 1.0, ()),
    "n02": ("imagenet", "val", 200.0, 5.0, 15.0, 1.0, ()),
    "n03": ("imagenet", "train", 300.0, 8.0, 0.0, 1.0, ("truncated",)),
    "2008_01": ("pascal", "train", 95.0, 20.0, -8.0, 1.2, ()),
    "2008_02": ("pascal", "val", 350.0, 3.0, 0.0, 1.0, ()),
}


def project(point, a, e, theta, d, focal, principal):
    """Where a CAD point is seen: (x, y) in MATLAB's pixels, as the release's own tool computes it."""
    a, e, theta = np.radians([a, e, theta])
    eye = d * np.array([np.cos(e) * np.sin(a), -np.cos(e) * np.cos(a), np.sin(e)])
    about_z = np.array([[np.cos(a), np.sin(a), 0], [-np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tilt = np.pi / 2 - e
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), np.sin(tilt)], [0, -np.sin(tilt), np.cos(tilt)]])
    x, y, z = about_x @ about_z @ (np.array(point) - eye)
    x, y = focal * np.array([x, y]) / -z
    x, y = np.cos(theta) * x - np.sin(theta) * y, np.sin(theta) * x + np.cos(theta) * y
    return np.array([principal[0] + x, principal[1] - y])


def struct(**fields):
    """A MATLAB struct of one element."""
    array = np.zeros((1, 1), dtype=[(name, object) for name in fields])
    for name, value in fields.items():
        array[name][0, 0] = value
    return array


def annotated(viewpoint, box, anchors, flags=(), name="car"):
    """One element of record.objects."""
    marks = {flag: float(flag in flags) for flag in ("truncated", "occluded", "difficult")}
    points = {n: struct(location=np.zeros((0, 0)) if p is None else p, status=2 if p is None else 1)
              for n, p in anchors.items()}  # fmt: skip
    anchors = struct(**points) if points else np.zeros((0, 0))
    return struct(
        **{"class": name},
        bbox=np.array(box, float),
        anchors=anchors,
        viewpoint=viewpoint,
        cad_index=3.0,
        **marks,
    )


def write_record(root, subset, name, objects, filename=None):
    path = root / "Annotations" / f"car_{subset}" / f"{name}.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    objects = np.concatenate(objects, axis=1)
    filename = filename or f"{name}.{'JPEG' if subset == 'imagenet' else 'jpg'}"
    savemat(path, {"record": struct(filename=filename, imgsize=np.array([*CANVAS, 3.0]), objects=objects)})
    return path


def write_picture(root, index, name):
    """Picture, mask and annotation of one toy car; returns its object for `write_record`."""
    subset, _, azimuth, elevation, theta, zoom, flags = PICTURES[name]
    render = WORLD.render_views([index], np.radians([azimuth]), np.radians([elevation]))
    side = round(64 * zoom)
    principal = np.array([60.0 + index % 5, 55.0 - index % 5])
    image, mask = Image.new("RGB", CANVAS, (90, 120, 90)), Image.new("L", CANVAS)
    corner = tuple(np.round(principal - side / 2).astype(int).tolist())
    principal = np.array(corner) + side / 2
    turn = dict(angle=theta, center=tuple(principal), resample=Image.Resampling.BICUBIC)
    for canvas, part in ((image, render["image"][0]), (mask, render["mask"][0])):
        canvas.paste(Image.fromarray(part).resize((side, side)), corner)
    image, mask = image.rotate(**turn), np.asarray(mask.rotate(**turn))
    rows, columns = (np.flatnonzero((mask > 127).any(axis=axis)) for axis in (1, 0))
    box = [columns[0] + 1, rows[0] + 1, columns[-1] + 1, rows[-1] + 1]  # MATLAB's, both ends included
    for kind, picture in (("Images", image), ("masks", Image.fromarray(np.uint8(mask > 127) * 7))):
        suffix = {"masks": ".png"}.get(kind, ".JPEG" if subset == "imagenet" else ".jpg")
        path = root / kind / f"car_{subset}" / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, **({} if kind == "masks" else {"quality": 95}))
    focal, distance = side / 2 / np.tan(np.radians(15)), WORLD.distance / SCALE
    pose = (azimuth, elevation, theta, distance, focal, principal + 0.5)
    anchors = {n: project(p, *pose) for n, p in ANCHORS.items()} | {"upper_left_windshield": None}
    viewpoint = struct(
        azimuth_coarse=azimuth, elevation_coarse=elevation, azimuth=azimuth, elevation=elevation, theta=theta,
        distance=distance, focal=1.0, viewport=focal, px=principal[0] + 0.5, py=principal[1] + 0.5,
    )  # fmt: skip
    return annotated(viewpoint, box, anchors, flags)


def write_release(root):
    """The whole small release under `root`, masks included."""
    for index, (name, entry) in enumerate(PICTURES.items()):
        bus = annotated(struct(azimuth=0.0, distance=3.0), [1, 1, 9, 9], {}, name="bus")
        write_record(root, entry[0], name, [bus, write_picture(root, index, name)])
    write_lists(root, list(PICTURES))
    return root


def write_lists(root, names):
    """The four lists of the release, of those pictures."""
    for folder, prefix, subset in (
        ("Image_sets", "car_imagenet_", "imagenet"),
        ("PASCAL/VOCdevkit/VOC2012/ImageSets/Main", "", "pascal"),
    ):
        (root / folder).mkdir(parents=True)
        for split in ("train", "val"):
            listed = [name for name in names if PICTURES[name][:2] == (subset, split)]
            others = ["2007_99"] if subset == "pascal" else []  # VOC lists pictures without cars too
            (root / folder / f"{prefix}{split}.txt").write_text("\n".join([*listed, *others]) + "\n")


def write_far(root, name, distance):
    """The object of picture `name` as the release's own camera sees it: 3000 pixels of focal length."""
    _, _, azimuth, elevation, theta, _, _ = PICTURES[name]
    pose = (azimuth, elevation, theta, distance, 3000.0, (61.0, 56.0))
    viewpoint = struct(
        azimuth=azimuth, elevation=elevation, theta=theta, distance=distance, focal=1.0, viewport=3000.0,
        px=61.0, py=56.0,
    )  # fmt: skip
    half = 1000.0 / distance
    box = [61 - half / 2, 56 - half / 4, 61 + half / 2, 56 + half / 4]
    return annotated(viewpoint, box, {n: project(p, *pose) for n, p in ANCHORS.items()})
