"""Pictures of a tensorflow-datasets set that is already on disk, without TensorFlow and without its code."""

import struct
from pathlib import Path

from ganverse_jax.data.decoding import MAX_BYTES, TOO_LARGE
from ganverse_jax.data.images.folder import LIMIT, Entry
from ganverse_jax.data.images.pictures import UnfitPicture
from ganverse_jax.data.intake import Intake
from ganverse_jax.runtime.machine import raise_if_machines


class TfdsImages:
    """The pictures of one split of a prepared set, in stored order; ArrayRecord and TFRecord files.

    Args: name: "dataset", "dataset/config" or either with ":version"; path: tensorflow-datasets' data_dir,
    "" for its default (~/tensorflow_datasets); split: e.g. "train" or "train[:80%]"; feature: the picture's
    name, None for "image" or the only picture there is; limit: take only the first so many.

    Raises FileNotFoundError when the set is not on disk (nothing is downloaded), and ValueError for an
    unknown split or feature, other file formats, or a set without pictures.
    """

    def __init__(
        self,
        name: str,
        path: str | Path = "",
        split: str = "train",
        feature: str | None = None,
        limit: int | None = None,
    ):
        import tensorflow_datasets as tfds

        if not name:
            raise ValueError("gan.data.kind=tfds needs gan.data.name, e.g. oxford_flowers102")
        self.path, self.intake = f"tfds:{name}", Intake()
        try:
            builder = tfds.core.read_only_builder.builder_from_files(name, data_dir=str(path) or None)
        except tfds.core.DatasetNotFoundError as error:
            place = path or "~/tensorflow_datasets"
            raise FileNotFoundError(
                f"no prepared tensorflow-datasets set {name!r} in {place}; prepare it there (tfds build) or "
                "correct gan.data.name and gan.data.path"
            ) from error
        self._feature = _picture_feature(builder.info.features, feature, name, tfds)
        # Labels and other features are not parsed: some of them need TensorFlow.
        self._features = tfds.features.FeaturesDict({self._feature: builder.info.features[self._feature]})
        self._decoders = {self._feature: tfds.decode.SkipDecoding()}
        self._records = _records(builder, split, tfds)
        count = len(self._records) if limit is None else min(limit, len(self._records))
        if not count:
            raise ValueError(f"split {split!r} of {name} is empty; correct gan.data.split")
        stamp = f"{builder.info.full_name} {split} {len(self._records)} {builder.info.dataset_size}"
        self.entries = [Entry(f"{split}#{index}", stamp) for index in range(count)]
        self.intake.leave_out(LIMIT, count=len(self._records) - count)

    def read(self, index: int) -> bytes:
        """Encoded bytes of one picture. Raises UnfitPicture when its record is damaged or too large."""
        name = f"{self.path}/{self.entries[index].name}"
        try:
            record = self._records[index]
            data = self._features.deserialize_example_np(record, decoders=self._decoders)[self._feature]
        except Exception as error:  # array_record raises bare RuntimeErrors of its own
            raise_if_machines(error)
            raise UnfitPicture(f"{name} cannot be read ({error}); prepare the set again") from error
        if len(data) > MAX_BYTES:
            raise UnfitPicture(
                f"{name} has more than {MAX_BYTES:,} bytes; set gan.data.unfit=skip", TOO_LARGE
            )
        return data


class TfRecords:
    """Random access to TFRecord files: (length u64, its crc u32, data, crc u32), repeated, little-endian.

    Args: parts: (file, first record, number of records, records in the file) each. Raises ValueError for a
    file that is cut short.
    """

    def __init__(self, parts: list[tuple[str, int, int, int]]):
        self._places: list[tuple[str, int, int]] = []
        for path, skip, take, total in parts:
            places = [(path, *place) for place in _offsets(path)]
            if len(places) != total:
                raise ValueError(f"{path} has {len(places)} records, not {total}; prepare the set again")
            self._places += places[skip : skip + take]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> bytes:
        path, offset, length = self._places[index]
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(length)


def _offsets(path: str) -> list[tuple[int, int]]:
    found, size = [], Path(path).stat().st_size
    with open(path, "rb") as file:
        position = 0
        while position < size:
            file.seek(position)
            header = file.read(12)
            length = struct.unpack("<Q", header[:8])[0] if len(header) == 12 else size
            if position + 16 + length > size:
                raise ValueError(f"{path} is cut short in record {len(found)}; prepare the set again")
            found.append((position + 12, length))
            position += 16 + length
    return found


def _records(builder, split: str, tfds):
    """Serialised examples of a split, by position."""
    try:
        instructions = builder.info.splits[split].file_instructions
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{builder.info.full_name} has no split {split!r}; it has {', '.join(builder.info.splits)}"
        ) from error
    form = builder.info.file_format.value
    if form == "tfrecord":
        return TfRecords([(str(i.filename), i.skip, i.take, i.examples_in_shard) for i in instructions])
    if form != "array_record":
        raise ValueError(
            f"{builder.info.full_name} is stored as {form}, which is not read here; prepare it again with "
            "file_format=array_record"
        )
    raw = tfds.decode.DeserializeMethod.RAW_BYTES
    return builder.as_data_source(split=split, deserialize_method=raw)


def _picture_feature(features, feature: str | None, name: str, tfds) -> str:
    pictures = [key for key, value in features.items() if isinstance(value, tfds.features.Image)]
    if feature is None and "image" in pictures:
        return "image"
    if feature is None and len(pictures) == 1:
        return pictures[0]
    if feature in pictures:
        return feature
    raise ValueError(
        f"{name} has the picture features {pictures}; gan.data.feature = {feature!r} names none of them: "
        "correct it"
    )
