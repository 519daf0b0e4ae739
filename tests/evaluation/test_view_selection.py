"""View choice on made-up scores: what it must take, and what it must leave."""

import numpy as np
import pytest

from ganverse_jax.evaluation import view_selection as selection

FAR = 1.0 - np.eye(6)


def test_equal_masks_agree_fully_and_disjoint_ones_not_at_all():
    left = np.zeros((4, 4), bool)
    left[:, :2] = True
    assert selection.mask_agreement(np.stack([left, left, left])) == pytest.approx(1.0)
    assert selection.mask_agreement(np.stack([left, ~left])) == 0.0
    half = left & (np.arange(4)[:, None] < 2)
    assert selection.mask_agreement(np.stack([left, half])) == pytest.approx(0.5)


def test_one_content_has_no_agreement():
    with pytest.raises(ValueError, match="num_contents"):
        selection.mask_agreement(np.ones((1, 4, 4), bool))


def test_views_are_near_only_when_they_look_alike_on_the_same_contents():
    rng = np.random.default_rng(0)
    masks = np.zeros((3, 4, 32, 32), bool)
    masks[:, :, 8:24, 4:28] = True
    images = np.zeros((3, 4, 32, 32, 3), np.uint8)
    images[0] = rng.integers(0, 256, (4, 4, 4, 3)).repeat(8, axis=1).repeat(8, axis=2)
    images[1] = images[0]
    images[2] = images[0][:, :, ::-1]  # the other side: equal masks, mirrored colours
    for descriptors in (selection.appearance(images, masks, 16), selection.appearance(images, masks, 12)):
        distances = selection.view_distances(descriptors)
        assert distances[0, 1] == 0 and distances[0, 2] > 0.1
        np.testing.assert_array_equal(distances, distances.T)


def test_every_bin_is_served_before_any_gets_a_second_view():
    bins = [0, 0, 0, 4, 4, 8]
    chosen = selection.choose_views(
        np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.1]), FAR, 3, bins=bins, drop_share=0.0
    )
    assert sorted(np.array(bins)[chosen].tolist()) == [0, 4, 8]
    assert 0 in chosen and 3 in chosen  # the most consistent of each


def test_duplicates_unusable_and_least_consistent_views_are_left():
    distances = FAR.copy()
    distances[0, 1] = distances[1, 0] = 0.02
    usable = np.array([True, True, False, True, True, True])
    consistency = np.array([0.9, 0.8, 0.99, 0.7, 0.6, 0.5])
    chosen = selection.choose_views(consistency, distances, 6, bins=[0] * 6, usable=usable, drop_share=0.2)
    assert chosen == [0, 3, 4]


def test_without_bins_the_farthest_view_comes_next():
    x = np.array([0.0, 0.1, 0.2, 1.0, 0.5, 0.9])
    distances = np.abs(x[:, None] - x)
    chosen = selection.choose_views(np.array([1.0, 0, 0, 0, 0, 0]), distances, 3, drop_share=0.0)
    assert chosen == [0, 3, 4]


def test_a_walk_by_similarity_goes_round_a_line_of_views_in_order():
    place = np.array([3.0, 0.0, 2.0, 4.0, 1.0])
    walk = selection.similarity_order(np.abs(place[:, None] - place))
    assert sorted(walk) == list(range(5))
    assert place[walk].tolist() in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0])
    assert selection.similarity_order(np.zeros((0, 0))) == []
