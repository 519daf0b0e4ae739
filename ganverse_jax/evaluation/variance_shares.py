"""What two codes hold of a property: two-way shares of its variance on a grid of views x contents."""

import numpy as np


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
