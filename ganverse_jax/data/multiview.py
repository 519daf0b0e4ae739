"""The generated multi-view set on disk: a tensorflow-datasets array_record set, without TensorFlow.

Records: image and mask as PNG, view_id, object_id, content_seed (the integer behind the content's z) and
w_star (flat, all styles of the image). Splits are by object. The set's metadata names the GAN and
the views.
"""

from __future__ import annotations

import contextlib
import functools
import io
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ganverse_jax.data.multiview_set import SPLITS, MultiviewSet

NAME, VERSION = "multiview", "1.0.0"


class GeneratedSet(NamedTuple):
    """A multi-view set read back: images, masks and ids; w_star float32 [n s] and content_seed int64 [n] in
    the same order; metadata with "fingerprint" (of the GAN), "views" and "digest" (of the settings)."""

    multiview: MultiviewSet
    w_star: np.ndarray
    content_seed: np.ndarray
    metadata: dict[str, Any]


def encode_png(array: np.ndarray) -> bytes:
    """PNG bytes of uint8 [h w 3] or [h w]; fastest compression, since a set is written once a run."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def decode_png(data: bytes) -> np.ndarray:
    """uint8 array of PNG bytes."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def split_objects(object_ids: np.ndarray) -> dict[str, np.ndarray]:
    """Objects of each split; the same partition as `MultiviewSet.split` (a fixed shuffle, 80 / 10 / 10 %)."""
    objects = np.random.default_rng(0).permutation(np.unique(object_ids))
    bounds = {name: [round(bound * len(objects)) for bound in SPLITS[name]] for name in SPLITS}
    return {name: objects[begin:end] for name, (begin, end) in bounds.items()}


@functools.cache
def _builder_class():
    """The tfds builder, defined on first use: tfds takes half a second to import."""
    import tensorflow_datasets as tfds

    class Multiview(tfds.core.GeneratorBasedBuilder):
        """Multi-view images sampled from a GAN (arXiv:2010.09125, section 3.1)."""

        VERSION = tfds.core.Version(VERSION)
        # Nothing is downloaded; looking for the source file's checksums would need importlib_resources.
        code_path = None

        def __init__(self, *, image_shape, w_star_size, metadata, splits, **keywords):
            self._shape, self._size, self._content, self._splits = image_shape, w_star_size, metadata, splits
            super().__init__(file_format="array_record", **keywords)

        def _info(self):
            features = tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(*self._shape, 3), encoding_format="png"),
                    "mask": tfds.features.Image(shape=(*self._shape, 1), encoding_format="png"),
                    "view_id": tfds.features.Scalar(np.int32),
                    "object_id": tfds.features.Scalar(np.int64),
                    "content_seed": tfds.features.Scalar(np.int64),
                    "w_star": tfds.features.Tensor(shape=(self._size,), dtype=np.float32),
                }
            )
            return tfds.core.DatasetInfo(
                builder=self,
                description=self.__doc__,
                features=features,
                disable_shuffling=True,
                metadata=tfds.core.MetadataDict(self._content),
            )

        def _split_generators(self, dl_manager):
            del dl_manager
            return {name: enumerate(records()) for name, records in self._splits.items()}

        def _generate_examples(self):
            raise NotImplementedError("records come from the constructor")

    Multiview.name = NAME
    return Multiview


def write(
    folder: Path,
    splits: Mapping[str, Callable[[], Iterable[dict[str, Any]]]],
    *,
    image_shape: tuple[int, int],
    w_star_size: int,
    metadata: Mapping[str, Any],
) -> Path:
    """Write records (image and mask as PNG bytes) under ``folder``, replacing what is there.

    Returns the set's path. image_shape is (height, width); metadata has "digest" and "fingerprint".
    tfds writes under a temporary name and renames at the end: a killed run leaves no set, never half of one.
    """
    import tensorflow_datasets as tfds

    shutil.rmtree(folder / NAME, ignore_errors=True)
    tfds.disable_progress_bar()
    builder = _builder_class()(
        image_shape=tuple(image_shape),
        w_star_size=w_star_size,
        metadata=dict(metadata),
        splits=splits,
        data_dir=str(folder),
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it announces a download, and there is none
        builder.download_and_prepare()
    return path_of(folder)


def path_of(folder: Path) -> Path:
    """Where the set lies under the folder given to `write`."""
    return Path(folder) / NAME / VERSION


def digest(folder: Path) -> str | None:
    """Digest of the settings the set under ``folder`` was made with; None when there is no whole set."""
    import json

    path = path_of(folder)
    if not (path / "dataset_info.json").is_file() or not (path / "metadata.json").is_file():
        return None
    return json.loads((path / "metadata.json").read_text()).get("digest")


def read(folder: Path, fingerprint: str | None = None) -> GeneratedSet:
    """Read the set under ``folder`` into memory, ordered by object, then view.

    Raises FileNotFoundError when there is none; ValueError if from another GAN than ``fingerprint``,
    or is damaged.
    """
    if digest(folder) is None:
        raise FileNotFoundError(f"no multi-view set in {folder}; run the multiview_dataset stage first")
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(str(path_of(folder)))
    metadata = dict(builder.info.metadata)
    if fingerprint is not None and metadata["fingerprint"] != fingerprint:
        raise ValueError(
            f"the multi-view set in {folder} came from GAN {metadata['fingerprint']}, not {fingerprint}; use "
            f"that GAN, or delete {folder} and run the multiview_dataset stage again"
        )
    decoders = {"image": tfds.decode.SkipDecoding(), "mask": tfds.decode.SkipDecoding()}
    records: list[dict[str, Any]] = []
    try:
        for name in builder.info.splits:
            source = builder.as_data_source(split=name, decoders=decoders)
            records += [source[i] for i in range(len(source))]
    except Exception as error:  # array_record raises bare RuntimeErrors of its own
        raise ValueError(
            f"{path_of(folder)} is damaged ({error}); delete {folder} and run the stage again"
        ) from error
    records.sort(key=lambda record: (record["object_id"], record["view_id"]))
    return _stack(records, metadata)


def _stack(records: list[dict[str, Any]], metadata: dict[str, Any]) -> GeneratedSet:
    if not records:
        raise ValueError(
            "the multi-view set is empty: the mask filter kept nothing; look at the stage's summary.json"
        )
    multiview = MultiviewSet(
        np.stack([decode_png(record["image"]) for record in records]),
        np.stack([decode_png(record["mask"]) for record in records]),
        np.array([record["view_id"] for record in records], np.int32),
        np.array([record["object_id"] for record in records], np.int64),
        metadata["views"],
    )
    seeds = np.array([record["content_seed"] for record in records], np.int64)
    return GeneratedSet(multiview, np.stack([record["w_star"] for record in records]), seeds, metadata)
