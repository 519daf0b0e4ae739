"""Any source of encoded pictures as the uint8 images a GAN trains on, decoded once or each time."""

import hashlib
import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import disk_usage
from typing import Any, NamedTuple, Protocol

import numpy as np

from ganverse_jax.data.images import pictures
from ganverse_jax.data.images.folder import Entry, open_images
from ganverse_jax.data.images.lsun import Lsun
from ganverse_jax.data.images.pictures import Fit, FittedPicture, UnfitPicture
from ganverse_jax.data.images.tfds import TfdsImages
from ganverse_jax.data.intake import Intake
from ganverse_jax.runtime.checkpoint import read_json, write_atomic, write_json
from ganverse_jax.runtime.names import legible
from ganverse_jax.runtime.progress import Progress

KINDS = ("images", "lsun", "tfds")
UNFIT = ("error", "skip")
_VERSION = 2  # of the decoder, whose pictures are kept


class Source(Protocol):
    """Encoded pictures by position: `entries` in a fixed order, `read` safe to call from several threads;
    `intake`: what is none of them."""

    path: Any
    entries: Sequence[Entry]
    intake: Intake

    def read(self, index: int) -> bytes:
        """Bytes of one encoded picture. Raises UnfitPicture naming it."""


class DecodedImages:
    """The pictures `kept` of a source, decoded anew whenever they are asked for. A note that is not in the
    source's intake is printed with the first picture that has it."""

    def __init__(self, source: Source, fit: Fit, kept: np.ndarray | None = None):
        self.source, self.fit = source, fit
        self.kept = np.arange(len(source.entries)) if kept is None else np.asarray(kept, np.int64)

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """uint8 [n r r 3] of the pictures `rows` [n]. Raises UnfitPicture naming one that cannot serve."""
        found = [decoded(self.source, int(self.kept[row]), self.fit) for row in rows]
        for row, picture in zip(rows, found, strict=True):
            for note in set(picture.notes) - set(self.source.intake.notes):
                name = self.source.entries[int(self.kept[row])].name
                self.source.intake.note(note, name)
                print(f"[gan] pictures {note}: {legible(name)} is the first", flush=True)
        return np.stack([picture.image for picture in found])


class Survey(NamedTuple):
    """What decoding everything once found: positions kept [k]; name, kind and reason of what was left out;
    how many have each of the decoder's notes."""

    kept: list[int]
    skipped: list[dict[str, str]]
    notes: Counter[str]


def decoded(source: Source, index: int, fit: Fit) -> FittedPicture:
    """One picture of a source. Raises UnfitPicture naming it."""
    return pictures.decode(source.read(index), f"{source.path}/{source.entries[index].name}", fit)


def open_source(
    kind: str,
    path: str = "",
    *,
    name: str = "",
    split: str = "train",
    feature: str = "",
    limit: int = 0,
) -> Source:
    """A source by its kind; limit 0 takes all pictures, feature "" the one a set has.

    Raises ValueError for an unknown kind or a negative limit, and what the source's class raises.
    """
    if limit < 0:
        raise ValueError(f"gan.data.limit = {limit} is negative; use 1 or more, or 0 for all")
    limit = limit or None
    if kind == "images":
        return open_images(path, limit)
    if kind == "lsun":
        return Lsun(path, limit)
    if kind == "tfds":
        return TfdsImages(name, path, split, feature or None, limit)
    raise ValueError(f"gan.data.kind = {kind!r} is unknown; use world, {', '.join(KINDS)}")


def training_images(
    source: Source,
    fit: Fit,
    cache: Path,
    *,
    keep_decoded: bool = True,
    unfit: str = "error",
    threads: int = 2,
) -> np.ndarray | DecodedImages:
    """Images of a source for random access: ``len(images)`` and ``images[rows [n]]`` -> uint8 [n r r 3].

    keep_decoded: decode everything once into a file in the folder `cache` (3 r^2 bytes per image) and
    memory-map it; else decode at each access. unfit: "error" stops at the first picture that cannot serve,
    "skip" leaves such pictures out, which takes one pass over all of them; names and reasons are written
    beside the cache, counts go to the source's intake. Files carry a digest of names, sizes and settings, and
    appear whole or not at all.

    Raises UnfitPicture (a ValueError) naming a picture, ValueError when none is left or the disk is full.
    """
    pictures.check_fit(fit)
    if unfit not in UNFIT:
        raise ValueError(f"gan.data.unfit = {unfit!r} is unknown; use one of {', '.join(UNFIT)}")
    if not keep_decoded and unfit == "error":
        return DecodedImages(source, fit)
    path = Path(cache) / f"images_{fit.resolution}_{digest(source, fit, unfit)}.u8"
    card = path.with_suffix(".json")
    if not card.exists() or (keep_decoded and not path.exists()):
        survey = _decode_all(source, fit, path if keep_decoded else None, unfit, threads)
        write_json(
            card, {"path": str(source.path), **fit._asdict(), "count": len(survey.kept), **survey._asdict()}
        )
    found = read_json(card)
    for skipped in found["skipped"]:
        source.intake.leave_out(skipped["kind"], skipped["name"])
    for note, count in found["notes"].items():
        source.intake.note(note, count=count)
    kept = found["kept"]
    return _mapped(path, len(kept), fit.resolution) if keep_decoded else DecodedImages(source, fit, kept)


def digest(source: Source, fit: Fit, unfit: str) -> str:
    """16 hex digits that change with any picture's name, size or checksum, and with the settings."""
    total = hashlib.sha256(json.dumps([_VERSION, *fit, unfit]).encode())
    for entry in source.entries:
        total.update(f"{entry.name}\n{entry.stamp}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()[:16]


def _mapped(path: Path, count: int, size: int) -> np.ndarray:
    wanted = count * size * size * 3
    if path.stat().st_size != wanted:
        raise ValueError(
            f"{path} has {path.stat().st_size} bytes, not {wanted}; delete it and run the same command again"
        )
    return np.memmap(path, np.uint8, "r", shape=(count, size, size, 3))


def _decode_all(source: Source, fit: Fit, path: Path | None, unfit: str, threads: int) -> Survey:
    survey = Survey([], [], Counter())

    def run(write: Callable[[np.ndarray], Any]) -> None:
        with Progress("images", len(source.entries), unit="pictures") as progress:
            for index, picture in enumerate(_in_order(source, fit, threads)):
                if isinstance(picture, UnfitPicture):
                    if unfit == "error":
                        raise picture
                    name = source.entries[index].name
                    survey.skipped.append({"name": name, "kind": picture.kind, "reason": str(picture)})
                else:
                    survey.kept.append(index)
                    survey.notes.update(picture.notes)
                    write(picture.image)
                progress.update(index + 1)
        if not survey.kept:
            raise ValueError(
                f"no picture of {source.path} can serve; the first: {survey.skipped[0]['reason']}"
            )

    if path is None:
        run(lambda picture: None)
        return survey
    path.parent.mkdir(parents=True, exist_ok=True)
    needed, free = len(source.entries) * 3 * fit.resolution**2, disk_usage(path.parent).free
    if needed > free:
        raise ValueError(
            f"decoded images would take {needed / 1e9:.1f} GB in {path.parent}, but {free / 1e9:.1f} GB "
            "are free; set gan.data.keep_decoded=False, gan.data.limit, or gan.cache to another disk"
        )

    def fill(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            run(lambda picture: file.write(picture.data))

    write_atomic(path, fill)
    return survey


def _in_order(source: Source, fit: Fit, threads: int) -> Iterator[FittedPicture | UnfitPicture]:
    """All pictures in order, decoded by threads that stay a bounded number of pictures ahead."""

    def one(index: int) -> FittedPicture | UnfitPicture:
        try:
            return decoded(source, index, fit)
        except UnfitPicture as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        waiting: deque = deque()
        try:
            for index in range(len(source.entries)):
                waiting.append(pool.submit(one, index))
                if len(waiting) >= 4 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
