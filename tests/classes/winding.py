"""Inside or outside of a closed mesh, for tests."""

import numpy as np


def winding(point: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> float:
    """Winding number of a closed mesh about a point (Van Oosterom and Strackee's solid angles)."""
    a, b, c = (vertices[faces[:, k]].astype(float) - point for k in range(3))
    la, lb, lc = (np.linalg.norm(x, axis=1) for x in (a, b, c))
    triple = np.einsum("fi,fi->f", a, np.cross(b, c))
    dots = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
    return float(2 * np.arctan2(triple, dots).sum() / (4 * np.pi))
