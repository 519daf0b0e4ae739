"""Multi-view images in memory: what inverse graphics trains on, wherever the images come from."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SPLITS = {"train": (0.0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.0)}


@dataclasses.dataclass(frozen=True)
class MultiviewSet:
    """n images of objects seen from shared view codes.

    images uint8 [n h w 3]; masks uint8 [n h w], 255 on the object; view_id int [n], an index into `views`;
    object_id int [n], any labels; views: one dict per view code with "azimuth_bin" 0..11. splits: object ids
    by split where the source tells them; a split that it does not name is empty.
    """

    images: np.ndarray
    masks: np.ndarray
    view_id: np.ndarray
    object_id: np.ndarray
    views: Sequence[dict[str, Any]]
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
    def azimuth_bins(self) -> list[int]:
        """The annotated 30-degree bin of each view."""
        return [int(view["azimuth_bin"]) for view in self.views]

    def take(self, rows: np.ndarray) -> "MultiviewSet":
        """The images `rows`, with the same views."""
        return dataclasses.replace(
            self,
            images=self.images[rows],
            masks=self.masks[rows],
            view_id=self.view_id[rows],
            object_id=self.object_id[rows],
        )

    def split(self, name: str) -> "MultiviewSet":
        """The "train" (80 %), "validation" (10 %) or "test" (10 %) part, by object: none is in two parts.

        Objects are shuffled with a fixed seed, so a set splits the same way every time; `splits` go before.
        """
        if name not in SPLITS:
            raise ValueError(f"split {name!r} is none of {sorted(SPLITS)}")
        if self.splits is not None:
            return self.take(np.flatnonzero(np.isin(self.object_id, list(self.splits.get(name, ())))))
        objects = np.random.default_rng(0).permutation(np.unique(self.object_id))
        begin, end = (round(bound * len(objects)) for bound in SPLITS[name])
        return self.take(np.flatnonzero(np.isin(self.object_id, objects[begin:end])))

    def pairs(self, *, single_view: bool = False) -> "PairSampler":
        """A sampler of two views of one object; objects with a single image are left out.

        single_view: pairs are one image twice, so that nothing is asked of other views (Eq. 2 becomes Eq. 1);
        all objects serve.
        """
        return PairSampler(self, single_view=single_view)


class PairSampler:
    """Random access to training batches: 16 objects with two random, different views each (Eq. 2), or with
    one view twice (single_view)."""

    def __init__(self, source: MultiviewSet, *, single_view: bool = False):
        order = np.argsort(source.object_id, kind="stable")
        _, first, counts = np.unique(source.object_id[order], return_index=True, return_counts=True)
        usable = counts >= (1 if single_view else 2)
        if not usable.any():
            raise ValueError(
                f"no object of {len(counts)} has two images; raise views_per_object or loosen the filter, or "
                "train without the multi-view term: single_view=True"
            )
        self.source, self._order, self._single_view = source, order, single_view
        self._first, self._counts = first[usable], counts[usable]
        self.num_objects, self.num_dropped = int(usable.sum()), int((~usable).sum())

    def pair_batch(self, step_key: int | Sequence[int], batch_size: int) -> dict[str, np.ndarray]:
        """The batch of `step_key` (any integers, e.g. (seed, step)); equal keys give equal batches.

        images uint8 [b 2 h w 3], masks uint8 [b 2 h w], views int32 [b 2]; the network sees images[:, 0].
        Objects are drawn without repetition while there are enough.
        """
        generator = np.random.default_rng(step_key)
        chosen = generator.choice(self.num_objects, batch_size, replace=batch_size > self.num_objects)
        i = generator.integers(self._counts[chosen])
        step = 0 if self._single_view else 1 + generator.integers(self._counts[chosen] - 1)
        j = (i + step) % self._counts[chosen]
        rows = self._order[self._first[chosen, None] + np.stack([i, j], axis=1)]
        return {
            "images": self.source.images[rows],
            "masks": self.source.masks[rows],
            "views": self.source.view_id[rows].astype(np.int32),
        }
