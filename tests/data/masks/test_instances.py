"""Connected components against a flood fill, and the filter's verdicts on drawn masks."""

import numpy as np
import pytest

from ganverse_jax.data.masks import instances


def flood_fill(mask):
    """Obvious labelling by a stack, the oracle."""
    labels, name = np.zeros(mask.shape, int), 0
    for seed in zip(*np.nonzero(mask), strict=True):
        if labels[seed]:
            continue
        name, stack = name + 1, [seed]
        while stack:
            y, x = stack.pop()
            if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] and not labels[y, x]:
                labels[y, x] = name
                stack += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return labels


def same_partition(a, b):
    """Both label the same pixels, and labels correspond one to one."""
    pairs = set(zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))
    return len(pairs) == len({x for x, _ in pairs}) == len({y for _, y in pairs})


@pytest.mark.parametrize("density", [0.3, 0.5, 0.6, 0.9])
def test_components_agree_with_flood_fill(density):
    masks = np.random.default_rng(0).random((12, 15, 17)) < density
    labels = instances.connected_components(masks)
    for mask, label in zip(masks, labels, strict=True):
        assert same_partition(label, flood_fill(mask))


def test_labels_never_join_two_images():
    masks = np.ones((3, 4, 5), bool)
    labels = instances.connected_components(masks)
    assert len(np.unique(labels)) == 3


def test_a_spiral_is_one_component():
    mask = np.zeros((1, 9, 9), bool)
    mask[0, 0, :], mask[0, :, 8], mask[0, 8, :], mask[0, 2:, 0] = True, True, True, True
    mask[0, 2, :7], mask[0, 2:7, 6], mask[0, 6, 2:7] = True, True, True
    assert len(np.unique(instances.connected_components(mask))) == 2  # background and the spiral


def disc(size, y, x, radius):
    rows, columns = np.mgrid[:size, :size]
    return ((rows - y) ** 2 + (columns - x) ** 2 < radius**2).astype(np.float32)


def test_the_filter_names_the_reason_of_every_rejection():
    empty = np.zeros((40, 40), np.float32)
    one, small = disc(40, 20, 20, 10), disc(40, 20, 20, 5)
    two = np.maximum(disc(40, 10, 10, 8), disc(40, 30, 30, 8))
    verdict = instances.judge(np.stack([empty, one, small, two]))
    assert verdict.reason == [
        instances.NO_OBJECT,
        instances.KEPT,
        instances.SMALL_MASK,
        instances.SEVERAL_INSTANCES,
    ]
    assert verdict.num_instances.tolist() == [0, 1, 1, 2]


def test_specks_are_no_instances_and_leave_the_mask():
    mask = disc(40, 20, 20, 10)
    mask[1:4, 1:4] = 1.0  # 9 of 1600 pixels: below 2 %
    verdict = instances.judge(mask[None])
    assert verdict.reason == [instances.KEPT]
    assert verdict.masks[0, 2, 2] == 0 and verdict.masks[0, 20, 20] == 255


def test_the_soft_border_of_the_object_survives():
    mask = disc(40, 20, 20, 10)
    mask[20, 31] = 0.0
    mask[20, 30] = 0.4  # antialiased pixel beside the disc (radius 10, open: last full column is 29)
    verdict = instances.judge(mask[None])
    assert verdict.masks[0, 20, 30] == 102  # round(255 * 0.4)


def test_no_images_give_no_verdicts():
    verdict = instances.judge(np.zeros((0, 8, 8), np.float32))
    assert verdict.reason == [] and verdict.masks.shape == (0, 8, 8)
