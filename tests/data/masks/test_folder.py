"""Claims about masks from a folder: found by content, asked for by name, refused when they do not fit."""

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.data.masks import instances
from ganverse_jax.data.masks.folder import WANTED, MaskFolder, MissingMasks, asked_together, image_name

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 20, 30, 3), np.uint8)


def save(folder, image, levels, mode=None):
    Image.fromarray(levels, mode).save(folder / image_name(image))


def levels(**boxes):
    """Grey levels [20 30]: name "v<level>" = a box of columns (left, right) over all rows."""
    result = np.zeros((20, 30), np.uint8)
    for name, (left, right) in boxes.items():
        result[:, left:right] = int(name[1:])
    return result


def test_masks_are_found_whatever_the_order(tmp_path):
    for i, image in enumerate(IMAGES):
        save(tmp_path, image, levels(v255=(0, 5 * i + 1)))
    masks = MaskFolder(tmp_path)(IMAGES[::-1])
    assert masks.dtype == np.float32 and masks.sum(axis=(1, 2)).tolist() == [20 * 11, 20 * 6, 20]


def test_missing_masks_are_asked_for_all_at_once(tmp_path):
    save(tmp_path, IMAGES[1], levels(v1=(0, 9)))
    with pytest.raises(MissingMasks, match="2 images have no mask.*run the same command again"):
        MaskFolder(tmp_path)(IMAGES)
    wanted = sorted(path.name for path in (tmp_path / WANTED).iterdir())
    assert wanted == sorted(image_name(IMAGES[i]) for i in (0, 2))
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / WANTED / image_name(IMAGES[2]))), IMAGES[2]
    )
    together = MissingMasks.together([MissingMasks(2, tmp_path), MissingMasks(5, tmp_path)])
    assert together.count == 7


def rounded(image):
    """The image as another device draws it: a few levels off by one, and some by several."""
    rng = np.random.default_rng(1)
    off = (rng.random(image.shape) < 0.3) * rng.integers(-1, 2, image.shape)
    off[3, 4] = 9
    return np.clip(image.astype(int) + off, 0, 255).astype(np.uint8)


def test_a_picture_that_rounding_alone_tells_apart_keeps_its_mask(tmp_path):
    with pytest.raises(MissingMasks):
        MaskFolder(tmp_path)(IMAGES)
    save(tmp_path, IMAGES[0], levels(v255=(0, 9)))
    again = np.stack([rounded(image) for image in IMAGES])
    assert image_name(again[0]) != image_name(IMAGES[0])
    assert MaskFolder(tmp_path)(again[:1]).sum() == 20 * 9
    with pytest.raises(MissingMasks, match="2 images have no mask"):
        MaskFolder(tmp_path)(again)
    assert len(list((tmp_path / WANTED).iterdir())) == 3  # nobody is asked for one picture twice


def test_the_nearest_of_several_pictures_gives_the_mask(tmp_path):
    before = IMAGES[0] // 2 + 60
    after = before + (np.indices(before.shape)[1] % 2).astype(np.uint8)  # half a level brighter
    with pytest.raises(MissingMasks, match="2 images"):
        MaskFolder(tmp_path)(np.stack([before, after]))
    save(tmp_path, before, levels(v255=(0, 9)))
    save(tmp_path, after, levels(v255=(0, 19)))
    almost = after.copy()
    almost[0, 0] += 1
    assert MaskFolder(tmp_path)(almost[None]).sum() == 20 * 19


@pytest.mark.parametrize("change", ["moved", "another part", "brighter"])
def test_another_picture_is_asked_for_however_like_it_looks(tmp_path, change):
    image = np.full((80, 80, 3), 90, np.uint8)
    image[30:40, 30:40] = 120
    other = {
        "moved": np.roll(image, 3, axis=1),
        "another part": np.where(np.indices(image.shape)[0] < 3, 120, image),
        "brighter": image + 2,
    }[change].astype(np.uint8)
    with pytest.raises(MissingMasks):
        MaskFolder(tmp_path)(image[None])
    Image.fromarray(np.full((80, 80), 255, np.uint8)).save(tmp_path / image_name(image))
    with pytest.raises(MissingMasks, match="1 images"):
        MaskFolder(tmp_path)(other[None])


def test_a_damaged_picture_among_those_asked_for_is_named_with_its_remedy(tmp_path):
    with pytest.raises(MissingMasks):
        MaskFolder(tmp_path)(IMAGES[:1])
    path = tmp_path / WANTED / image_name(IMAGES[0])
    path.write_bytes(path.read_bytes()[:99])
    (path.parent / "notes.txt").write_text("by hand")
    with pytest.raises(ValueError, match=f"{path.name} is no readable PNG.*delete it"):
        MaskFolder(tmp_path)(rounded(IMAGES[0])[None])


def test_a_folder_that_is_half_filled_asks_for_the_other_half(tmp_path):
    for count in (3, 1):
        with pytest.raises(MissingMasks, match=f"{count} images have no mask"):
            asked_together(MaskFolder(tmp_path), np.split(IMAGES, 3))
        for image in IMAGES[:2]:
            save(tmp_path, image, levels())
    save(tmp_path, IMAGES[2], levels(v1=(0, 3)))
    parts = asked_together(MaskFolder(tmp_path), np.split(IMAGES, 3))
    assert [float(part.sum()) for part in parts] == [0, 0, 60]


def test_one_picture_twice_is_asked_for_once(tmp_path):
    with pytest.raises(MissingMasks, match="1 images have no mask"):
        MaskFolder(tmp_path)(IMAGES[[0, 0]])


def test_the_filter_says_the_same_of_many_pictures_as_of_each(tmp_path):
    many = np.concatenate([IMAGES] * 50)
    for i, image in enumerate(IMAGES):
        save(tmp_path, image, levels(**{"v1": (0, 10 * i), "v2": (25, 30)}))
    whole, one = (instances.judge_images(MaskFolder(tmp_path), images) for images in (many, IMAGES))
    assert whole.reason == 50 * one.reason
    for name in ("masks", "num_instances", "area"):
        np.testing.assert_array_equal(getattr(whole, name)[-3:], getattr(one, name))
    with pytest.raises(MissingMasks, match="150 images"):
        (tmp_path / "others").mkdir()
        instances.judge_images(
            MaskFolder(tmp_path / "others"),
            np.random.default_rng(2).integers(0, 256, (150, 8, 8, 3), np.uint8),
        )


def test_grey_levels_are_instances_even_when_they_touch(tmp_path):
    save(tmp_path, IMAGES[0], levels(v1=(0, 15), v2=(15, 30)))
    save(tmp_path, IMAGES[1], levels(v7=(0, 15)))
    save(tmp_path, IMAGES[2], levels())
    verdict = instances.judge_images(MaskFolder(tmp_path), IMAGES)
    assert verdict.reason == [instances.SEVERAL_INSTANCES, instances.KEPT, instances.NO_OBJECT]
    assert verdict.num_instances.tolist() == [2, 1, 0] and (verdict.masks[1] == 255).sum() == 20 * 15


def test_soft_masks_keep_their_levels(tmp_path):
    save(tmp_path, IMAGES[0], levels(v255=(0, 15), v128=(15, 16)))
    segmenter = MaskFolder(tmp_path, soft=True)
    assert segmenter(IMAGES[:1])[0, 0, 15] == np.float32(128 / 255)
    assert instances.judge_images(segmenter, IMAGES[:1]).reason == [instances.KEPT]


def test_masks_that_do_not_fit_are_refused_by_name(tmp_path):
    save(tmp_path, IMAGES[0], np.zeros((20, 31), np.uint8))
    with pytest.raises(ValueError, match=r"png is uint8 \(20, 31\), but its image is 20 x 30"):
        MaskFolder(tmp_path)(IMAGES[:1])
    Image.fromarray(IMAGES[1]).save(tmp_path / image_name(IMAGES[1]))
    with pytest.raises(ValueError, match="colour picture.*8-bit grey"):
        MaskFolder(tmp_path)(IMAGES[1:2])
    (tmp_path / image_name(IMAGES[2])).write_bytes(b"\x89PNG broken")
    with pytest.raises(ValueError, match="no readable PNG"):
        MaskFolder(tmp_path)(IMAGES[2:])


def test_a_new_folder_of_masks_is_made_with_the_pictures_that_want_them(tmp_path):
    with pytest.raises(MissingMasks, match="1 images have no mask"):
        MaskFolder(tmp_path / "runs" / "masks")(IMAGES[:1])
    assert (tmp_path / "runs" / "masks" / WANTED / image_name(IMAGES[0])).is_file()
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file is no folder of masks"):
        MaskFolder(tmp_path / "file")


def test_detections_too_small_do_not_count():
    large, speck = np.zeros((2, 20, 30), np.float32)
    large[:, :10], speck[0, 29] = 1.0, 1.0
    verdict = instances.judge_detections([np.stack([speck, large]), speck[None]])
    assert verdict.reason == [instances.KEPT, instances.NO_OBJECT]
    assert verdict.masks[0][0, 0] == 255 and verdict.masks[0][0, 29] == 0
