"""Whether two pictures show the same object, whatever the viewpoint: a measure learned from exact pairs.

Renders of one object from many cameras share paint and body and differ by camera; linear discriminant
analysis (Fisher 1936) finds the directions of a feature space that tell objects apart most, in closed form.
The similarity of two pictures is the cosine between their projections: 1 for equal ones, about 0 for two
random objects, and for one from two cameras what `verify` measures on objects the fit has not seen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Identity(NamedTuple):
    """Features [n d] to unit vectors [n e]: minus `mean` [d], times `projection` [d e], normalised."""

    mean: np.ndarray
    projection: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        projected = (np.asarray(features, np.float64) - self.mean) @ self.projection
        return projected / np.maximum(np.linalg.norm(projected, axis=-1, keepdims=True), 1e-12)


def fit_identity(
    features: np.ndarray, objects: np.ndarray, *, dimensions: int = 16, shrinkage: float = 0.02
) -> Identity:
    """Fit to features [n d] of pictures of `objects` [n] (numbers), several of each.

    shrinkage: share of an isotropic matrix in the within-object covariance, which keeps it invertible.
    Raises ValueError for fewer than `dimensions` + 1 objects, or when no object has two pictures.
    """
    features = np.asarray(features, np.float64)
    _, rows, counts = np.unique(objects, return_inverse=True, return_counts=True)
    if len(counts) <= dimensions or counts.max() < 2:
        raise ValueError(
            f"{len(counts)} objects with at most {counts.max()} pictures each do not fix {dimensions} "
            "directions; render more"
        )
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    x = (features - mean) / scale
    centres = np.zeros((len(counts), x.shape[1]))
    np.add.at(centres, rows, x)
    centres /= counts[:, None]
    within, between = np.cov(x - centres[rows], rowvar=False), np.cov(centres, rowvar=False)
    size = len(within)
    within = (1 - shrinkage) * within + shrinkage * np.trace(within) / size * np.eye(size)
    values, vectors = np.linalg.eigh(within)
    whiten = vectors / np.sqrt(values)
    _, directions = np.linalg.eigh(whiten.T @ between @ whiten)
    return Identity(mean, whiten @ directions[:, ::-1][:, :dimensions] / scale[:, None])


def verify(embeddings: np.ndarray, objects: np.ndarray) -> dict[str, float]:
    """How well unit vectors [n e] of pictures of `objects` [n] tell objects apart.

    same, different: mean similarity of two pictures of one object, of two; auc: chance that a pair of one
    object is more alike than a pair of two.
    """
    similarity, objects = embeddings @ embeddings.T, np.asarray(objects)
    pairs = np.triu(np.ones(similarity.shape, bool), 1)
    equal = objects[:, None] == objects
    same, different = np.sort(similarity[pairs & equal]), np.sort(similarity[pairs & ~equal])
    if not len(same) or not len(different):
        raise ValueError("a verification needs pairs of one object and pairs of two; render more")
    auc = np.searchsorted(different, same).mean() / len(different)
    return {"same": float(same.mean()), "different": float(different.mean()), "auc": float(auc)}
