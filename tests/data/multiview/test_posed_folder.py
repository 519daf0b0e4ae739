"""Claims about folders of posed pictures: they come back as written, and what is wrong is named."""

import json

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.data.masks.meaning import AS_UPRIGHT
from ganverse_jax.data.multiview.posed_folder import INDEX, read_posed_folder
from ganverse_jax.data.multiview.set import MultiviewSet, azimuth_bins
from ganverse_jax.scene.cameras import given_cameras
from tests.data.multiview.posed_writer import write_posed_folder

CAMERAS = {
    "azimuth": np.radians([0.0, 92.0, 350.0]), "elevation": np.radians([0.0, 10.0, -5.0]),
    "distance": np.array([4.0, 4.5, 5.0]),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """Two objects, five pictures [8 12], three cameras."""
    rng = np.random.default_rng(0)
    images, masks = rng.integers(0, 256, (5, 8, 12, 3), np.uint8), rng.integers(0, 256, (5, 8, 12), np.uint8)
    masks[rng.random(masks.shape) < 0.5] = 255  # coverage is whole for the most part
    views = [{"id": i, "azimuth_bin": 0} for i in range(3)]
    made = MultiviewSet(images, masks, np.array([0, 1, 2, 0, 2]), np.array([4, 4, 4, 7, 7]), views)
    write_posed_folder(tmp_path, made, CAMERAS, 30.0)
    return tmp_path, made


def edit(folder, change):
    content = json.loads((folder / INDEX).read_text())
    change(content)
    (folder / INDEX).write_text(json.dumps(content))


def test_a_written_folder_comes_back(folder):
    path, made = folder
    posed = read_posed_folder(path)
    np.testing.assert_array_equal(posed.multiview.images, made.images)
    np.testing.assert_array_equal(posed.multiview.masks, made.masks)
    np.testing.assert_array_equal(posed.multiview.view_id, made.view_id)
    assert posed.multiview.object_id.tolist() == [0, 0, 0, 1, 1] and posed.objects == ["000004", "000007"]
    assert posed.fov_degrees == 30.0 and azimuth_bins(posed.multiview.views) == [0, 3, 0]
    cameras = given_cameras(posed.multiview.views)
    # rtol 1e-6: through degrees and float32
    np.testing.assert_allclose(cameras["azimuth"], CAMERAS["azimuth"], rtol=1e-6)
    np.testing.assert_allclose(cameras["elevation"], CAMERAS["elevation"], rtol=1e-6)
    np.testing.assert_allclose(np.exp(cameras["log_distance"]), CAMERAS["distance"], rtol=1e-6)


def test_pictures_are_brought_to_one_size(folder):
    path, made = folder
    posed = read_posed_folder(path, (4, 6))
    assert posed.multiview.images.shape == (5, 4, 6, 3)
    mean = made.images.reshape(5, 4, 2, 6, 2, 3).mean(axis=(2, 4))
    # an area average, rounded once per axis
    assert np.abs(posed.multiview.images - mean).max() <= 1.0


def test_alpha_is_the_mask_where_none_is_named(folder):
    path, made = folder
    first = json.loads((path / INDEX).read_text())["images"][0]["file"]
    Image.fromarray(np.dstack([made.images[0], made.masks[0]])).save(path / first)
    edit(path, lambda content: content["images"][0].pop("mask"))
    np.testing.assert_array_equal(read_posed_folder(path).multiview.masks[0], made.masks[0])
    edit(path, lambda content: content["images"][1].pop("mask"))
    with pytest.raises(ValueError, match=r"images/000004_001\.png has no mask and no alpha"):
        read_posed_folder(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(format="x"), "has no .format."),
        (lambda c: c.pop("cameras"), "'cameras' is missing"),
        (lambda c: c.pop("fov_degrees"), "'fov_degrees' is missing"),
        (lambda c: c.update(fov_degrees=float("nan")), "fov_degrees nan is no number"),
        (lambda c: c["cameras"][1].pop("distance"), "camera 1: 'distance' is missing"),
        (lambda c: c["cameras"][1].update(roll_degrees=20), "camera 1: roll_degrees cannot be heeded"),
        (lambda c: c["cameras"][1].update(distance=-1), "camera 1: distance -1 is no number"),
        (lambda c: c["cameras"][2].update(elevation_degrees="10"), "camera 2: elevation_degrees '10'"),
        (lambda c: c["images"][3].update(camera=3), r"image 3: camera 3 is none of 0\.\.2"),
        (lambda c: c["images"][3].pop("object"), "image 3: 'object' is missing"),
        (lambda c: c["images"][3].update(file="../a.png"), "image 3: file '../a.png' is not inside"),
        (
            lambda c: c["images"].append(c["images"][1]),
            "images 1 and 5 both show object '000004' from camera 1",
        ),
        (lambda c: c.update(images=[]), "there are no images"),
    ],
)
def test_a_wrong_index_is_refused_with_entry_and_remedy(folder, change, message):
    edit(folder[0], change)
    with pytest.raises(ValueError, match=f"cameras.json.*{message}"):
        read_posed_folder(folder[0])


def test_pictures_that_do_not_fit_are_refused_by_name(folder):
    path, made = folder
    mask = path / "masks" / "000007_000.png"
    Image.fromarray(made.masks[0, :4]).save(mask)
    with pytest.raises(ValueError, match=r"000007_000\.png is uint8 \(4, 12\), but its image is 8 x 12"):
        read_posed_folder(path)
    mask.write_bytes(b"\x89PNG broken")
    with pytest.raises(ValueError, match=r"masks/000007_000\.png is no readable PNG"):
        read_posed_folder(path)
    mask.unlink()
    with pytest.raises(FileNotFoundError, match=r"000007_000\.png is named in cameras.json but not there"):
        read_posed_folder(path)
    for kind in ("images", "masks"):
        picture = np.full((9, 12, 3) if kind == "images" else (9, 12), 255, np.uint8)
        picture[0, 0] = 0
        Image.fromarray(picture).save(path / kind / "000007_000.png")
    with pytest.raises(ValueError, match="sizes.*save them alike"):
        read_posed_folder(path)
    with pytest.raises(FileNotFoundError, match=r"no cameras\.json in"):
        read_posed_folder(path / "images")


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (
            np.zeros((8, 12), np.uint8),
            r"images/000007_000\.png has an empty mask \(.*masks/000007_000\.png\); mark",
        ),
        (2 - np.eye(8, 12, dtype=np.uint8), r"000007_000\.png marks 2 instances .levels 1, 2."),
        (np.full((8, 12, 3), 255, np.uint8), r"masks/000007_000\.png is a colour picture .*as 8-bit grey"),
    ],
)
def test_masks_that_mark_nothing_are_refused_by_name(folder, levels, message):
    path, made = folder
    Image.fromarray(levels).save(path / "masks" / "000007_000.png")
    with pytest.raises(ValueError, match=message):
        read_posed_folder(path)


def test_a_transparent_picture_and_one_of_16_bits_are_refused_by_name(folder):
    path, made = folder
    picture = path / "images" / "000004_000.png"
    edit(path, lambda content: content["images"][0].pop("mask"))
    Image.fromarray(np.dstack([made.images[0], 0 * made.masks[0]])).save(picture)
    with pytest.raises(ValueError, match=r"000004_000\.png has an empty mask \(alpha\); mark the object"):
        read_posed_folder(path)
    Image.fromarray(np.zeros((8, 12), np.uint16)).save(picture)
    with pytest.raises(
        ValueError, match=r"000004_000\.png has 16 bits per channel but uses the lowest 12 alone"
    ):
        read_posed_folder(path)


def test_a_palette_with_alpha_and_a_turned_picture_are_read_as_elsewhere(folder):
    path, made = folder
    alpha = np.uint8(255 * (np.mgrid[:8, :12][1] < 6))
    first, second = (path / "images" / f"000004_00{view}.png" for view in (0, 1))
    edit(path, lambda content: [content["images"][i].pop("mask") for i in (0, 1)])
    palette = Image.fromarray(np.uint8(alpha > 0))
    palette.putpalette([10, 20, 30, 200, 30, 60])
    palette.save(first, transparency=0)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    lying = Image.fromarray(np.dstack([made.images[1], alpha])).transpose(Image.Transpose.ROTATE_90)
    lying.save(second, exif=exif)
    read = read_posed_folder(path).multiview
    assert (read.images[0][alpha > 0] == (200, 30, 60)).all()
    np.testing.assert_array_equal(read.images[1], made.images[1])
    np.testing.assert_array_equal(read.masks[:2], [alpha, alpha])


def test_all_that_cannot_be_used_is_told_at_once_and_what_is_not_named_is_counted(folder):
    path, made = folder
    Image.fromarray(made.images[0]).save(path / "images" / "extra.png")
    (path / "images" / "notes.txt").write_bytes(b"")
    assert read_posed_folder(path).intake.lines() == [
        "left out: 1 not named in cameras.json (images/extra.png)"
    ]
    for name in ("000004_000.png", "000007_000.png"):
        (path / "images" / name).write_bytes(b"broken")
    with pytest.raises(
        ValueError, match=r"2 of 5 images .* cannot be used:\n.*000004_000\.png(.|\n)*000007_000"
    ):
        read_posed_folder(path)


@pytest.mark.parametrize("text", ["", '{"format": '])
def test_an_index_that_is_no_json_is_to_be_corrected(folder, text):
    (folder[0] / INDEX).write_text(text)
    with pytest.raises(ValueError, match=r"cameras\.json is not valid JSON .*; correct it and run the same"):
        read_posed_folder(folder[0])


def test_cameras_that_are_not_given_are_asked_for():
    with pytest.raises(ValueError, match="view 1 has no known camera; set camera_origin"):
        given_cameras([{"id": 1, "azimuth": 0.0}])


def test_a_mask_of_the_stored_pixels_is_turned_with_its_picture_or_counted_with_a_note(folder):
    path, made = folder
    for name, orientation in (("000004_000", 6), ("000004_001", 3)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for kind in ("images", "masks"):
            file = path / kind / f"{name}.png"
            stored = Image.open(file)
            turned = stored.transpose(Image.Transpose.ROTATE_90) if orientation == 6 else stored
            turned.save(file, **({"exif": exif} if kind == "images" else {}))
    posed = read_posed_folder(path)
    np.testing.assert_array_equal(posed.multiview.masks[:2], made.masks[:2])
    np.testing.assert_array_equal(posed.multiview.images[:2], [made.images[0], made.images[1, ::-1, ::-1]])
    assert posed.intake.notes == {AS_UPRIGHT: 1}
