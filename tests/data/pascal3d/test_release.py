"""Claims about Pascal3D+: cameras, masks and splits as annotated; what cannot be used is named or counted."""

import numpy as np
import pytest

import rasterizer
from ganverse_jax.data.masks.folder import MaskFolder, MissingMasks
from ganverse_jax.data.multiview.set import azimuth_bins
from ganverse_jax.data.pascal3d.masks import png_instances, segmenter_instances
from ganverse_jax.data.pascal3d.records import read_record
from ganverse_jax.data.pascal3d.release import read_pascal3d
from ganverse_jax.scene.cameras import given_cameras
from tests.data.pascal3d.made_release import (
    ANCHORS,
    SCALE,
    WORLD,
    annotated,
    struct,
    write_far,
    write_lists,
    write_picture,
    write_record,
    write_release,
)

KEPT = {
    "car_imagenet/n01#1": 0,
    "car_imagenet/n02#1": 1,
    "car_pascal/2008_01#1": 3,
    "car_pascal/2008_02#1": 4,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_release(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def read(whole):
    return read_pascal3d(whole, png_instances(whole / "masks"), object_class="car", size=64)


def cameras(read, rows=slice(None)):
    given = given_cameras(read.multiview.views)
    fov = np.full(len(read.multiview), np.radians(read.fov_degrees), np.float32)
    fields = (given["azimuth"], given["elevation"], np.exp(given["log_distance"]), fov)
    return rasterizer.Camera(*(field[rows] for field in fields))


def test_objects_and_splits_are_those_of_the_lists(read):
    assert read.objects == list(KEPT) and read.intake.left_out == {"truncated": 1}
    names = {split: [read.objects[i] for i in read.multiview.split(split).object_id]
             for split in ("train", "validation", "test")}  # fmt: skip
    assert names == {"train": list(KEPT)[:3], "validation": [], "test": list(KEPT)[3:]}
    assert [round(np.degrees(view["azimuth"])) for view in read.multiview.views] == [40, 200, 95, 350]
    assert azimuth_bins(read.multiview.views) == [1, 7, 3, 0]


@pytest.fixture
def alone(whole, tmp_path):
    """Reads one picture of the release, whose angle of view is then the shared one."""

    def read_alone(name):
        root = tmp_path / name
        root.mkdir()
        for folder in ("Annotations", "Images", "masks"):
            (root / folder).symlink_to(whole / folder)
        write_lists(root, [name])
        return read_pascal3d(root, png_instances(root / "masks"), object_class="car", size=64)

    return read_alone


@pytest.mark.parametrize(("name", "index"), [("n01", 0), ("n02", 1), ("2008_01", 3), ("2008_02", 4)])
def test_the_exact_car_from_the_read_camera_covers_the_crops_mask(alone, name, index):
    read, (vertices, faces) = alone(name), WORLD.surfaces([index])
    clip = rasterizer.transform(vertices, cameras(read), 64, 64)
    seen = np.asarray(rasterizer.rasterize(clip, faces, 64, 64).face_id[0] >= 0)
    mask = read.multiview.masks[0] > 127
    # 0.94: the outline's pixels are 8 % of the car; it was resampled twice, and is drawn on another grid
    assert (seen & mask).sum() / (seen | mask).sum() > 0.94


def world_points():
    points = np.array([ANCHORS[name] for name in sorted(ANCHORS)])
    return (SCALE * points[:, [0, 2, 1]] * [1, 1, -1]).astype(np.float32)


def seen_at(read):
    """Pixels [n k 2] at which the read cameras see the anchors."""
    clip = np.asarray(rasterizer.transform(world_points(), cameras(read), 64, 64))
    return 32 + 32 * clip[..., :2] / clip[..., 3:] * [1, -1]


@pytest.mark.parametrize("name", ["n01", "n02", "2008_01", "2008_02"])
def test_a_known_point_is_seen_where_the_annotation_says(alone, name):
    read = alone(name)
    assert read.keypoint_names == [*sorted(ANCHORS), "upper_left_windshield"]
    assert read.visible.tolist() == [[True, True, False]]
    # float32, over coordinates up to 64
    np.testing.assert_allclose(read.keypoints[:, :2], seen_at(read), atol=1e-3)


def test_points_stay_within_a_pixel_where_the_angle_of_view_is_shared(whole, tmp_path):
    root = tmp_path / "far"
    for folder in ("Images", "masks"):
        (root / folder).mkdir(parents=True)
        (root / folder / "car_imagenet").symlink_to(whole / folder / "car_imagenet")
    for name, distance in (("n01", 12.0), ("n02", 20.0)):  # the release's own camera, cars of two sizes
        write_record(root, "imagenet", name, [write_far(whole, name, distance)])
    (root / "Annotations/car_pascal").mkdir()
    write_lists(root, ["n01", "n02"])
    read = read_pascal3d(
        root, png_instances(root / "masks"), object_class="car", size=64, margin=3.0, min_box_iou=0.0
    )
    # Depths of 0.45 units at 12 and 20 instead of the mean of both: 32 x 0.45 x (1/12 - 1/15) = 0.24, and the
    # crop's margin makes it less.
    np.testing.assert_allclose(read.keypoints[:, :2], seen_at(read), atol=0.25)
    assert read.fov_degrees < 6


def test_any_segmenter_serves(whole, read):
    def segmenter(images):
        """Foreground is what differs from the canvas."""
        return (np.abs(images.astype(int) - (90, 120, 90)).max(axis=-1) > 60).astype(np.float32)

    found = read_pascal3d(whole, segmenter_instances(segmenter), object_class="car", size=64, min_box_iou=0.2)
    assert set(found.objects) <= set(read.objects) and len(found.objects) >= 1


def test_masks_that_nobody_made_are_asked_for_together(whole, tmp_path):
    with pytest.raises(MissingMasks, match="4 images have no mask"):
        read_pascal3d(whole, segmenter_instances(MaskFolder(tmp_path)), object_class="car", size=64)
    with pytest.raises(FileNotFoundError, match="no folder of masks at .*name another source"):
        png_instances(tmp_path / "none")


@pytest.fixture
def release(tmp_path):
    return write_release(tmp_path)


def again(root, **settings):
    return read_pascal3d(
        root, png_instances(root / "masks"), **({"object_class": "car", "size": 32} | settings)
    )


def test_what_cannot_be_used_is_counted_by_reason(release):
    picture = write_picture(release, 0, "n01")
    box = picture["bbox"][0, 0]
    coarse = annotated(struct(azimuth_coarse=10.0, distance=0.0), box, {})
    without = annotated(np.zeros((0, 0)), box, {})
    half = annotated(struct(azimuth=10.0, elevation=2.0, distance=4.0), box, {})
    elsewhere = annotated(picture["viewpoint"][0, 0], box + 40, {}, ())
    hard = [annotated(picture["viewpoint"][0, 0], box, {}, (flag,)) for flag in ("occluded", "difficult")]
    write_record(release, "imagenet", "n01", [picture, coarse, without, half, elsewhere, *hard])
    (release / "masks/car_pascal/2008_01.png").unlink()
    found = again(release)
    assert found.intake.left_out == {
        "coarse_viewpoint": 1, "no_viewpoint": 2, "other_mask": 1, "occluded": 1, "difficult": 1,
        "truncated": 1, "no_mask": 1,
    }  # fmt: skip
    assert found.objects == ["car_imagenet/n01#0", "car_imagenet/n02#1", "car_pascal/2008_02#1"]
    assert {"car_imagenet/n03#1", "car_imagenet/n01#5"} <= set(again(release, leave_out=()).objects)


@pytest.mark.parametrize(
    ("path", "content", "error", "message"),
    [
        ("Annotations/car_imagenet/n01.mat", None, FileNotFoundError, r"no annotation at .*n01\.mat; unpack"),
        (
            "Annotations/car_imagenet/n01.mat",
            300,
            ValueError,
            r"n01\.mat is no readable Pascal3D. annotation",
        ),
        ("Annotations/car_imagenet/n01.mat", 0, ValueError, r"n01\.mat is no readable Pascal3D. annotation"),
        ("Images/car_imagenet/n02.JPEG", None, FileNotFoundError, r"n02\.JPEG is listed but not there"),
        ("Images/car_imagenet/n02.JPEG", 500, ValueError, r"n02\.JPEG is no readable PNG, JPEG or WebP"),
        ("masks/car_imagenet/n02.png", 40, ValueError, r"n02\.png is no readable PNG"),
    ],
)
def test_damaged_files_are_named_or_skipped(release, path, content, error, message):
    data = (release / path).read_bytes()
    (release / path).unlink()
    if content is not None:
        (release / path).write_bytes(data[:content])
    with pytest.raises(error, match=f"{message}.*damaged=skip"):
        again(release)
    assert again(release, damaged="skip").intake.left_out == {"damaged": 1, "truncated": 1}


def test_a_release_that_is_not_whole_is_refused(release):
    with pytest.raises(
        FileNotFoundError, match="no folder .*Annotations/boat_imagenet in .*; point to an unpacked"
    ):
        again(release, object_class="boat")
    with pytest.raises(ValueError, match="no car of .* can be used, left out are .*no_mask.: 4"):
        (release / "empty").mkdir()
        read_pascal3d(release, png_instances(release / "empty"), object_class="car", size=32)
    with pytest.raises(ValueError, match="damaged = 'no' must be error or skip"):
        again(release, damaged="no")
    (release / "Image_sets/car_imagenet_val.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"no list of images at .*car_imagenet_val\.txt; unpack"):
        again(release)


def test_a_file_that_matlab_did_not_write_is_refused(tmp_path):
    path = tmp_path / "a.mat"
    path.write_text("hello")
    with pytest.raises(ValueError, match=r"a\.mat is no readable Pascal3D. annotation"):
        read_record(path, "car")
