"""Connected components of masks, and the paper's filter for bad images (section 3.1)."""

from typing import NamedTuple

import numpy as np

from ganverse_jax.data.masks.folder import asked_together

KEPT, NO_OBJECT, SEVERAL_INSTANCES, SMALL_MASK = "kept", "no_object", "several_instances", "small_mask"
REASONS = (NO_OBJECT, SEVERAL_INSTANCES, SMALL_MASK)


class Verdict(NamedTuple):
    """What the filter made of n masks.

    reason: list of n names, `KEPT` or one of `REASONS`; masks uint8 [n h w]: the largest instance alone,
    its soft border included; num_instances [n]; area [n]: its share of the image.
    """

    reason: list[str]
    masks: np.ndarray
    num_instances: np.ndarray
    area: np.ndarray

    @property
    def kept(self) -> np.ndarray:
        """Which [n] the filter kept."""
        return np.array([reason == KEPT for reason in self.reason], bool)


def connected_components(masks: np.ndarray) -> np.ndarray:
    """Label the 4-connected components of masks bool [n h w]: int32 [n h w], 0 outside, unique over all n.

    Two passes over horizontal runs with union-find: runs of neighbouring rows that overlap are one.
    """
    masks = np.asarray(masks, bool)
    n, height, width = masks.shape
    rows = masks.reshape(n * height, width)
    edges = np.diff(np.pad(rows, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, start = np.nonzero(edges == 1)
    end = np.nonzero(edges == -1)[1]
    roots = _join_runs(row, start, end, height)
    painted = np.zeros((n * height, width + 1), np.int32)
    # A run is painted by its label's step up at the start and down after the end, summed along the row.
    painted[row, start] += roots + 1
    painted[row, end] -= roots + 1
    return np.cumsum(painted, axis=1)[:, :width].reshape(n, height, width).astype(np.int32)


def _join_runs(row: np.ndarray, start: np.ndarray, end: np.ndarray, height: int) -> np.ndarray:
    """Root run of each run [r]; runs are ordered by row, then by start."""
    parent = list(range(len(row)))

    def find(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    rows, starts, ends = row.tolist(), start.tolist(), end.tolist()
    above = 0
    for i in range(len(rows)):
        if rows[i] % height == 0:
            continue  # an image's first row has nothing above it
        while rows[above] < rows[i] - 1 or (rows[above] == rows[i] - 1 and ends[above] <= starts[i]):
            above += 1
        j = above
        while rows[j] == rows[i] - 1 and starts[j] < ends[i]:
            a, b = find(i), find(j)
            parent[max(a, b)] = min(a, b)
            j += 1
    return np.array([find(i) for i in range(len(parent))], np.int64)


def largest_component(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of labels int32 [h w]: mask bool [h w] of the largest component, and all sizes in falling order."""
    inside = labels[labels > 0]
    if not len(inside):
        return np.zeros(labels.shape, bool), np.zeros(0, np.int64)
    lowest = inside.min()
    sizes = np.bincount(inside - lowest)
    return labels == lowest + np.argmax(sizes), np.sort(sizes[sizes > 0])[::-1]


def _grow(mask: np.ndarray) -> np.ndarray:
    """One pixel of 8-connected dilation of bool [h w]."""
    tall = mask.copy()
    tall[1:] |= mask[:-1]
    tall[:-1] |= mask[1:]
    wide = tall.copy()
    wide[:, 1:] |= tall[:, :-1]
    wide[:, :-1] |= tall[:, 1:]
    return wide


def judge(masks: np.ndarray, *, min_instance: float = 0.02, min_area: float = 0.10) -> Verdict:
    """Apply the paper's filter to soft masks float [n h w]: one instance, and no small mask.

    An instance is a connected component of the mask above one half that covers at least `min_instance`
    of the image; an image is kept when it has exactly one, and that covers at least `min_area`.
    """
    masks = np.asarray(masks)
    labels = connected_components(masks > 0.5)
    pixels = masks.shape[1] * masks.shape[2]
    reasons, clean = [], np.zeros(masks.shape, np.uint8)
    counts, areas = np.zeros(len(masks), np.int32), np.zeros(len(masks))
    for i, (mask, label) in enumerate(zip(masks, labels, strict=True)):
        component, sizes = largest_component(label)
        counts[i] = (sizes >= min_instance * pixels).sum()
        areas[i] = sizes[0] / pixels if len(sizes) else 0.0
        clean[i] = np.round(255 * np.clip(mask, 0, 1) * _grow(component))
        reasons.append(_reason(counts[i], areas[i], min_area))
    return Verdict(reasons, clean, counts, areas)


def judge_detections(detections, *, min_instance: float = 0.02, min_area: float = 0.10) -> Verdict:
    """`judge` for a segmenter that tells instances apart: soft masks [k h w] per image, one per instance.

    Instances that touch are two here, where connected components see one. Those below `min_instance` of the
    image do not count; the mask is the largest one's.
    """
    reasons, clean, counts, areas = [], [], [], []
    for masks in detections:
        shares = (masks > 0.5).mean(axis=(1, 2)) if len(masks) else np.zeros(0)
        largest = masks[np.argmax(shares)] if len(masks) else np.zeros(masks.shape[1:])
        counts.append(int((shares >= min_instance).sum()))
        areas.append(float(shares.max(initial=0.0)))
        clean.append(np.round(255 * np.clip(largest, 0, 1)).astype(np.uint8))
        reasons.append(_reason(counts[-1], areas[-1], min_area))
    return Verdict(reasons, np.stack(clean), np.array(counts, np.int32), np.array(areas))


def judge_images(segmenter, images: np.ndarray, **thresholds: float) -> Verdict:
    """The filter on images uint8 [n h w 3]: by instances where the segmenter has `detect`, else by connected
    components of its masks. thresholds: those of `judge`. Masks of a few pictures at a time are held."""
    apart = hasattr(segmenter, "detect")
    find, decide, size = (segmenter.detect, judge_detections, 16) if apart else (segmenter, judge, 128)
    parts = [images[start : start + size] for start in range(0, len(images), size)]
    verdicts = asked_together(lambda part: decide(find(part), **thresholds), parts)
    reasons, *arrays = zip(*verdicts, strict=True)
    return Verdict([reason for part in reasons for reason in part], *map(np.concatenate, arrays))


def _reason(count: int, area: float, min_area: float) -> str:
    if count == 0:
        return NO_OBJECT
    if count > 1:
        return SEVERAL_INSTANCES
    return SMALL_MASK if area < min_area else KEPT
