"""How well a view code fixes the viewpoint, and a content code the object, at one split of the layers or all.

The paper observes that fixing w*_v fixes the camera (section 3.1, Appendix B) but gives no figure. Here the
viewpoint is circular statistics over a pose regressor's readings, so its held-out error bounds what it can
show; the object is the similarity of `identity.py`. What both hold of any other property are two-way shares
of its variance on a grid of views x contents.
"""

from __future__ import annotations

import numpy as np

from ganverse_jax.evaluation.cameras import circular_median, wrap_angle


def view_disentanglement(azimuths: np.ndarray) -> dict:
    """Figures (degrees) for regressed azimuths [views contents] in radians.

    per_view: circular median and spread of each row. within_view: the spreads' mean; within_15: share of
    readings within 15 degrees of their view's median (half a bin). across_views: the same spread over all
    readings pooled, what a view code that fixed nothing would give.
    """
    azimuths = np.asarray(azimuths, np.float64)
    if azimuths.ndim != 2 or 0 in azimuths.shape:
        raise ValueError(f"azimuths must be [views contents], got {azimuths.shape}")
    medians = np.array([circular_median(row) for row in azimuths]) % (2 * np.pi)
    deviations = np.abs(wrap_angle(azimuths - medians[:, None]))
    spreads = np.degrees(deviations.mean(axis=1))
    apart = np.abs(wrap_angle(azimuths - circular_median(azimuths.ravel()) % (2 * np.pi)))
    per_view = [{"median": float(np.degrees(m)), "spread": float(s)}
                for m, s in zip(medians, spreads, strict=True)]  # fmt: skip
    return {
        "within_view": float(spreads.mean()),
        "within_view_median": float(np.degrees(np.median(deviations))),
        "within_15": float((deviations <= np.radians(15)).mean()),
        "across_views": float(np.degrees(apart.mean())),
        "per_view": per_view,
    }


def identity_agreement(embeddings: np.ndarray) -> float:
    """How far a content code keeps its object while views vary, from unit vectors [views contents e].

    (s - r) / (1 - r): s is the mean cosine of pictures that share the content and differ in the view, r that
    of pictures that share neither. 1: the same picture; 0: no more alike than random pairs.
    """
    e = np.asarray(embeddings, np.float64)
    if e.ndim != 3 or min(e.shape[:2]) < 2:
        raise ValueError(f"embeddings must be [views contents e] with two of each, got {e.shape}")
    cosines = np.einsum("vce,wde->vwcd", e, e)
    other_view, same_content = ~np.eye(len(e), dtype=bool), np.eye(e.shape[1], dtype=bool)
    pairs = cosines[other_view]
    same, random = pairs[:, same_content].mean(), pairs[:, ~same_content].mean()
    return float((same - random) / max(1 - random, 1e-12))


def split_disentanglement(azimuths: np.ndarray, embeddings: np.ndarray) -> list[dict[str, float]]:
    """For every split k = 0, 1, ...: azimuth spread within a view code, identity agreement within a content.

    azimuths [splits views contents] in radians; embeddings [splits views contents e], unit vectors. The view
    code holds the first k rows of ws. azimuth_spread: mean distance (degrees) from the view's circular
    median; azimuth_spread_median: the median distance; within_15: share nearer than 15 degrees.
    """
    result = []
    for k, (angles, vectors) in enumerate(zip(azimuths, embeddings, strict=True)):
        figures = view_disentanglement(angles)
        result.append(
            {
                "view_layers": k,
                "azimuth_spread": figures["within_view"],
                "azimuth_spread_median": figures["within_view_median"],
                "within_15": figures["within_15"],
                "identity_agreement": identity_agreement(vectors),
            }
        )
    return result


def two_way_shares(values: np.ndarray) -> dict[str, float]:
    """Shares {"content", "view", "rest"} of the variance of values [views contents *d], which sum to 1.

    content: of the means over views; view: of the means over contents; rest: what neither explains alone
    (two-way analysis of variance without repetition). Raises ValueError for fewer than two of either, and
    where nothing varies.
    """
    x = np.asarray(values, np.float64).reshape(*values.shape[:2], -1)
    if min(x.shape[:2]) < 2:
        raise ValueError(f"values {values.shape} need two views and two contents at least")
    centred = x - x.mean(axis=(0, 1))
    total = np.square(centred).mean(axis=(0, 1)).sum()
    if not total > 0:
        raise ValueError("the values do not vary at all; nothing has a share of that")
    content = np.square(centred.mean(axis=0)).mean(axis=0).sum() / total
    view = np.square(centred.mean(axis=1)).mean(axis=0).sum() / total
    return {"content": float(content), "view": float(view), "rest": float(1 - content - view)}
