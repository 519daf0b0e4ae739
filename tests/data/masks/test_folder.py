"""Claims about masks from a folder: found by content, asked for by name, refused when they do not fit."""

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.data.masks import instances
from ganverse_jax.data.masks.folder import WANTED, MaskFolder, MissingMasks, image_name

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
    with pytest.raises(FileNotFoundError, match="no folder of masks"):
        MaskFolder(tmp_path / "none")


def test_detections_too_small_do_not_count():
    large, speck = np.zeros((2, 20, 30), np.float32)
    large[:, :10], speck[0, 29] = 1.0, 1.0
    verdict = instances.judge_detections([np.stack([speck, large]), speck[None]])
    assert verdict.reason == [instances.KEPT, instances.NO_OBJECT]
    assert verdict.masks[0][0, 0] == 255 and verdict.masks[0][0, 29] == 0
