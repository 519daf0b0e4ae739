"""How near two sets of pictures are as distributions of features: Frechet distance, precision and recall.

Pure NumPy in float64 on features [n d] of any network; which network it was decides what the figure may be
called (FID only with Inception's, see image_features.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_ENTRIES = 1 << 24  # of a distance matrix held at once


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """|mu_a - mu_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of features [n d] and [m d] (arXiv:1706.08500).

    The trace of (C_a C_b)^(1/2) is that of (A C_b A)^(1/2) with A = C_a^(1/2), which is symmetric and
    positive: eigenvalues of symmetric matrices alone, no root of an unsymmetric product. Raises ValueError
    unless both sets have more samples than features (their covariance would be singular) and are finite.
    """
    a, b = _checked(a, b)
    for count, dimensions in (a.shape, b.shape):
        if count <= dimensions:
            raise ValueError(
                f"{count} samples of {dimensions} features have a singular covariance; take more than "
                f"{dimensions} images"
            )
    covariance_a, covariance_b = (np.cov(x, rowvar=False).reshape(x.shape[1], -1) for x in (a, b))
    values, vectors = np.linalg.eigh(covariance_a)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ covariance_b @ root).clip(0)).sum()
    means = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    # Rounding may leave a tiny negative number for equal sets.
    return float(max(means + np.trace(covariance_a) + np.trace(covariance_b) - 2 * cross, 0.0))


def precision_recall(real: np.ndarray, generated: np.ndarray, *, neighbours: int = 3) -> tuple[float, float]:
    """Shares of generated features inside the real manifold, and of real ones inside the generated one.

    A set's manifold is the union of balls around its members that reach to each one's k-th nearest neighbour
    in the set, k = `neighbours` (arXiv:1904.06991). real [n d], generated [m d]. Raises ValueError for fewer
    than k + 1 samples and for values that are not finite.
    """
    real, generated = _checked(real, generated)
    smallest = min(len(real), len(generated))
    if not 1 <= neighbours < smallest:
        raise ValueError(
            f"{neighbours} neighbours need more than {neighbours} samples in each set, got {smallest}"
        )
    return (
        float(_inside(generated, real, _radii(real, neighbours)).mean()),
        float(_inside(real, generated, _radii(generated, neighbours)).mean()),
    )


def _radii(x: np.ndarray, neighbours: int) -> np.ndarray:
    """Squared distance of each row to its k-th nearest other row [n]."""
    # Each row is nearest to itself, hence position k of the sorted ones.
    return np.concatenate(
        [np.partition(block, neighbours, axis=1)[:, neighbours] for block in _distances(x, x)]
    )


def _inside(x: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Whether each row of x lies in some ball [n] bool."""
    return np.concatenate([(block <= radii).any(axis=1) for block in _distances(x, centres)])


def _distances(x: np.ndarray, y: np.ndarray) -> Iterator[np.ndarray]:
    """Squared distances of blocks of rows of x to all of y."""
    norms, block = (y**2).sum(axis=1), max(1, _ENTRIES // len(y))
    for start in range(0, len(x), block):
        rows = x[start : start + block]
        yield ((rows**2).sum(axis=1)[:, None] + norms - 2 * rows @ y.T).clip(0)


def _checked(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or 0 in a.shape or 0 in b.shape:
        raise ValueError(f"features must be [n d] and [m d] of one network, got {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("features hold NaN or infinity; look at the images and the network's weights")
    return a, b
