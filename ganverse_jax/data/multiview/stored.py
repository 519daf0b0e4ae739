"""Reading a generated multi-view set from disk: whole, or any images at random. Layout: `shards`.

Records: image and mask as PNG, view_id, object_id, content_seed (the integer behind the content's z) and
w_star (flat, all styles of the image). Splits are by object. The set's metadata names the GAN and
the views.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.data.batches import worker_threads
from ganverse_jax.data.multiview.set import SPLITS, MultiviewSet, MultiviewSource, rows_of_split
from ganverse_jax.data.multiview.shards import INDEX, METADATA, NAME, VERSION, decode_png, verify
from ganverse_jax.runtime.checkpoint import read_json, read_npz
from ganverse_jax.runtime.machine import raise_if_machines

_IDS = ("object_id", "view_id", "content_seed")
_KEYS = {"fingerprint": str, "digest": str, "views": list, "num_objects": int}


class GeneratedSet(NamedTuple):
    """Images of a multi-view set read back: images, masks and ids; w_star float32 [n s] and content_seed
    int64 [n] in the same order; metadata with "fingerprint" (of the GAN), "views", "digest" (of the settings)
    and "num_objects" (generated ones, kept or not)."""

    multiview: MultiviewSet
    w_star: np.ndarray
    content_seed: np.ndarray
    metadata: dict[str, Any]


def path_of(folder: Path) -> Path:
    """Where the set lies under the folder given to `open_set`."""
    return Path(folder) / NAME / VERSION


def digest(folder: Path) -> str | None:
    """Digest of the settings the set under ``folder`` was made with; None when there is no readable one."""
    return _noted(folder).get("digest")


def views(folder: Path) -> list[dict[str, Any]] | None:
    """The views the set under ``folder`` was made from; None when there is no readable one."""
    return _noted(folder).get("views")


def _noted(folder: Path) -> dict[str, Any]:
    path = path_of(folder) / METADATA
    try:
        content = read_json(path) if path.is_file() else None
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def read(folder: Path, fingerprint: str | None = None, *, remedy: str | None = None) -> GeneratedSet:
    """Read the set under ``folder`` into memory, ordered by object, then view. Raises as `open_set` does."""
    return open_set(folder, fingerprint, remedy=remedy).read()


def open_set(folder: Path, fingerprint: str | None = None, *, remedy: str | None = None) -> StoredSet:
    """The set under ``folder``, read from disk as images are asked for.

    Every file is compared with its SHA-256 once, here. Raises FileNotFoundError when there is no set;
    ValueError if it is damaged, or from another GAN than ``fingerprint``. remedy: what a person can do,
    for the messages.
    """
    path, remedy = path_of(folder), remedy or f"delete {folder} and write the set again"
    if not path.is_dir():
        raise FileNotFoundError(f"no multi-view set at {path}; {remedy}")
    return StoredSet(path, fingerprint, remedy=remedy)


class StoredSet(MultiviewSource):
    """A multi-view set on disk with random access, decoded for each batch; only ids are held in memory.

    Rows are ordered by object, then view. Args: path: the folder of the files; fingerprint, remedy: see
    `open_set`. object_id, view_id, content_seed: int [n]; size: (h, w).
    """

    def __init__(self, path: Path, fingerprint: str | None = None, *, remedy: str):
        self.path, self._remedy, self.threads = path, remedy, worker_threads()
        verify(path, remedy)
        self.metadata = _read_metadata(path / METADATA, remedy)
        if fingerprint is not None and self.metadata["fingerprint"] != fingerprint:
            raise ValueError(
                f"the multi-view set at {path} came from GAN {self.metadata['fingerprint']}, not "
                f"{fingerprint}; use that GAN, or {remedy}"
            )
        self.views: Sequence[dict[str, Any]] = self.metadata["views"]
        self._open()
        index = self._read_index()
        self._place = np.lexsort((index["view_id"], index["object_id"]))
        self.object_id, self.view_id, self.content_seed = (index[name][self._place] for name in _IDS)
        self._objects = np.arange(self.metadata["num_objects"])

    def __len__(self) -> int:
        return len(self.object_id)

    def take(self, rows: np.ndarray) -> MultiviewSet:
        """The images `rows`, read into memory."""
        return self.read(rows).multiview

    def rows_of(self, name: str, num_objects: int | None = None) -> np.ndarray:
        """The rows of a split, or of its first `num_objects` objects, in rising order."""
        return rows_of_split(self.object_id, self._objects, name, num_objects)

    def fetch(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images uint8 [... h w 3] and masks uint8 [... h w] of `rows` of any shape. Safe in threads."""
        rows = np.asarray(rows)
        images = np.empty((rows.size, *self.size, 3), np.uint8)
        masks = np.empty((rows.size, *self.size), np.uint8)
        for i, row in enumerate(rows.reshape(-1)):
            images[i], masks[i] = self._pictures(int(row), self._record(int(row), self._pixels))
        return images.reshape(*rows.shape, *images.shape[1:]), masks.reshape(*rows.shape, *masks.shape[1:])

    def read(self, rows: np.ndarray | None = None) -> GeneratedSet:
        """`rows` [m] (all by default) in memory, with their codes."""
        rows = np.arange(len(self)) if rows is None else rows
        images = np.empty((len(rows), *self.size, 3), np.uint8)
        masks = np.empty((len(rows), *self.size), np.uint8)
        w_star = np.empty((len(rows), *self._layout["w_star"].shape), np.float32)

        def fill(i: int) -> None:
            record = self._record(int(rows[i]), self._layout)
            images[i], masks[i] = self._pictures(int(rows[i]), record)
            w_star[i] = record["w_star"]

        with ThreadPoolExecutor(worker_threads(), thread_name_prefix="images") as pool:
            collections.deque(pool.map(fill, range(len(rows))), maxlen=0)
        multiview = MultiviewSet(
            images, masks, self.view_id[rows], self.object_id[rows], self.views, self._objects
        )
        return GeneratedSet(multiview, w_star, self.content_seed[rows], self.metadata)

    def _open(self) -> None:
        import tensorflow_datasets as tfds

        skip = tfds.decode.SkipDecoding()
        self._decoders = {"image": skip, "mask": skip}
        raw = tfds.decode.DeserializeMethod.RAW_BYTES
        try:
            builder = tfds.builder_from_directory(str(self.path))
            self._layout = builder.info.features
            self._records = builder.as_data_source(split="+".join(SPLITS), deserialize_method=raw)
            splits = [builder.info.splits[name] for name in SPLITS]
            self._files = [name for split in splits for name in split.filenames]
            self._ends = np.cumsum([length for split in splits for length in split.shard_lengths])
            self.size: tuple[int, int] = self._layout["image"].shape[:2]
            # Codes are long and training does not need them.
            names = ("image", "mask", "object_id", "view_id")
            self._pixels = tfds.features.FeaturesDict({name: self._layout[name] for name in names})
        except Exception as error:  # tfds raises errors of many kinds for files that are no such set
            raise_if_machines(error)
            raise ValueError(
                f"{self.path}/dataset_info.json or features.json is not of a multi-view set ({error}); "
                f"{self._remedy}"
            ) from error

    def _read_index(self) -> dict[str, np.ndarray]:
        path, count = self.path / INDEX, len(self._records)
        index = read_npz(path)
        if any(index.get(name, np.zeros(0)).shape != (count,) for name in _IDS):
            raise ValueError(f"{path} does not list the {count} records of the shards; {self._remedy}")
        if not count:
            raise ValueError(f"the multi-view set at {self.path} is empty; {self._remedy}")
        objects, views = index["object_id"], index["view_id"]
        if not 0 <= views.min() <= views.max() < len(self.views):
            raise ValueError(
                f"{path} has view_id {views.min()}..{views.max()}, but {self.path / METADATA} has "
                f"{len(self.views)} views; {self._remedy}"
            )
        if not 0 <= objects.min() <= objects.max() < self.metadata["num_objects"]:
            raise ValueError(
                f"{path} has object_id {objects.min()}..{objects.max()}, but {self.path / METADATA} has "
                f"num_objects {self.metadata['num_objects']}; {self._remedy}"
            )
        pairs, counts = np.unique(np.stack([objects, views]), axis=1, return_counts=True)
        if (counts > 1).any():
            twice = pairs[:, np.argmax(counts)]
            raise ValueError(f"{path} has object {twice[0]} in view {twice[1]} twice; {self._remedy}")
        return index

    def _record(self, row: int, layout) -> dict[str, Any]:
        """One record, its pictures as PNG bytes."""
        try:
            data = self._records[int(self._place[row])]
            record = layout.deserialize_example_np(data, decoders=self._decoders)
        except Exception as error:  # array_record raises bare RuntimeErrors of its own
            raise_if_machines(error)
            raise ValueError(f"{self._told(row)} cannot be read ({error}); {self._remedy}") from error
        found = (int(record["object_id"]), int(record["view_id"]))
        if found != (self.object_id[row], self.view_id[row]):
            raise ValueError(
                f"{self._told(row)} is of object {found[0]} in view {found[1]}, where {INDEX} has object "
                f"{self.object_id[row]} in view {self.view_id[row]}; {self._remedy}"
            )
        return record

    def _pictures(self, row: int, record: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        try:
            image, mask = decode_png(record["image"]), decode_png(record["mask"])
        except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, struct.error and more
            raise_if_machines(error)
            raise ValueError(f"{self._told(row)} is no picture ({error}); {self._remedy}") from error
        if image.shape != (*self.size, 3) or mask.shape != self.size:
            raise ValueError(
                f"{self._told(row)} has an image {image.shape} and a mask {mask.shape}, where "
                f"features.json has {self.size}; {self._remedy}"
            )
        return image, mask

    def _told(self, row: int) -> str:
        """Where a row lies: the shard, and the record's number in it."""
        number = int(self._place[row])
        shard = int(np.searchsorted(self._ends, number, side="right"))
        first = self._ends[shard - 1] if shard else 0
        return f"{self.path / self._files[shard]} : record {number - first}"


def _read_metadata(path: Path, remedy: str) -> dict[str, Any]:
    content = read_json(path)
    content = content if isinstance(content, dict) else {}
    wrong = [key for key, kind in _KEYS.items() if not isinstance(content.get(key), kind)]
    if wrong:
        raise ValueError(f"{path} lacks {', '.join(wrong)}, or they are no such values; {remedy}")
    return content
