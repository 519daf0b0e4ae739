"""Claims about photos: where their masks come from, and that what cannot be used is named with its remedy."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.data.masks.meaning import AS_UPRIGHT
from ganverse_jax.data.photos import PhotoError, find_photos, read_photo, result_names

COLOUR = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


def disc(*centres, size=(40, 60), radius=8):
    y, x = np.mgrid[: size[0], : size[1]]
    inside = [(x - cx) ** 2 + (y - cy) ** 2 <= radius**2 for cx, cy in centres]
    return np.uint8(255 * np.any(inside, axis=0))


def save(path, mask=None, **options):
    Image.fromarray(COLOUR if mask is None else np.dstack([COLOUR, mask])).save(path, **options)
    return path


def test_alpha_is_the_mask_and_colours_under_it_stay(tmp_path):
    photo = read_photo(save(tmp_path / "a.png", disc((30, 20))))
    assert photo.mask_from == "alpha"
    np.testing.assert_array_equal(photo.mask, disc((30, 20)))
    np.testing.assert_array_equal(photo.image, COLOUR)


def test_a_folder_of_masks_goes_before_alpha_and_alpha_before_the_segmenter(tmp_path):
    def segment(image):
        assert image.shape == (40, 60, 3)
        return disc((15, 15))[None] / 255.0

    masks = tmp_path / "masks"
    masks.mkdir()
    path = save(tmp_path / "a.png", disc((30, 20)))
    Image.fromarray(disc((40, 20))).save(masks / "a.png")
    assert read_photo(path, masks=masks, segment=segment).mask[20, 40] == 255
    assert read_photo(path, segment=segment).mask_from == "alpha"
    opaque = save(tmp_path / "b.jpg")
    segmented = read_photo(opaque, segment=segment)
    assert segmented.mask_from == "segmenter" and segmented.mask[15, 15] == 255
    assert (
        read_photo(save(tmp_path / "c.png", np.full((40, 60), 255, np.uint8)), segment=segment).mask_from
        == "segmenter"
    )


def test_crumbs_of_a_mask_are_left_out(tmp_path):
    mask = disc((30, 20))
    mask[2:4, 2:4] = 255
    found = read_photo(save(tmp_path / "a.png", mask)).mask
    assert found[2:4, 2:4].max() == 0 and found[20, 30] == 255


def test_a_cameras_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    mask = disc((15, 30), size=(60, 40))
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "a.png")
    photo = read_photo(save(tmp_path / "a.jpg", exif=exif), masks=tmp_path / "masks")
    assert photo.image.shape == (60, 40, 3) and photo.mask.shape == (60, 40)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_mask_of_the_stored_pixels_is_turned_with_its_photo_where_sizes_tell_or_a_note_says(
    tmp_path, orientation
):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = disc((45, 10))
    colour = np.repeat(stored[..., None], 3, axis=-1)
    (tmp_path / "masks").mkdir()
    Image.fromarray(colour).save(tmp_path / "a.png", exif=exif)
    Image.fromarray(stored).save(tmp_path / "masks" / "a.png")
    photo = read_photo(tmp_path / "a.png", masks=tmp_path / "masks")
    if orientation > 4:
        assert photo.mask.shape == (60, 40) and photo.notes == ()
        np.testing.assert_array_equal(photo.mask, photo.image[..., 0])
    else:
        assert photo.notes == (AS_UPRIGHT,)
        np.testing.assert_array_equal(photo.mask, stored)
    square = Image.fromarray(disc((15, 30), size=(60, 60)))
    square.convert("RGB").save(tmp_path / "b.png", exif=exif)
    square.save(tmp_path / "masks" / "b.png")
    assert read_photo(tmp_path / "b.png", masks=tmp_path / "masks").notes == (AS_UPRIGHT,)


def test_what_cannot_be_used_is_named_with_its_remedy(tmp_path):
    cases = {
        "no_mask.png": (None, "no_mask.png has no mask: save it as PNG .* pass --masks=FOLDER"),
        "empty.png": (0 * disc((30, 20)), r"empty.png has an empty mask \(alpha\); mark the object"),
        "faint.png": (disc((30, 20)) // 85, "its brightest value is 3; the object must be 255"),
        "inverted.png": (255 - disc((30, 20)), "holds the picture's whole border; if it is inverted"),
        "two.png": (disc((15, 20), (45, 20)), "mask .alpha. of 2 separate objects; keep one"),
    }
    for name, (mask, message) in cases.items():
        with pytest.raises(PhotoError, match=message):
            read_photo(save(tmp_path / name, mask))
    whole = (tmp_path / "two.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("hello")
    Image.fromarray(np.zeros((9, 9), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(
        PhotoError, match=r"deep\.png has 16 bits per channel but uses the lowest 12 alone.*8 bit"
    ):
        read_photo(tmp_path / "deep.png")
    with pytest.raises(
        PhotoError, match=r"text\.png is no readable .*its contents are none of these formats"
    ):
        read_photo(tmp_path / "text.png")
    for name in ("cut.png", "text.png", "absent.png"):
        with pytest.raises(PhotoError, match=rf"{name} is no readable PNG, JPEG or WebP .*save it again"):
            read_photo(tmp_path / name)


def test_a_masks_ending_may_be_in_capitals(tmp_path):
    path = save(tmp_path / "a.png")
    (tmp_path / "masks").mkdir()
    Image.fromarray(disc((30, 10))).save(tmp_path / "masks" / "a.PNG")
    np.testing.assert_array_equal(read_photo(path, masks=tmp_path / "masks").mask, disc((30, 10)))


def test_a_masks_name_may_compose_its_accents_otherwise(tmp_path):
    path = save(tmp_path / unicodedata.normalize("NFD", "café.png"))
    (tmp_path / "masks").mkdir()
    Image.fromarray(disc((30, 10))).save(tmp_path / "masks" / unicodedata.normalize("NFC", "café.png"))
    np.testing.assert_array_equal(read_photo(path, masks=tmp_path / "masks").mask, disc((30, 10)))


def test_masks_that_do_not_fit_are_named(tmp_path):
    path = save(tmp_path / "a.png")
    with pytest.raises(PhotoError, match=r"a\.png has no mask at .*masks/a\.png; save it there"):
        read_photo(path, masks=tmp_path / "masks")
    with pytest.raises(PhotoError, match=r"small/a\.png is uint8 \(20, 60\), but its image is 40 x 60"):
        (tmp_path / "small").mkdir()
        Image.fromarray(disc((30, 10))[:20]).save(tmp_path / "small" / "a.png")
        read_photo(path, masks=tmp_path / "small")


def test_a_name_too_long_for_its_mask_is_that_photos_failure(tmp_path):
    path = tmp_path / ("n" * 255)
    path.write_bytes(save(tmp_path / "a.png").read_bytes())
    with pytest.raises(PhotoError, match="File name too long"):
        read_photo(path, masks=tmp_path)


def test_a_segmenter_must_find_one_object(tmp_path):
    path = save(tmp_path / "a.png")
    two = np.stack([disc((15, 20)), disc((45, 20))]) / 255.0
    with pytest.raises(PhotoError, match="shows 2 objects to the segmenter; crop it to one"):
        read_photo(path, segment=lambda image: two)
    with pytest.raises(PhotoError, match="empty mask .segmenter."):
        read_photo(path, segment=lambda image: two[:0])
    tiny = np.stack([disc((15, 20)), disc((45, 20), radius=1)]) / 255.0
    assert read_photo(path, segment=lambda image: tiny).mask[20, 45] == 0


def test_photos_are_found_and_their_results_named_apart(tmp_path):
    for name in ("b.png", "a.jpg", "a.png"):
        save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    found = find_photos(tmp_path)
    assert found.intake.lines() == ["left out: 1 .txt"]
    assert [path.name for path in found.photos] == ["a.jpg", "a.png", "b.png"]
    assert result_names(found.photos) == ["a_jpg", "a_png", "b"]
    assert find_photos(tmp_path / "b.png").photos == [tmp_path / "b.png"]
    with pytest.raises(FileNotFoundError, match="no picture or folder at .*absent; correct --images"):
        find_photos(tmp_path / "absent")
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="none holds no .png.*correct --images"):
        find_photos(tmp_path / "none")


def test_every_result_has_a_name_of_its_own_that_a_file_can_have():
    photos = [Path(name) for name in ("a.jpg", "a.png", "a_jpg.png", "a_jpg_2.png")]
    assert result_names(photos) == ["a_jpg_3", "a_png", "a_jpg", "a_jpg_2"]
    long = [Path(f"{'é' * 120}{end}.png") for end in "xy"]
    names = result_names(long)
    assert len(set(names)) == 2 and max(len(name.encode()) for name in names) < 210


def test_what_a_folder_holds_besides_photos_is_counted_and_a_dangling_link_is_a_photo_that_fails(tmp_path):
    save(tmp_path / "a.jfif", format="JPEG")
    (tmp_path / "b.png").symlink_to("nowhere.png")
    (tmp_path / "within").mkdir()
    (tmp_path / ".hidden.png").touch()
    (tmp_path / "c.tif").touch()
    photos, intake = find_photos(tmp_path)
    assert [path.name for path in photos] == ["a.jfif", "b.png"]
    assert intake.lines() == ["left out: 1 hidden (.hidden.png), 1 .tif, 1 folders within (within)"]
    with pytest.raises(PhotoError, match=r"b\.png is no readable .*\(it is a link to nowhere\.png\)"):
        read_photo(photos[1])


def test_vocs_mask_marks_its_object_without_the_void(tmp_path):
    mask = disc((30, 20)) // 255 + 254 * (disc((30, 20), radius=10) // 255 - disc((30, 20)) // 255)
    image = Image.fromarray(np.where(mask == 254, 255, mask).astype(np.uint8))
    image.putpalette([0, 0, 0, 128, 0, 0] + [0] * 759 + [224, 224, 192])
    (tmp_path / "masks").mkdir()
    image.save(tmp_path / "masks" / "a.png")
    photo = read_photo(save(tmp_path / "a.png"), masks=tmp_path / "masks")
    np.testing.assert_array_equal(photo.mask, disc((30, 20)))
