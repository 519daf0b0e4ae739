"""Multi-view sets: splits by object, and batches that depend on their key alone."""

import dataclasses

import numpy as np
import pytest

from ganverse_jax.data.multiview.set import (
    MultiviewSet,
    PairSampler,
    groups_of_objects,
    rows_of_split,
    split_objects,
)


def small_set(objects=20, views=4):
    object_id, view_id = np.repeat(np.arange(objects), views), np.tile(np.arange(views), objects)
    images = np.zeros((objects * views, 8, 8, 3), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = object_id, view_id
    masks = np.full((objects * views, 8, 8), 255, np.uint8)
    return MultiviewSet(images, masks, view_id, object_id, [{"azimuth_bin": view} for view in range(views)])


def pairs_of(whole, **options):
    return PairSampler(whole.object_id, whole.view_id, whole.fetch, threads=0, **options)


def test_splits_share_no_object_and_lose_none():
    whole = small_set()
    parts = [set(whole.split(name).object_id.tolist()) for name in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [16, 2, 2]
    assert set.union(*parts) == set(range(20)) and not parts[0] & parts[1] and not parts[1] & parts[2]


def test_an_object_without_images_moves_no_other_one_to_another_split():
    whole = small_set()
    lost = int(split_objects(np.arange(20))["train"][3])
    rest = dataclasses.replace(whole.take(np.flatnonzero(whole.object_id != lost)), objects=np.arange(20))
    for name in ("train", "validation", "test"):
        before = set(whole.split(name).object_id.tolist())
        assert set(rest.split(name).object_id.tolist()) == before - {lost}


def test_the_first_objects_of_a_split_are_those_of_the_lowest_labels():
    whole = small_set()
    train = np.unique(whole.split("train").object_id)
    assert np.unique(whole.split("train", 3).object_id).tolist() == train[:3].tolist()
    with pytest.raises(ValueError, match="split 'testing' is none of"):
        rows_of_split(whole.object_id, whole.object_id, "testing")


def test_groups_hold_whole_objects_and_every_row_once():
    object_id = np.array([5, 3, 5, 9, 3, 5, 9, 1])
    groups = groups_of_objects(object_id, 3)
    assert [object_id[rows].tolist() for rows in groups] == [[1, 3, 3], [5, 5, 5], [9, 9]]
    assert sorted(np.concatenate(groups).tolist()) == list(range(8))
    assert groups_of_objects(object_id, 100)[0].tolist() == [7, 1, 4, 0, 2, 5, 3, 6]
    assert groups_of_objects(np.zeros(0, int), 3) == []


def test_training_pairs_are_the_pairs_of_the_training_split():
    whole = small_set()
    ours, theirs = whole.training_pairs(), pairs_of(whole.split("train"))
    for step in range(3):
        for name, value in ours.pair_batch((7, step), 8).items():
            np.testing.assert_array_equal(value, theirs.pair_batch((7, step), 8)[name])


def test_a_batch_pairs_two_different_views_of_one_object():
    batch = pairs_of(small_set()).pair_batch((0, 5), 16)
    assert batch["images"].shape == (16, 2, 8, 8, 3) and batch["masks"].shape == (16, 2, 8, 8)
    objects, views = batch["images"][:, :, 0, 0, 0], batch["images"][:, :, 0, 0, 1]
    np.testing.assert_array_equal(objects[:, 0], objects[:, 1])
    np.testing.assert_array_equal(views, batch["views"])
    assert (views[:, 0] != views[:, 1]).all()
    assert len(set(objects[:, 0].tolist())) == 16


def test_equal_keys_give_equal_batches_in_any_order():
    first, second = pairs_of(small_set()), pairs_of(small_set())
    first.pair_batch((0, 1), 8)
    for name, value in first.pair_batch((0, 2), 8).items():
        np.testing.assert_array_equal(value, second.pair_batch((0, 2), 8)[name])
    assert (first.pair_batch((0, 3), 8)["views"] != second.pair_batch((0, 2), 8)["views"]).any()


def test_objects_with_one_view_are_left_out():
    whole = small_set(objects=3)
    pairs = pairs_of(whole.take(np.array([0, 1, 4, 8, 9, 10])))
    assert (pairs.num_objects, pairs.num_dropped) == (2, 1)
    drawn = {int(x) for step in range(20) for x in pairs.pair_batch(step, 2)["images"][:, 0, 0, 0, 0]}
    assert drawn == {0, 2}


def test_a_set_without_pairs_says_what_to_change():
    with pytest.raises(ValueError, match="raise views_per_object.*single_view=True"):
        pairs_of(small_set(objects=2).take(np.array([0, 4])))


def test_single_view_pairs_are_one_image_twice_and_leave_no_object_out():
    whole = small_set(objects=3)
    pairs = pairs_of(whole.take(np.array([0, 1, 4, 8, 9, 10])), single_view=True)
    assert (pairs.num_objects, pairs.num_dropped) == (3, 0)
    batches = [pairs.pair_batch(step, 3) for step in range(20)]
    assert all((batch["views"][:, 0] == batch["views"][:, 1]).all() for batch in batches)
    drawn = {tuple(row) for batch in batches for row in batch["images"][:, 0, 0, 0, :2].tolist()}
    assert drawn == {(0, 0), (0, 1), (1, 0), (2, 0), (2, 1), (2, 2)}


def test_a_sources_own_splits_are_kept():
    own = dataclasses.replace(small_set(objects=4), splits={"train": (0, 3), "test": (1,)})
    found = {name: set(own.split(name).object_id.tolist()) for name in ("train", "validation", "test")}
    assert found == {"train": {0, 3}, "validation": set(), "test": {1}}


def test_sizes_and_types_are_checked():
    whole = small_set(objects=2)
    with pytest.raises(ValueError, match="one entry per image"):
        MultiviewSet(whole.images, whole.masks[:3], whole.view_id, whole.object_id, whole.views)
    with pytest.raises(ValueError, match="not uint8"):
        MultiviewSet(whole.images / 255.0, whole.masks, whole.view_id, whole.object_id, whole.views)
    with pytest.raises(ValueError, match="4 views|3 views"):
        MultiviewSet(whole.images, whole.masks, whole.view_id, whole.object_id, whole.views[:3])
