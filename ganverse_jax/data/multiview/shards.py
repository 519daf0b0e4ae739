"""Writing a generated multi-view set: ArrayRecord shards under tensorflow-datasets' names and metadata.

    multiview-train.array_record-00000-of-00008 ...   one shard per part of objects, of one split
    dataset_info.json features.json metadata.json     what `tfds.builder_from_directory` reads
    index.npz                                         object_id, view_id, content_seed of every record
    SHA256SUMS                                        of all these (`sha256sum -c SHA256SUMS` works)

A shard is written at once under a temporary name and renamed: it is there whole or not at all. Equal
records give equal bytes. A shard of no records is a valid file, which tfds and array_record read as empty.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ganverse_jax.data.batches import worker_threads
from ganverse_jax.data.multiview.set import SPLITS
from ganverse_jax.runtime.checkpoint import sha256_of, write_atomic, write_npz, write_text

NAME, VERSION = "multiview", "1.0.0"
INDEX, CHECKSUMS, METADATA = "index.npz", "SHA256SUMS", "metadata.json"
_DESCRIPTION = "Multi-view images sampled from a GAN (arXiv:2010.09125, section 3.1)."


class Shard(NamedTuple):
    """A written shard: its number of records, bytes and SHA-256 (hexadecimal)."""

    num_records: int
    num_bytes: int
    sha256: str


def encode_png(array: np.ndarray) -> bytes:
    """PNG bytes of uint8 [h w 3] or [h w]; fastest compression, since a set is written once a run."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def decode_png(data: bytes) -> np.ndarray:
    """uint8 array of PNG bytes."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        return np.asarray(image)


def features(size: tuple[int, int], w_star_size: int):
    """The tfds features of a record; size is (h, w)."""
    import tensorflow_datasets as tfds

    return tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(*size, 3), encoding_format="png"),
            "mask": tfds.features.Image(shape=(*size, 1), encoding_format="png"),
            "view_id": tfds.features.Scalar(np.int32),
            "object_id": tfds.features.Scalar(np.int64),
            "content_seed": tfds.features.Scalar(np.int64),
            "w_star": tfds.features.Tensor(shape=(w_star_size,), dtype=np.float32),
        }
    )


def shard_name(split: str, number: int, count: int) -> str:
    """The file name tfds gives shard `number` of `count`."""
    return f"{NAME}-{split}.array_record-{number:05d}-of-{count:05d}"


def write_shard(path: Path, records: Iterable[Mapping[str, Any]], layout) -> Shard:
    """Write one shard atomically, replacing what is there.

    records: dicts of the features' names, image and mask as PNG bytes; layout: of `features`.
    """
    from array_record.python.array_record_module import ArrayRecordWriter
    from tensorflow_datasets.core.example_serializer import ExampleSerializer

    serializer = ExampleSerializer(layout.get_serialized_info())
    found: list[Shard] = []

    def write(temporary: Path) -> None:
        writer, count = ArrayRecordWriter(str(temporary), "group_size:1"), 0
        try:
            for record in records:
                example = serializer.get_tf_example(layout.encode_example(record))
                # Otherwise the order of a record's fields changes from process to process.
                writer.write(example.SerializeToString(deterministic=True))
                count += 1
        finally:
            writer.close()
        found.append(Shard(count, temporary.stat().st_size, sha256_of(temporary)))

    write_atomic(path, write)
    return found[0]


def write_metadata(
    folder: Path,
    shards: Mapping[str, Sequence[Shard]],
    layout,
    *,
    metadata: Mapping[str, Any],
    index: Mapping[str, np.ndarray],
) -> None:
    """Make `folder`, which holds the shards of every split, a set that tfds and `data.multiview.stored` read.

    metadata: "fingerprint", "digest", "views" and "num_objects"; index: object_id, view_id and content_seed
    [n] of all records, split by split.
    """
    import tensorflow_datasets as tfds

    infos = [
        tfds.core.SplitInfo(
            name=name,
            shard_lengths=[shard.num_records for shard in shards[name]],
            num_bytes=sum(shard.num_bytes for shard in shards[name]),
        )
        for name in SPLITS
    ]
    tfds.folder_dataset.write_metadata(
        data_dir=str(folder),
        features=layout,
        split_infos=infos,
        version=VERSION,
        check_data=False,  # it reads through TensorFlow
        description=_DESCRIPTION,
        disable_shuffling=True,
        metadata=tfds.core.MetadataDict(metadata),
    )
    write_npz(folder / INDEX, **index)
    sums = {
        shard_name(name, number, len(shards[name])): shard.sha256
        for name in SPLITS
        for number, shard in enumerate(shards[name])
    }
    write_checksums(folder, sums)


def write_checksums(folder: Path, shards: Mapping[str, str]) -> None:
    """SHA256SUMS of the set in `folder`: the given sums of its shards, and those of its other files."""
    described = ("dataset_info.json", "features.json", METADATA, INDEX)
    sums = dict(shards) | {name: sha256_of(folder / name) for name in described}
    lines = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    write_text(folder / CHECKSUMS, lines)


def read_checksums(folder: Path, remedy: str) -> dict[str, str]:
    """SHA-256 by file name. Raises ValueError that names the file and the remedy."""
    path, sums = folder / CHECKSUMS, {}
    if not path.is_file():
        raise ValueError(f"{path} is missing: the set is incomplete, or of an earlier version; {remedy}")
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name or Path(name).name != name:
            raise ValueError(f"{path}:{number} is no line of checksums: {line[:60]!r}; {remedy}")
        sums[name] = digest
    return sums


def verify(folder: Path, remedy: str) -> None:
    """Compare every file of the set with its checksum. Raises ValueError that names the first bad file."""
    sums = read_checksums(folder, remedy)
    present = {path.name for path in folder.iterdir()}
    wanted = set(sums) | {"dataset_info.json", "features.json", METADATA, INDEX}
    for name in sorted(wanted - present):
        raise ValueError(f"{folder / name} is missing; {remedy}")
    for name in sorted(wanted - set(sums)):
        raise ValueError(f"{folder / CHECKSUMS} is cut short: it lacks {name}; {remedy}")
    for name in sorted(name for name in present if ".array_record-" in name and name not in sums):
        raise ValueError(f"{folder / name} has no checksum in {CHECKSUMS}: it is of another set; {remedy}")
    with ThreadPoolExecutor(worker_threads(), thread_name_prefix="checksums") as pool:
        found = pool.map(lambda name: sha256_of(folder / name), sums)
        for (name, digest), actual in zip(sums.items(), found, strict=True):
            if actual != digest:
                raise ValueError(
                    f"{folder / name} does not have its checksum: it is truncated, changed or of another "
                    f"set; {remedy}"
                )
