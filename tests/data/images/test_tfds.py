"""Claims about prepared tensorflow-datasets sets: read by name, both file formats, without TensorFlow."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.data.images.pictures import Fit
from ganverse_jax.data.images.tfds import TfRecords
from ganverse_jax.data.images.training import DecodedImages, open_source, training_images

PICTURES = np.random.default_rng(0).integers(1, 256, (6, 8, 8, 3), dtype=np.uint8)
FIT = Fit(8)


def png(array) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def _all(images):
    return images[np.arange(len(images))]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A tiny set that tensorflow-datasets itself prepared, as ArrayRecord."""
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()

    class TinyBirds(tfds.core.GeneratorBasedBuilder):
        """Six pictures."""

        VERSION = tfds.core.Version("1.0.0")
        code_path = None

        def _info(self):
            image = tfds.features.Image(shape=(8, 8, 3), encoding_format="png")
            features = tfds.features.FeaturesDict({"image": image, "label": np.int64})
            return tfds.core.DatasetInfo(
                builder=self, description="x", features=features, disable_shuffling=True
            )

        def _split_generators(self, dl_manager):
            return {"train": ((i, {"image": png(PICTURES[i]), "label": i}) for i in range(6))}

        def _generate_examples(self):
            raise NotImplementedError

    place = tmp_path_factory.mktemp("tfds")
    TinyBirds(data_dir=str(place), file_format="array_record").download_and_prepare()
    return place


def test_a_prepared_tfds_set_is_read_by_name(prepared, tmp_path):
    source = open_source("tfds", str(prepared), name="tiny_birds")
    np.testing.assert_array_equal(_all(training_images(source, FIT, tmp_path)), PICTURES)
    part = open_source("tfds", str(prepared), name="tiny_birds:1.0.0", split="train[2:]", limit=3)
    np.testing.assert_array_equal(_all(DecodedImages(part, FIT)), PICTURES[2:5])


def test_tfds_errors_name_what_is_there(prepared, tmp_path):
    with pytest.raises(FileNotFoundError, match="no prepared tensorflow-datasets set 'tiny_cats'"):
        open_source("tfds", str(prepared), name="tiny_cats")
    with pytest.raises(ValueError, match="no split 'test'; it has train"):
        open_source("tfds", str(prepared), name="tiny_birds", split="test")
    with pytest.raises(ValueError, match=r"picture features \['image'\]; gan.data.feature = 'photo'"):
        open_source("tfds", str(prepared), name="tiny_birds", feature="photo")
    with pytest.raises(ValueError, match="needs gan.data.name"):
        open_source("tfds")


def _framed(records) -> bytes:
    return b"".join(struct.pack("<QI", len(data), 0) + data + bytes(4) for data in records)


def test_tfrecord_files_are_read_at_random_and_cut_ones_are_named(tmp_path):
    for part in range(2):
        (tmp_path / f"{part}.tfrecord").write_bytes(_framed([b"%d-%d" % (part, i) * i for i in range(5)]))
    first, second = (str(tmp_path / f"{part}.tfrecord") for part in range(2))
    records = TfRecords([(first, 3, 2, 5), (second, 0, 1, 5), (second, 4, 1, 5)])
    wanted = [b"0-3" * 3, b"0-4" * 4, b"", b"1-4" * 4]
    assert [records[i] for i in range(len(records))] == wanted
    with pytest.raises(ValueError, match="has 5 records, not 6"):
        TfRecords([(first, 0, 6, 6)])
    (tmp_path / "1.tfrecord").write_bytes(_framed([b"abc"])[:-2])
    with pytest.raises(ValueError, match="1.tfrecord is cut short in record 0"):
        TfRecords([(second, 0, 1, 1)])


def test_a_tfds_set_stored_as_tfrecord_gives_the_same_pictures(prepared, tmp_path):
    import tensorflow_datasets as tfds

    source = tfds.builder_from_directory(str(prepared / "tiny_birds/1.0.0")).as_data_source(
        split="train", deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES
    )
    place = tmp_path / "tiny_birds/1.0.0"
    place.mkdir(parents=True)
    for name in ("features.json", "dataset_info.json"):
        text = (prepared / "tiny_birds/1.0.0" / name).read_text()
        (place / name).write_text(text.replace("array_record", "tfrecord"))
    raw = [bytes(source[i]) for i in range(6)]
    (place / "tiny_birds-train.tfrecord-00000-of-00001").write_bytes(_framed(raw))
    images = DecodedImages(open_source("tfds", str(tmp_path), name="tiny_birds"), FIT)
    np.testing.assert_array_equal(_all(images), PICTURES)
