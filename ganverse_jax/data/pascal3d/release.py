"""Cars (or another class) of Pascal3D+ as a set of one view per object, each with its annotated camera.

The public release as it unpacks (what a record holds: data/pascal3d/records.py):

    ROOT/Annotations/car_imagenet/ID.mat   ROOT/Annotations/car_pascal/ID.mat
    ROOT/Images/car_imagenet/ID.JPEG       ROOT/Images/car_pascal/ID.jpg
    ROOT/Image_sets/car_imagenet_train.txt, car_imagenet_val.txt
    ROOT/PASCAL/VOCdevkit/VOC2012/ImageSets/Main/train.txt, val.txt

Split as CMR (arXiv:1803.07549) and the works after it: ImageNet's pictures, both lists, and those of PASCAL
VOC 2012's train list are for training, VOC's val list is the test set. Truncated, occluded and difficult
objects are left out. The paper has 4175 images in all, 220 of them for testing.

Crops are squares centred on the principal point, turned upright by the annotated in-plane rotation, and as
large as the object's box with a margin needs. So each has its own angle of view; the set shares one, the
median, and an object's distance is changed to fill its crop as before. Perspective is then exact for a median
crop, and off by a few parts in a hundred for others (the annotated focal length is a convention anyway).
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ganverse_jax.data.crops import Crop, cut
from ganverse_jax.data.decoding import read_picture
from ganverse_jax.data.intake import Intake
from ganverse_jax.data.masks.folder import MissingMasks
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.data.pascal3d.masks import Instances, matching_instance
from ganverse_jax.data.pascal3d.records import AnnotatedObject, Record, Viewpoint, read_record
from ganverse_jax.runtime.names import legible, path_of
from ganverse_jax.scene.bins import nearest_azimuth_bin

SUBSETS = {"imagenet": ".JPEG", "pascal": ".jpg"}
VOC_LISTS = "PASCAL/VOCdevkit/VOC2012/ImageSets/Main"
LEFT_OUT = ("truncated", "occluded", "difficult")


class Pascal3D(NamedTuple):
    """The set (`multiview.splits` tells train and test; `views` have azimuth, elevation and distance) and its
    vertical field of view in degrees.

    objects: names "car_imagenet/ID#number" by object id. keypoint_names [k]; keypoints float32 [n k 2] in
    pixels of the crops, (0.5, 0.5) in the first's centre; visible bool [n k]. intake: objects left out, by
    reason.
    """

    multiview: MultiviewSet
    fov_degrees: float
    objects: list[str]
    keypoint_names: list[str]
    keypoints: np.ndarray
    visible: np.ndarray
    intake: Intake


class _Listed(NamedTuple):
    folder: str
    id: str
    split: str


class _Reader(NamedTuple):
    """What `read_pascal3d` is asked for."""

    root: Path
    instances: Instances
    object_class: str
    size: int
    margin: float
    leave_out: Sequence[str]
    min_box_iou: float


class _Sample(NamedTuple):
    name: str
    split: str
    image: np.ndarray
    mask: np.ndarray
    crop: Crop
    annotated: AnnotatedObject


def read_pascal3d(
    root: str | Path,
    instances: Instances,
    *,
    size: int,
    object_class: str,
    margin: float = 0.1,
    object_scale: float = 2.0,
    leave_out: Sequence[str] = LEFT_OUT,
    min_box_iou: float = 0.8,
    damaged: str = "error",
) -> Pascal3D:
    """Read both subsets of a class as square crops of `size` pixels.

    instances: masks of a picture's instances (data/pascal3d/masks.py); an object takes the one whose box has
    the largest IOU with its own, and is left out ("no_mask", "other_mask") without one of at least
    min_box_iou. margin: around the object's box, as a share of it. object_scale: our units per CAD unit; 2
    makes cars about 1.7 long, as the toy world's are. leave_out: annotated flags that exclude an object.
    damaged: "skip" counts pictures and annotations that are missing or broken, "error" stops at the first.
    Raises FileNotFoundError or ValueError naming file and remedy, also when nothing is left; MissingMasks of
    a `MaskFolder` for all pictures together.
    """
    if damaged not in ("error", "skip") or not set(leave_out) <= set(LEFT_OUT):
        raise ValueError(
            f"damaged = {damaged!r} must be error or skip, leave_out = {list(leave_out)} among {LEFT_OUT}"
        )
    reader = _Reader(Path(root), instances, object_class, size, margin, leave_out, min_box_iou)
    intake = Intake()
    samples = _all_samples(reader, damaged == "skip", intake)
    if not samples:
        raise ValueError(
            f"no {object_class} of {root} can be used, left out are {dict(intake.left_out)}; loosen "
            "leave_out, or make masks"
        )
    return _assembled(samples, object_scale, intake)


def _all_samples(reader: _Reader, skip_damaged: bool, intake: Intake) -> list[_Sample]:
    """The usable objects of all listed pictures; the others are counted in the intake."""
    samples, unsegmented = [], []
    for listed in list(_listed(reader.root, reader.object_class)):
        try:
            samples += _samples(reader, listed, intake)
        except MissingMasks as error:  # a person shall segment everything in one go
            unsegmented.append(error)
        except (FileNotFoundError, ValueError) as error:
            if not skip_damaged:
                kind = FileNotFoundError if isinstance(error, FileNotFoundError) else ValueError
                raise kind(f"{error}, or leave such out with damaged=skip") from error
            print(f"[pascal3d] left out: {legible(error)}", flush=True)
            intake.leave_out("damaged", f"{listed.folder}/{listed.id}")
    if unsegmented:
        raise MissingMasks.together(unsegmented)
    return samples


def annotation_folders(root: str | Path, object_class: str) -> dict[str, Path]:
    """The class's folder of annotations in each subset of the release. Raises FileNotFoundError."""
    folders = {name: Path(root) / "Annotations" / f"{object_class}_{name}" for name in SUBSETS}
    for folder in folders.values():
        if not folder.is_dir():
            raise FileNotFoundError(
                f"no folder {folder} in {str(root)!r}; point to an unpacked PASCAL3D+_release1.1 and one of "
                "its classes"
            )
    return folders


def _listed(root: Path, object_class: str) -> Iterable[_Listed]:
    """Every listed picture with an annotation folder; VOC's lists name pictures of all classes."""
    annotations = annotation_folders(root, object_class)
    for name in ("train", "val"):
        for i in _read_list(root / "Image_sets" / f"{object_class}_imagenet_{name}.txt"):
            yield _Listed(f"{object_class}_imagenet", i, "train")
    for name, split in (("train", "train"), ("val", "test")):
        for i in _read_list(root / VOC_LISTS / f"{name}.txt"):
            if (annotations["pascal"] / f"{i}.mat").is_file():
                yield _Listed(f"{object_class}_pascal", i, split)


def _read_list(path: Path) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(f"no list of images at {path}; unpack the release again, whole")
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    return [path_of(line.split()[0]) for line in lines if line.strip()]


def _samples(reader: _Reader, listed: _Listed, intake: Intake) -> list[_Sample]:
    """The usable objects of one picture; the others are counted in the intake."""
    path = reader.root / "Annotations" / listed.folder / f"{listed.id}.mat"
    record, usable = read_record(path, reader.object_class), []
    for annotated in record.objects:
        reasons = [flag for flag in annotated.flags if flag in reader.leave_out] + [annotated.missing]
        if reasons[0]:
            intake.leave_out(reasons[0], f"{listed.folder}/{listed.id}#{annotated.number}")
        else:
            usable.append(annotated)
    if not usable:
        return []
    picture = _picture(reader.root, listed, record, intake)
    masks = reader.instances(picture, listed.folder, listed.id)
    samples = []
    for annotated in usable:
        name = f"{listed.folder}/{listed.id}#{annotated.number}"
        mask = None if masks is None else matching_instance(masks, annotated.box, reader.min_box_iou)
        if mask is None:
            intake.leave_out("no_mask" if masks is None else "other_mask", name)
            continue
        crop = _crop(annotated.viewpoint, annotated.box, reader.margin, reader.size)
        levels = np.round(255 * mask).astype(np.uint8)
        samples.append(_Sample(name, listed.split, cut(picture, crop), cut(levels, crop), crop, annotated))
    return samples


def _picture(root: Path, listed: _Listed, record: Record, intake: Intake) -> np.ndarray:
    folder, filename = root / "Images" / listed.folder, path_of(record.filename)
    path = folder / filename
    if Path(filename).name != filename or not path.is_file():
        path = folder / f"{listed.id}{SUBSETS[listed.folder.rsplit('_', 1)[1]]}"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is listed but not there; unpack the release again")
    picture = read_picture(path)
    for note in picture.notes:
        intake.note(note, path.relative_to(root))
    if picture.orientation == 1:
        return picture.colour
    # MATLAB, which the annotations were made with, ignores EXIF; tools that others made a copy with may not.
    both = [picture.colour, read_picture(path, upright=False).colour]
    fitting = [colour for colour in both if colour.shape[1::-1] == record.size]
    if len(fitting) != 1:
        raise ValueError(
            f"{path} has the EXIF orientation {picture.orientation}, and its annotation does not tell "
            "whether it is of the picture turned or as stored; turn the pixels and remove the orientation"
        )
    return fitting[0]


def _crop(viewpoint: Viewpoint, box: Sequence[float], margin: float, size: int) -> Crop:
    """The square about the principal point, turned by theta, that holds the box and a margin around it."""
    corners = np.array([(x, y) for x in box[::2] for y in box[1::2]])
    upright = Crop(viewpoint.principal, 1.0, viewpoint.theta, (0, 0)).from_picture(corners)
    half = (1.0 + margin) * np.abs(upright).max()
    return Crop(viewpoint.principal, 2.0 * half / size, viewpoint.theta, (size, size))


def _assembled(samples: list[_Sample], object_scale: float, intake: Intake) -> Pascal3D:
    views, tangents = [], np.array([_half_angle_tangent(sample) for sample in samples])
    shared = float(np.median(tangents))
    for index, (sample, tangent) in enumerate(zip(samples, tangents, strict=True)):
        viewpoint = sample.annotated.viewpoint
        azimuth = viewpoint.azimuth % (2 * math.pi)
        pose = {"azimuth": azimuth, "elevation": viewpoint.elevation}
        pose["distance"] = float(object_scale * viewpoint.distance * tangent / shared)
        azimuth_bin = nearest_azimuth_bin(azimuth)
        views.append({"id": index, "azimuth_bin": azimuth_bin} | pose)
    number = np.arange(len(samples))
    splits = {name: np.array([s.split == name for s in samples]).nonzero()[0] for name in ("train", "test")}
    multiview = MultiviewSet(
        np.stack([sample.image for sample in samples]),
        np.stack([sample.mask for sample in samples]),
        number.astype(np.int32),
        number.astype(np.int64),
        views,
        splits={name: tuple(map(int, rows)) for name, rows in splits.items()},
    )
    fov_degrees = math.degrees(2 * math.atan(shared))
    names, points, visible = _keypoints(samples)
    return Pascal3D(
        multiview, fov_degrees, [sample.name for sample in samples], names, points, visible, intake
    )


def _half_angle_tangent(sample: _Sample) -> float:
    """Half the crop's side over the focal length: the tangent of half its own field of view."""
    return sample.crop.scale * sample.crop.size[0] / 2 / sample.annotated.viewpoint.focal


def _keypoints(samples: list[_Sample]) -> tuple[list[str], np.ndarray, np.ndarray]:
    names = sorted({name for sample in samples for name in sample.annotated.keypoint_names})
    points = np.zeros((len(samples), len(names), 2), np.float32)
    visible = np.zeros(points.shape[:2], bool)
    for row, sample in enumerate(samples):
        for name, point in sample.annotated.keypoints.items():
            column = names.index(name)
            points[row, column] = sample.crop.from_picture(np.array([point]))[0]
            visible[row, column] = True
    return names, points, visible
