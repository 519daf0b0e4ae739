"""Multi-view images: what inverse graphics trains on, wherever they come from.

`MultiviewSource` is all that training knows. `MultiviewSet` is one in memory, `stored.StoredSet` one on disk,
`stages.multiview_dataset.source.GeneratorSource` one that a GAN makes as training goes.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

SPLITS = {"train": (0.0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.0)}


class Pairs(Protocol):
    """Batches of two views of one object (Eq. 2).

    num_objects: how many there are to draw from (None: without end), num_dropped: how many of a single image
    were left out, threads: how many threads prepare batches best (0: the caller's own).
    """

    num_objects: int | None
    num_dropped: int
    threads: int

    def pair_batch(
        self, step_key: int | Sequence[int], batch_size: int, part: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """The batch of `step_key` (any integers, e.g. (seed, step)); equal keys give equal batches.

        images uint8 [b 2 h w 3], masks uint8 [b 2 h w], views int32 [b 2]; the network sees images[:, 0].
        part: rows of the batch that alone are made (None: all).
        """
        ...


class MultiviewSource(Protocol):
    """Objects seen from shared views: training pairs, and held-out objects as images in memory.

    views: one dict per view code with "azimuth_bin" 0..11; size: (h, w) of the images; view_id, object_id int
    [n]: of its rows. threads: see `Pairs`.
    """

    views: Sequence[dict[str, Any]]
    size: tuple[int, int]
    view_id: np.ndarray
    object_id: np.ndarray
    threads = 0

    def training_pairs(self, *, single_view: bool = False) -> Pairs:
        """Batches of the training objects, whose images are asked for when drawn; see `PairSampler`."""
        rows = self.rows_of("train")
        return PairSampler(
            self.object_id[rows],
            self.view_id[rows],
            lambda chosen: self.fetch(rows[chosen]),
            threads=self.threads,
            single_view=single_view,
        )

    def split(self, name: str, num_objects: int | None = None) -> "MultiviewSet":
        """The "train" (80 %), "validation" (10 %) or "test" (10 %) part, by object: none is in two parts.

        Objects are shuffled with a fixed seed, so a set splits the same way every time. num_objects: no more
        than that many of the part's objects, those with the lowest labels.
        """
        return self.take(self.rows_of(name, num_objects))

    def fetch(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images uint8 [... h w 3] and masks uint8 [... h w] of `rows` of any shape."""
        ...

    def rows_of(self, name: str, num_objects: int | None = None) -> np.ndarray:
        """The rows of a split, or of its first `num_objects` objects, in rising order."""
        ...

    def take(self, rows: np.ndarray) -> "MultiviewSet":
        """The images `rows`, with the same views."""
        ...


def azimuth_bins(views: Sequence[dict[str, Any]]) -> list[int]:
    """The annotated 30-degree bin of each view."""
    return [int(view["azimuth_bin"]) for view in views]


def check_split(name: str) -> None:
    """Raise ValueError unless `name` is a split."""
    if name not in SPLITS:
        raise ValueError(f"split {name!r} is none of {sorted(SPLITS)}")


def split_objects(object_ids: np.ndarray) -> dict[str, np.ndarray]:
    """Objects of each split: 80 / 10 / 10 % of the distinct labels, after a fixed shuffle."""
    objects = np.random.default_rng(0).permutation(np.unique(object_ids))
    bounds = {name: [round(bound * len(objects)) for bound in SPLITS[name]] for name in SPLITS}
    return {name: objects[begin:end] for name, (begin, end) in bounds.items()}


def rows_of_split(
    object_id: np.ndarray, objects: np.ndarray, name: str, num_objects: int | None = None
) -> np.ndarray:
    """Rows of object_id [n] in split `name` of `objects`, of its `num_objects` lowest labels present."""
    check_split(name)
    present = np.intersect1d(object_id, split_objects(objects)[name])
    return np.flatnonzero(np.isin(object_id, present[:num_objects]))


def groups_of_objects(object_id: np.ndarray, at_least: int) -> list[np.ndarray]:
    """Rows of object_id [n] in groups of whole objects, in order of their labels: each group but the last
    has `at_least` images or a few more, so that a large split need not be in memory at once."""
    groups, begun = [], []
    for label in np.unique(object_id):
        begun.append(np.flatnonzero(object_id == label))
        if sum(map(len, begun)) >= at_least:
            groups.append(np.concatenate(begun))
            begun = []
    return [*groups, np.concatenate(begun)] if begun else groups


@dataclasses.dataclass(frozen=True)
class MultiviewSet(MultiviewSource):
    """n images of objects seen from shared view codes, in memory.

    images uint8 [n h w 3]; masks uint8 [n h w], 255 on the object; view_id int [n], an index into `views`;
    object_id int [n], any labels; views: one dict per view code with "azimuth_bin" 0..11. objects: the labels
    that are split into train, validation and test (None: those of the images), so that an object that lost
    all its images moves no other one. splits: labels by split where the source tells them, instead; a split
    that it does not name is empty.
    """

    images: np.ndarray
    masks: np.ndarray
    view_id: np.ndarray
    object_id: np.ndarray
    views: Sequence[dict[str, Any]]
    objects: np.ndarray | None = None
    splits: Mapping[str, Sequence[int]] | None = None

    def __post_init__(self):
        n = len(self.images)
        sizes = {name: len(getattr(self, name)) for name in ("masks", "view_id", "object_id")}
        if any(size != n for size in sizes.values()):
            raise ValueError(f"{n} images, but {sizes}; one entry per image is needed")
        if self.images.shape[:3] != self.masks.shape or self.images.shape[3:] != (3,):
            raise ValueError(
                f"images {self.images.shape} and masks {self.masks.shape} must be [n h w 3], [n h w]"
            )
        for name in ("images", "masks"):
            if getattr(self, name).dtype != np.uint8:
                raise ValueError(f"{name} are {getattr(self, name).dtype}, not uint8 in 0..255")
        if n and not 0 <= self.view_id.min() <= self.view_id.max() < len(self.views):
            raise ValueError(f"view_id up to {self.view_id.max()}, but there are {len(self.views)} views")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the images."""
        return self.images.shape[1:3]

    def take(self, rows: np.ndarray) -> "MultiviewSet":
        """The images `rows`, with the same views."""
        return dataclasses.replace(
            self,
            images=self.images[rows],
            masks=self.masks[rows],
            view_id=self.view_id[rows],
            object_id=self.object_id[rows],
        )

    def fetch(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `MultiviewSource.fetch`."""
        return self.images[rows], self.masks[rows]

    def rows_of(self, name: str, num_objects: int | None = None) -> np.ndarray:
        """See `MultiviewSource.rows_of`."""
        if self.splits is not None:
            check_split(name)
            labels = np.intersect1d(self.object_id, list(self.splits.get(name, ())))
            return np.flatnonzero(np.isin(self.object_id, labels[:num_objects]))
        objects = self.object_id if self.objects is None else self.objects
        return rows_of_split(self.object_id, objects, name, num_objects)


class PairSampler:
    """Random access to training batches: two random, different views each of random objects (Eq. 2).

    Args: object_id, view_id: int [n]; fetch(rows [b 2]) -> images uint8 [b 2 h w 3], masks uint8 [b 2 h w];
    threads: see `Pairs`. Objects with a single image are left out; with single_view pairs are one image
    twice, so that nothing is asked of other views (Eq. 2 becomes Eq. 1), and all objects serve. Raises
    ValueError when none is left.
    """

    def __init__(
        self,
        object_id: np.ndarray,
        view_id: np.ndarray,
        fetch: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
        *,
        threads: int,
        single_view: bool = False,
    ):
        order = np.argsort(object_id, kind="stable")
        _, first, counts = np.unique(object_id[order], return_index=True, return_counts=True)
        usable = counts >= (1 if single_view else 2)
        if not usable.any():
            raise ValueError(
                f"no object of {len(counts)} has two images; raise views_per_object or loosen the filter, or "
                "train without the multi-view term: single_view=True"
            )
        self._view_id, self._fetch, self.threads = view_id.astype(np.int32), fetch, threads
        self._single_view = single_view
        self._order, self._first, self._counts = order, first[usable], counts[usable]
        self.num_objects, self.num_dropped = int(usable.sum()), int((~usable).sum())

    def pair_batch(
        self, step_key: int | Sequence[int], batch_size: int, part: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """See `Pairs.pair_batch`. Objects are drawn without repetition while there are enough."""
        generator = np.random.default_rng(step_key)
        chosen = generator.choice(self.num_objects, batch_size, replace=batch_size > self.num_objects)
        i = generator.integers(self._counts[chosen])
        step = 0 if self._single_view else 1 + generator.integers(self._counts[chosen] - 1)
        j = (i + step) % self._counts[chosen]
        rows = self._order[self._first[chosen, None] + np.stack([i, j], axis=1)]
        rows = rows if part is None else rows[part]
        images, masks = self._fetch(rows)
        return {"images": images, "masks": masks, "views": self._view_id[rows]}
