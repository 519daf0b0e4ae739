"""Claims about sets of pictures on disk: folder, .zip and LMDB give the same images, errors are named."""

import io
import json
import os
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.data.images import folder as image_folder
from ganverse_jax.data.images.folder import open_images
from ganverse_jax.data.images.pictures import Fit, UnfitPicture
from ganverse_jax.data.images.training import DecodedImages, digest, open_source, training_images

PICTURES = np.random.default_rng(0).integers(1, 256, (6, 8, 8, 3), dtype=np.uint8)
NAMES = ("a/1.png", "a/2.PNG", "a/b/3.png", "c.png", "d d/4.png", "z.png")  # sorted
FIT = Fit(8)


def png(array) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "birds"
    for name, picture in zip(NAMES, PICTURES, strict=True):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(picture))
    for other in ("readme.txt", ".hidden.png", "labels.csv"):
        (root / other).write_bytes(b"no picture")
    return root


@pytest.fixture
def archive(folder, tmp_path):
    path = tmp_path / "birds.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in reversed(NAMES):
            file.write(folder / name, f"birds/{name}")
        file.writestr("__MACOSX/birds/._c.png", b"no picture")
    return path


def _all(images):
    return images[np.arange(len(images))]


@pytest.mark.parametrize("keep_decoded", [True, False])
def test_a_folder_and_a_zip_give_the_pictures_in_order_of_their_names(
    folder, archive, tmp_path, keep_decoded
):
    for path in (folder, archive):
        images = training_images(open_images(path), FIT, tmp_path / "cache", keep_decoded=keep_decoded)
        np.testing.assert_array_equal(_all(images), PICTURES)
        np.testing.assert_array_equal(images[np.array([5, 0, 5])], PICTURES[[5, 0, 5]])


def test_decoding_happens_once_and_again_only_when_the_set_changes(folder, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    training_images(open_images(folder), FIT, cache)
    before = digest(open_images(folder), FIT, "error")
    with monkeypatch.context() as patch:
        patch.setattr(image_folder.ImageFolder, "read", None)
        np.testing.assert_array_equal(_all(training_images(open_images(folder), FIT, cache)), PICTURES)
    (folder / "zz.png").write_bytes(png(PICTURES[0]))
    assert digest(open_images(folder), FIT, "error") != before
    assert digest(open_images(folder), Fit(8, "wide"), "error") != digest(open_images(folder), FIT, "error")
    assert len(training_images(open_images(folder), FIT, cache)) == 7


def test_a_stop_while_decoding_leaves_no_file_behind(folder, tmp_path, monkeypatch):
    read = image_folder.ImageFolder.read

    def stop(self, index):
        if index == 3:
            raise KeyboardInterrupt
        return read(self, index)

    monkeypatch.setattr(image_folder.ImageFolder, "read", stop)
    with pytest.raises(KeyboardInterrupt):
        training_images(open_images(folder), FIT, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cut_cache_file_is_named_with_the_remedy(folder, tmp_path):
    training_images(open_images(folder), FIT, tmp_path / "cache")
    (file,) = (tmp_path / "cache").glob("*.u8")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match=f"{file.name} has 1151 bytes, not 1152; delete it"):
        training_images(open_images(folder), FIT, tmp_path / "cache")


@pytest.mark.parametrize("keep_decoded", [True, False])
def test_unfit_pictures_stop_by_name_or_are_skipped_the_same_way_every_time(folder, tmp_path, keep_decoded):
    (folder / "a/2.PNG").write_bytes(png(PICTURES[1])[:60])
    (folder / "c.png").write_bytes(png(PICTURES[3][:5]))
    cache = tmp_path / "cache"
    with pytest.raises(UnfitPicture, match="a/2.PNG is no readable"):
        _all(training_images(open_images(folder), FIT, cache, keep_decoded=keep_decoded))
    for _ in range(2):
        images = training_images(open_images(folder), FIT, cache, keep_decoded=keep_decoded, unfit="skip")
        np.testing.assert_array_equal(_all(images), PICTURES[[0, 2, 4, 5]])
    (card,) = cache.glob("*.json")
    assert [entry["name"] for entry in json.loads(card.read_text())["skipped"]] == ["a/2.PNG", "c.png"]


def test_a_set_of_which_nothing_can_serve_tells_the_first_reason(folder, tmp_path):
    with pytest.raises(ValueError, match=r"no picture of .*birds can serve.*a/1.png has 8 x 8 pixels"):
        training_images(open_images(folder), Fit(16), tmp_path / "cache", unfit="skip")


def test_missing_empty_and_foreign_paths_say_what_to_do(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder or .zip of images at .*nowhere"):
        open_images(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="set gan.data.path"):
        open_images("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="found nothing"):
        open_images(tmp_path / "empty")
    (tmp_path / "empty/x.tif").write_bytes(b"")
    with pytest.raises(ValueError, match=r"holds no .png, .*, .webp pictures \(found 1 .tif\)"):
        open_images(tmp_path / "empty")
    (tmp_path / "set.tar").write_bytes(b"x" * 600)
    with pytest.raises(ValueError, match="neither a folder nor a .zip; unpack it"):
        open_images(tmp_path / "set.tar")
    (folder / "data.mdb").write_bytes(b"")
    with pytest.raises(ValueError, match="set gan.data.kind=lsun"):
        open_images(folder)


def test_a_link_that_leads_back_is_followed_once(folder):
    (folder / "again").symlink_to(folder)
    assert [entry.name for entry in open_images(folder).entries] == list(NAMES)


def test_what_is_left_out_of_a_folder_is_counted_and_named(folder, archive, tmp_path):
    (folder / "notes.txt").write_bytes(b"")
    (folder / ".hidden.png").write_bytes(png(PICTURES[0]))
    (folder / "dangling.png").symlink_to("nowhere.png")
    (folder / "small.png").write_bytes(png(PICTURES[3][:5]))
    for _ in range(2):  # also of what was decoded before
        source = open_images(folder)
        training_images(source, FIT, tmp_path / "cache", unfit="skip")
        counts = source.intake.summary()["left_out"]
        assert counts == {".csv": 1, ".txt": 2, "hidden": 1, "dangling": 1, "too small": 1}
        assert "dangling.png -> nowhere.png" in source.intake.told() and "small.png" in source.intake.told()
    assert open_images(archive, limit=2).intake.left_out["beyond gan.data.limit"] == len(NAMES) - 2


@pytest.mark.parametrize("keep_decoded", [True, False])
def test_a_name_that_is_no_utf8_is_a_picture_like_others(folder, tmp_path, keep_decoded):
    (folder / os.fsdecode(b"voit\xf9re.png")).write_bytes(png(PICTURES[0]))
    (folder / os.fsdecode(b"zz\xff.png")).write_bytes(png(PICTURES[0])[:60])
    for _ in range(2):
        source = open_images(folder)
        images = training_images(source, FIT, tmp_path, keep_decoded=keep_decoded, unfit="skip")
        assert len(images) == len(NAMES) + 1
        assert r"1 unreadable (zz\xff.png)" in source.intake.told()


def test_limit_takes_the_first_by_name(folder, archive):
    for path in (folder, archive):
        assert len(open_images(path, limit=2).entries) == 2
    with pytest.raises(ValueError, match="gan.data.limit = -1 is negative"):
        open_source("images", str(folder), limit=-1)
    assert len(open_source("images", str(folder), limit=0).entries) == len(NAMES)


def test_an_unknown_kind_or_policy_is_answered_with_the_known_ones(folder, tmp_path):
    with pytest.raises(ValueError, match="use world, images, lsun, tfds"):
        open_source("webdataset")
    with pytest.raises(ValueError, match="gan.data.unfit = 'ignore' is unknown; use one of error, skip"):
        training_images(open_images(folder), FIT, tmp_path, unfit="ignore")


def test_a_damaged_zip_entry_is_named(archive, tmp_path):
    data = bytearray(archive.read_bytes())
    at = data.index(b"birds/c.png") + 40
    data[at : at + 20] = bytes(20)
    archive.write_bytes(bytes(data))
    with pytest.raises(UnfitPicture, match="birds/c.png"):
        _all(DecodedImages(open_images(archive), FIT))
    archive.write_bytes(bytes(data[: len(data) // 2]))
    with pytest.raises(ValueError, match=r"is no readable \.zip .*; get or make it again"):
        open_images(archive)


def test_a_zip_bomb_is_read_no_further_than_the_limit(tmp_path, monkeypatch):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.png", bytes(1_000_000))
    monkeypatch.setattr(image_folder, "MAX_BYTES", 10_000)
    with pytest.raises(UnfitPicture, match="bomb.png has more than 10,000 bytes"):
        open_images(path).read(0)


def test_an_encrypted_zip_entry_is_named(archive):
    data = bytearray(archive.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 8] |= 1
    archive.write_bytes(bytes(data))
    source = open_images(archive)
    with pytest.raises(UnfitPicture, match="z.png is encrypted; unpack the .zip by its password"):
        source.read(5)


def test_a_full_disk_is_noticed_before_decoding(folder, tmp_path, monkeypatch):
    usage = lambda path: type("Usage", (), {"free": 10})  # noqa: E731
    monkeypatch.setattr("ganverse_jax.data.images.training.disk_usage", usage)
    with pytest.raises(ValueError, match="set gan.data.keep_decoded=False"):
        training_images(open_images(folder), FIT, tmp_path / "cache")


def test_lsuns_lmdb_gives_its_values_in_order_of_their_keys(tmp_path):
    lmdb = pytest.importorskip("lmdb")
    path = tmp_path / "bird_lmdb"
    with lmdb.open(str(path), map_size=1 << 20) as environment, environment.begin(write=True) as transaction:
        for key, picture in zip((b"05ab", b"01ff", b"03cd"), PICTURES, strict=False):
            transaction.put(key, png(picture))
    images = training_images(open_source("lsun", str(path)), FIT, tmp_path / "cache")
    np.testing.assert_array_equal(_all(images), PICTURES[[1, 2, 0]])
    assert len(open_source("lsun", str(path / "data.mdb"), limit=2).entries) == 2
    with pytest.raises(FileNotFoundError, match="no data.mdb in it"):
        open_source("lsun", str(tmp_path))
    (path / "data.mdb").write_bytes(b"x" * 5000)
    with pytest.raises(ValueError, match="no readable LMDB"):
        open_source("lsun", str(path))


def test_without_the_lmdb_package_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(ValueError, match=r"ganverse-jax\[data\]"):
        open_source("lsun", str(tmp_path))


def test_a_zip_whose_names_are_no_utf8_is_named(archive):
    data = archive.read_bytes().replace(b"birds/d d/4.png", b"birds/d \xff/4.png")
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data = data[: at + 9] + b"\x08" + data[at + 10 :]  # the flag that says UTF-8
    archive.write_bytes(data)
    with pytest.raises(ValueError, match="birds.zip is no readable .zip"):
        open_images(archive)


def test_the_first_frame_of_an_animation_serves_and_that_is_told(folder, tmp_path, capsys):
    frames = [Image.fromarray(picture) for picture in PICTURES[:2]]
    frames[0].save(folder / "c.png", save_all=True, append_images=frames[1:])
    source = open_images(folder)
    np.testing.assert_array_equal(_all(training_images(source, FIT, tmp_path))[3], PICTURES[0])
    assert source.intake.lines()[-1] == "1 with several frames, of which the first is taken"
    _all(training_images(open_images(folder), FIT, tmp_path, keep_decoded=False))
    assert "pictures with several frames, of which the first is taken: c.png" in capsys.readouterr().out


def test_unfit_pictures_are_counted_by_kind_also_from_the_cache(folder, tmp_path):
    (folder / "a/2.PNG").write_bytes(png(PICTURES[1])[:60])
    (folder / "c.png").write_bytes(png(PICTURES[3][:5]))
    for _ in range(2):
        source = open_images(folder)
        training_images(source, FIT, tmp_path, unfit="skip")
        counts = source.intake.summary()["left_out"]
        assert counts["unreadable"] == counts["too small"] == 1
