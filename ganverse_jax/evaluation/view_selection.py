"""Choosing view codes without any truth: mask agreement across contents, variety, coverage (section 3.1).

The paper chooses views by eye ("we pay attention to choosing viewpoints in which the objects look most
consistent"); here the same wish is a score. Pure NumPy: candidates in, indices out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def mask_agreement(masks: np.ndarray) -> float:
    """Mean pairwise IOU of boolean masks [contents h w] of one view; 1 when all fill the same pixels.

    Raises ValueError for fewer than two masks.
    """
    count = len(masks)
    if count < 2:
        raise ValueError(f"agreement needs at least two contents, got {count}; raise viewpoints.num_contents")
    flat = masks.reshape(count, -1).astype(np.float32)
    shared = flat @ flat.T
    area = np.diag(shared)
    iou = shared / np.maximum(area[:, None] + area[None] - shared, 1)
    return float(iou[np.triu_indices(count, 1)].mean())


def appearance(images: np.ndarray, masks: np.ndarray, size: int = 16) -> np.ndarray:
    """Descriptors float32 [views contents size*size*4] of images [views contents h w 3], masks [.. h w].

    Small foreground pictures and masks: two views are compared on the same contents, so that the
    descriptor tells a left side from a right side where masks alone do not.
    """
    views, contents, height, width, _ = images.shape
    if height % size or width % size:
        rows, columns = (np.arange(size) * n // size for n in (height, width))
        small, small_masks = images[:, :, rows][:, :, :, columns], masks[:, :, rows][:, :, :, columns]
    else:
        cells = (views, contents, size, height // size, size, width // size)
        small = images.reshape(*cells, 3).mean(axis=(3, 5))
        small_masks = masks.reshape(cells).mean(axis=(3, 5))
    picture = small / 255.0 * small_masks[..., None]
    both = np.concatenate([picture, small_masks[..., None]], axis=-1)
    return both.reshape(views, contents, -1).astype(np.float32)


def view_distances(descriptors: np.ndarray) -> np.ndarray:
    """Distances [views views]: mean |difference| over the mean of both, averaged over contents.

    0 for equal views; about 1 for views that share nothing.
    """
    views = len(descriptors)
    result = np.zeros((views, views))
    mass = descriptors.sum(axis=-1)
    for i in range(views):
        difference = np.abs(descriptors - descriptors[i]).sum(axis=-1)
        result[i] = (difference / np.maximum(mass + mass[i], 1e-6)).mean(axis=1)
    return result


def choose_views(
    consistency: np.ndarray,
    distances: np.ndarray,
    num_views: int,
    *,
    bins: Sequence[int] | None = None,
    usable: np.ndarray | None = None,
    min_distance: float = 0.1,
    drop_share: float = 0.25,
) -> list[int]:
    """Indices of up to `num_views` candidates: consistent, not duplicates, spread over the azimuth bins.

    consistency [c]; distances [c c] (`view_distances`); bins [c]: azimuth bin of each candidate, or None when
    nobody has annotated them yet, in which case the farthest candidate is taken next. usable [c] bool rules
    candidates out. The least consistent `drop_share` of each bin (or of all) is never taken while the bin has
    others; bins are served in turn, the one with the fewest chosen first. Candidates nearer than
    `min_distance` to a chosen one count as duplicates. Fewer views come back when there are no more.
    """
    consistency = np.asarray(consistency, np.float64)
    usable = np.ones(len(consistency), bool) if usable is None else np.asarray(usable, bool)
    groups = np.zeros(len(consistency), int) if bins is None else np.asarray(bins)
    free = usable & _consistent(consistency, groups, usable, drop_share)
    chosen: list[int] = []
    counts = {group: 0 for group in np.unique(groups[free])} if free.any() else {}
    while len(chosen) < num_views and free.any():
        present = np.unique(groups[free])
        group = min(present, key=lambda g: (counts[g], (free & (groups == g)).sum(), g))
        members = np.flatnonzero(free & (groups == group))
        best = members[np.argmax(_merit(members, chosen, consistency, distances, bins is None))]
        chosen.append(int(best))
        counts[group] += 1
        free[best] = False
        free &= distances[best] >= min_distance
    return chosen


def _consistent(consistency, groups, usable, drop_share) -> np.ndarray:
    """True for the more consistent 1 - drop_share of the usable candidates of each group (at least one)."""
    keep = np.zeros(len(consistency), bool)
    for group in np.unique(groups):
        members = np.flatnonzero(usable & (groups == group))
        order = members[np.argsort(-consistency[members], kind="stable")]
        keep[order[: int(np.ceil(len(order) * (1 - drop_share)))]] = True
    return keep


def _merit(members, chosen, consistency, distances, spread: bool) -> np.ndarray:
    """Consistency, or with `spread` the distance to the nearest chosen view, ties by consistency."""
    if not spread or not chosen:
        return consistency[members]
    return distances[np.ix_(members, chosen)].min(axis=1) + 1e-3 * consistency[members]


def similarity_order(distances: np.ndarray) -> list[int]:
    """A walk through all views that goes on to the nearest unvisited one; distances [views views].

    It starts at an end of the set: the view farthest from all others.
    """
    left = set(range(len(distances)))
    walk = [int(np.argmax(distances.sum(axis=1)))] if left else []
    left -= set(walk)
    while left:
        walk.append(min(left, key=lambda i: (distances[walk[-1], i], i)))
        left.remove(walk[-1])
    return walk
