"""The multi-view set on disk: equal bytes, random access as in memory, and damage is refused by name."""

import hashlib
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ganverse_jax.data.batches import Prefetch, by_step
from ganverse_jax.data.multiview import shards
from ganverse_jax.data.multiview import stored as multiview
from ganverse_jax.data.multiview.set import SPLITS, MultiviewSet, split_objects
from ganverse_jax.runtime.checkpoint import read_npz, write_npz

OBJECTS, VIEWS, SIZE, CODE = 20, 3, (6, 8), 5
REMEDY = "delete the set"


def images_of(objects=OBJECTS):
    """A set in memory, ordered by object, then view; object 4 has no image and object 7 one."""
    rng = np.random.default_rng(0)
    object_id, view_id = np.repeat(np.arange(objects), VIEWS), np.tile(np.arange(VIEWS), objects)
    n = len(object_id)
    images, masks = rng.integers(0, 256, (n, *SIZE, 3), np.uint8), rng.integers(0, 256, (n, *SIZE), np.uint8)
    views = [{"azimuth_bin": 4 * view} for view in range(VIEWS)]
    whole = MultiviewSet(images, masks, view_id, object_id, views, np.arange(objects))
    return whole.take(np.flatnonzero((object_id != 4) & ((object_id != 7) | (view_id == 1))))


def record(whole, row):
    pictures = {"image": whole.images[row], "mask": whole.masks[row]}
    ids = {name: int(getattr(whole, name)[row]) for name in ("object_id", "view_id")}
    code = (np.arange(CODE) + row).astype(np.float32)
    encoded = {name: shards.encode_png(array) for name, array in pictures.items()}
    return ids | encoded | {"content_seed": 100 + ids["object_id"], "w_star": code}


def write_set(folder, whole, *, fingerprint="mine", records=record, index=None):
    """A set of one shard of no records and one of all the others, per split."""
    path = multiview.path_of(folder)
    path.mkdir(parents=True)
    layout, written, order = shards.features(SIZE, CODE), {}, []
    for split, objects in split_objects(whole.objects).items():
        rows = np.flatnonzero(np.isin(whole.object_id, objects))
        names = [shards.shard_name(split, number, 2) for number in range(2)]
        written[split] = [
            shards.write_shard(path / names[0], [], layout),
            shards.write_shard(path / names[1], (records(whole, row) for row in rows), layout),
        ]
        order += rows.tolist()
    index = index or {
        "object_id": whole.object_id[order],
        "view_id": whole.view_id[order],
        "content_seed": 100 + whole.object_id[order],
    }
    metadata = {"fingerprint": fingerprint, "digest": "d", "views": whole.views, "num_objects": OBJECTS}
    shards.write_metadata(path, written, layout, metadata=metadata, index=index)
    return path


@pytest.fixture(scope="module")
def whole():
    return images_of()


@pytest.fixture
def path(tmp_path, whole):
    return write_set(tmp_path, whole)


def sums_again(path, changed):
    """Give the set checksums that fit its files, as a person would who edits it."""
    sums = shards.read_checksums(path, REMEDY)
    sums = {name: shards.sha256_of(path / name) for name in sums if "array_record" in name}
    shards.write_checksums(path, sums)
    assert changed in (path / shards.CHECKSUMS).read_text()


def test_what_was_written_comes_back_with_its_splits(path, tmp_path, whole):
    back = multiview.read(tmp_path, "mine")
    for name in ("images", "masks", "object_id", "view_id"):
        np.testing.assert_array_equal(getattr(back.multiview, name), getattr(whole, name))
    np.testing.assert_array_equal(back.content_seed, 100 + whole.object_id)
    np.testing.assert_array_equal(back.w_star[:, 0], np.arange(len(whole)))
    stored = multiview.open_set(tmp_path)
    for name in SPLITS:
        np.testing.assert_array_equal(stored.split(name).images, whole.split(name).images)
        np.testing.assert_array_equal(back.multiview.split(name).images, whole.split(name).images)


def test_pairs_from_disk_are_those_from_memory_and_come_through_grain_from_any_step(path, tmp_path, whole):
    stored, memory = multiview.open_set(tmp_path).training_pairs(), whole.training_pairs()
    assert (stored.num_objects, stored.num_dropped) == (memory.num_objects, memory.num_dropped)
    assert stored.num_dropped == 1

    def from_disk(step):
        return stored.pair_batch((0, step), 4)

    dataset = by_step(from_disk, 9)
    with Prefetch(from_disk, num_steps=9, threads=stored.threads) as prepared:
        for step in (5, 6, 7, 8, 0, 1):
            for name, value in memory.pair_batch((0, step), 4).items():
                np.testing.assert_array_equal(dataset[step][name], value)
                np.testing.assert_array_equal(prepared(step)[name], value)
                assert prepared(step)[name].dtype == value.dtype


def test_tfds_reads_the_set_without_us_and_without_tensorflow(path, whole):
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(str(path))
    source = builder.as_data_source(split="train")
    train = whole.split("train")
    assert len(source) == len(train) == builder.info.splits["train"].num_examples
    for example, image, mask in zip(source, train.images, train.masks, strict=True):
        np.testing.assert_array_equal(example["image"], image)
        np.testing.assert_array_equal(example["mask"][..., 0], mask)
    assert "tensorflow" not in sys.modules


def test_checksums_are_those_of_sha256sum(path):
    for line in (path / shards.CHECKSUMS).read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((path / name).read_bytes()).hexdigest() == digest
    names = {line.split("  ")[1] for line in (path / shards.CHECKSUMS).read_text().splitlines()}
    assert names == {file.name for file in path.iterdir()} - {shards.CHECKSUMS}


def test_equal_records_give_equal_bytes_in_another_process(path, tmp_path):
    """Protobuf orders the fields of a record by a hash that differs from process to process."""
    code = (
        "import sys; sys.path[:0] = sys.argv[2:]; from pathlib import Path; "
        "from tests.data.multiview import test_stored as t; t.write_set(Path(sys.argv[1]), t.images_of())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "other"), str(Path(__file__).parents[3])]
    subprocess.run(command, check=True, capture_output=True)
    other = multiview.path_of(tmp_path / "other")
    assert {f.name: f.read_bytes() for f in other.iterdir()} == {
        f.name: f.read_bytes() for f in path.iterdir()
    }


def test_a_write_that_dies_leaves_no_shard(tmp_path, whole):
    def dying():
        yield record(whole, 0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shards.write_shard(tmp_path / "shard", dying(), shards.features(SIZE, CODE))
    assert not list(tmp_path.iterdir())


FILES = ["dataset_info.json", "features.json", "metadata.json", "index.npz",
         "multiview-train.array_record-00001-of-00002"]  # fmt: skip


@pytest.mark.parametrize(("name", "harm"), list(itertools.product(FILES, ["truncated", "missing"])))
def test_a_truncated_or_missing_file_is_named_with_the_remedy(path, tmp_path, name, harm):
    file = path / name
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ValueError, match=f"{name} .*{harm}.*; delete the set"):
        multiview.open_set(tmp_path, remedy=REMEDY)


def test_swapped_shards_and_strangers_are_named(path, tmp_path):
    train, test = (path / shards.shard_name(split, 1, 2) for split in ("train", "test"))
    stranger = path / shards.shard_name("train", 2, 3)
    stranger.write_bytes(test.read_bytes())
    with pytest.raises(ValueError, match=f"{stranger.name} has no checksum.*another set; delete the set"):
        multiview.open_set(tmp_path, remedy=REMEDY)
    stranger.unlink()
    held = train.read_bytes()
    train.write_bytes(test.read_bytes())
    test.write_bytes(held)
    with pytest.raises(ValueError, match="multiview-t.*-00001-of-00002 does not have its checksum"):
        multiview.open_set(tmp_path)


def test_checksums_cut_short_or_gone_are_named(path, tmp_path):
    file = path / shards.CHECKSUMS
    text = file.read_text()
    file.write_text("\n".join(text.splitlines()[:-1]))
    with pytest.raises(ValueError, match="SHA256SUMS is cut short: it lacks index.npz"):
        multiview.open_set(tmp_path)
    file.write_text("no sums")
    with pytest.raises(ValueError, match="SHA256SUMS:1 is no line of checksums: 'no sums'"):
        multiview.open_set(tmp_path)
    file.unlink()
    with pytest.raises(ValueError, match="SHA256SUMS is missing.*earlier version"):
        multiview.open_set(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dataset_info.json", "{}"),
        ("features.json", "{}"),
        ("features.json", "[1"),
        ("dataset_info.json", "["),
    ],
)
def test_files_of_something_else_are_refused_even_with_fitting_checksums(path, tmp_path, name, text):
    (path / name).write_text(text)
    sums_again(path, name)
    with pytest.raises(ValueError, match=r"dataset_info.json or features.json is not of a multi-view set"):
        multiview.open_set(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"), [("views", None), ("views", 3), ("fingerprint", None), ("num_objects", "20")]
)
def test_metadata_without_views_or_owner_is_named(path, tmp_path, key, value):
    content = json.loads((path / shards.METADATA).read_text()) | {key: value}
    (path / shards.METADATA).write_text(json.dumps(content))
    sums_again(path, shards.METADATA)
    with pytest.raises(ValueError, match=f"metadata.json lacks {key}"):
        multiview.open_set(tmp_path)


def test_views_that_are_missing_are_counted(path, tmp_path):
    content = json.loads((path / shards.METADATA).read_text())
    (path / shards.METADATA).write_text(json.dumps(content | {"views": content["views"][:2]}))
    sums_again(path, shards.METADATA)
    with pytest.raises(ValueError, match=r"index.npz has view_id 0..2, but .*metadata.json has 2 views"):
        multiview.open_set(tmp_path)


def test_an_image_that_is_there_twice_is_named(path, tmp_path):
    index = read_npz(path / shards.INDEX)
    index["view_id"][1] = index["view_id"][0]
    write_npz(path / shards.INDEX, **index)
    sums_again(path, shards.INDEX)
    with pytest.raises(ValueError, match="index.npz has object 0 in view 0 twice"):
        multiview.open_set(tmp_path)


def test_an_index_of_other_records_is_named(path, tmp_path, whole):
    index = read_npz(path / shards.INDEX)
    write_npz(path / shards.INDEX, **{name: array[:-1] for name, array in index.items()})
    sums_again(path, shards.INDEX)
    with pytest.raises(ValueError, match=f"index.npz does not list the {len(whole)} records"):
        multiview.open_set(tmp_path)
    index["object_id"] = index["object_id"] + OBJECTS
    write_npz(path / shards.INDEX, **index)
    sums_again(path, shards.INDEX)
    with pytest.raises(ValueError, match="index.npz has object_id 20..39.*num_objects 20"):
        multiview.open_set(tmp_path)
    index["object_id"] -= OBJECTS
    index["view_id"] = VIEWS - 1 - index["view_id"]
    write_npz(path / shards.INDEX, **index)
    sums_again(path, shards.INDEX)
    with pytest.raises(ValueError, match="is of object 0 in view 2, where index.npz has object 0 in view 0"):
        multiview.read(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: r | {"mask": shards.encode_png(np.zeros((4, 4), np.uint8))}, r"a mask \(4, 4\)"),
        (lambda r: r | {"mask": r["image"]}, r"a mask \(6, 8, 3\)"),
        (lambda r: r | {"image": b"no PNG"}, "is no picture"),
    ],
)
def test_pictures_of_another_size_or_kind_name_their_shard(tmp_path, whole, change, told):
    write_set(tmp_path, whole, records=lambda whole, row: change(record(whole, row)))
    with pytest.raises(ValueError, match=f"00001-of-00002 : record 0 .*{told}.*delete"):
        multiview.read(tmp_path)
    with pytest.raises(ValueError, match=f"array_record-00001-of-00002 : record .*{told}"):
        multiview.open_set(tmp_path).training_pairs().pair_batch(0, 2)


def test_a_set_of_another_gan_or_none_is_refused(path, tmp_path):
    with pytest.raises(ValueError, match="GAN mine, not other; use that GAN, or delete"):
        multiview.open_set(tmp_path, "other")
    with pytest.raises(FileNotFoundError, match="no multi-view set at .*; delete the set"):
        multiview.open_set(tmp_path / "nowhere", remedy=REMEDY)
    assert multiview.digest(tmp_path) == "d" and multiview.digest(tmp_path / "nowhere") is None
    (path / shards.METADATA).write_text('{"digest": "d')
    assert multiview.digest(tmp_path) is None
