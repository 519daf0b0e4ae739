"""The mesh every prediction deforms: an icosphere stretched to an ellipsoid, its mirror map, its smooth
modes."""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import rasterizer


class MeshTemplate(NamedTuple):
    """vertices [v 3], faces [f 3], uv [t 2], uv_faces [f 3]; mirror [v]: each vertex's image under x -> -x;
    modes [v m]: a basis for displacements (see `smooth_modes`), or None for free vertices."""

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    uv_faces: np.ndarray
    mirror: np.ndarray
    modes: np.ndarray | None


@functools.lru_cache(maxsize=8)
def mesh_template(
    level: int, scale: tuple[float, float, float] = (1.0, 1.0, 1.0), degree: int | None = None
) -> MeshTemplate:
    """The icosphere of `level` with semi-axes `scale` along x, y, z.

    degree: the highest degree of the smooth modes that span the displacements; None leaves every vertex free.
    """
    with jax.ensure_compile_time_eval():  # the first call may come from inside a trace
        mesh = rasterizer.icosphere(level)
    unit = np.asarray(mesh.vertices, np.float32)
    faces = np.asarray(mesh.faces, np.int32)
    modes = None if degree is None else smooth_modes(unit, degree)
    return MeshTemplate(
        vertices=unit * np.asarray(scale, np.float32),
        faces=faces,
        uv=np.asarray(mesh.uv, np.float32),
        uv_faces=np.asarray(mesh.uv_faces, np.int32),
        mirror=mirror_map(unit),
        modes=modes,
    )


def mirror_map(vertices: np.ndarray, tolerance: float = 1e-4) -> np.ndarray:
    """For each vertex [v 3] the id of the vertex at (-x, y, z).

    Raises ValueError when a vertex has no partner within `tolerance`.
    """
    mirrored = vertices * np.asarray([-1, 1, 1], vertices.dtype)
    distance = ((mirrored[:, None] - vertices[None]) ** 2).sum(axis=-1)
    partner = distance.argmin(axis=1).astype(np.int32)
    worst = float(np.sqrt(distance[np.arange(len(vertices)), partner].max()))
    if worst > tolerance:
        raise ValueError(
            f"a vertex misses its mirror image by {worst:.2g}; the template must be symmetric in x"
        )
    return partner


def smooth_modes(directions: np.ndarray, degree: int) -> np.ndarray:
    """Real spherical harmonics up to `degree` at unit directions [v 3]: [v (degree + 1)^2], slowest first.

    Each has unit root-mean-square over the sphere, divided by 1 + its degree. A network that predicts
    coefficients (and Adam, which moves each at the same speed) thus settles position, size and proportions
    before details. A formula, and not eigenvectors of the mesh, since an icosphere's are degenerate: a
    solver may return any rotation of them, and saved weights would mean another shape on another machine.
    """
    x, y, z = np.asarray(directions, np.float64).T
    cosines, sines = [np.ones_like(x)], [np.zeros_like(x)]  # Re and Im of (x + i z)^m, the pole along y
    for _ in range(degree):
        cosines, sines = (
            [*cosines, x * cosines[-1] - z * sines[-1]],
            [*sines, x * sines[-1] + z * cosines[-1]],
        )
    columns = []
    for n in range(degree + 1):
        for m in range(-n, n + 1):
            around = cosines[m] if m >= 0 else sines[-m]
            columns.append(_legendre(n, abs(m), y) * around / (1.0 + n))
    return np.stack(columns, axis=1).astype(np.float32)


def _legendre(n: int, m: int, y: np.ndarray) -> np.ndarray:
    """P_n^m(y) / (1 - y^2)^(m/2), scaled so that its real harmonic has mean square 1 over the sphere."""
    previous, current = np.zeros_like(y), np.full_like(y, float(np.prod(np.arange(1.0, 2 * m, 2))))
    for k in range(m + 1, n + 1):
        previous, current = current, ((2 * k - 1) * y * current - (k + m - 1) * previous) / (k - m)
    ratio = math.factorial(n - m) / math.factorial(n + m)
    return current * np.sqrt((2 * n + 1) * ratio * (1 if m == 0 else 2))


def symmetrise(displacements, mirror: np.ndarray):
    """The left-right symmetric part of displacements [b v 3]: mirrored vertices get mirrored
    displacements."""
    flipped = displacements[:, mirror] * jnp.asarray([-1, 1, 1], displacements.dtype)
    return 0.5 * (displacements + flipped)
