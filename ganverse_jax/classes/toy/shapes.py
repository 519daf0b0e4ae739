"""Closed building blocks of toy objects: lofted tubes and rounded boxes, built for n objects at once."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np


class Topology(NamedTuple):
    """Connectivity of one closed part: faces [f 3], winding outward, and where each face sits in its loft.

    `ring` and `column` [f] locate a face of a tube (ring -1: first cap, ring `rings` - 1: last cap);
    both are zero for a rounded box.
    """

    faces: np.ndarray
    ring: np.ndarray
    column: np.ndarray


class Part(NamedTuple):
    """A closed part inside the common mesh: name, half-open vertex and face ranges."""

    name: str
    vertices: slice
    faces: slice


def assemble(entries: Iterable[tuple[str, Topology, int]]) -> tuple[np.ndarray, tuple[Part, ...]]:
    """Faces [f 3] int32 of one mesh of parts (name, topology, number of vertices), and where each part is."""
    parts, faces, v, f = [], [], 0, 0
    for name, topology, count in entries:
        parts.append(Part(name, slice(v, v + count), slice(f, f + len(topology.faces))))
        faces.append(topology.faces + v)
        v, f = v + count, f + len(topology.faces)
    return np.concatenate(faces).astype(np.int32), tuple(parts)


def tube(rings: int, columns: int) -> Topology:
    """Tube of `rings` x `columns` vertices (ring-major), both ends closed by fans.

    Rings advance along an axis, columns turn right-handed about it; the winding is then outward.
    """
    ring, column = (a.ravel() for a in np.meshgrid(np.arange(rings - 1), np.arange(columns), indexing="ij"))
    nxt = (column + 1) % columns
    a, b, c, d = (
        ring * columns + column,
        ring * columns + nxt,
        (ring + 1) * columns + nxt,
        (ring + 1) * columns + column,
    )
    # The diagonal flips between the halves so that mirrored shapes get mirrored triangles.
    flip = (column >= columns // 2)[:, None]
    first = np.where(flip, np.stack([a, b, d], -1), np.stack([a, b, c], -1))
    second = np.where(flip, np.stack([b, c, d], -1), np.stack([a, c, d], -1))
    # Caps are zig-zag strips between mirrored columns, not fans: better-shaped triangles.
    left, right, cap = 0, columns - 1, []
    while right - left > 1:
        cap += [(left, left + 1, right)] + ([(left + 1, right - 1, right)] if right - left > 2 else [])
        left, right = left + 1, right - 1
    cap = np.array(cap)
    faces = np.concatenate([first, second, cap[:, ::-1], cap + (rings - 1) * columns])
    ends = np.repeat([-1, rings - 1], len(cap))
    return Topology(
        faces.astype(np.int32),
        np.concatenate([ring, ring, ends]),
        np.concatenate([column, column, np.zeros(2 * len(cap), int)]),
    )


def flipped(topology: Topology) -> Topology:
    """The same part with opposite winding, for mirrored vertices."""
    return topology._replace(faces=topology.faces[:, ::-1])


def _box_signs() -> np.ndarray:
    return np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)


def rounded_box() -> Topology:
    """Box with bevelled edges and corners: 24 vertices, 44 faces (6 sides, 12 edges, 8 corners)."""
    unit = box_vertices(np.zeros((1, 3)), np.ones((1, 3)), np.full(1, 0.3))[0]
    signs = _box_signs().astype(int)
    vertex = {(tuple(s), axis): 3 * i + axis for i, s in enumerate(signs) for axis in range(3)}
    polygons = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for side in (-1, 1):
            loop = []
            for p, q in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                corner = [0, 0, 0]
                corner[axis], corner[u], corner[v] = side, p, q
                loop.append(vertex[tuple(corner), axis])
            polygons.append(loop)
        for p, q in ((-1, -1), (1, -1), (1, 1), (-1, 1)):  # the edge along `axis`, between sides u and v
            ends = []
            for side in (-1, 1):
                corner = [0, 0, 0]
                corner[axis], corner[u], corner[v] = side, p, q
                ends.append(tuple(corner))
            polygons.append([vertex[ends[0], u], vertex[ends[1], u], vertex[ends[1], v], vertex[ends[0], v]])
    polygons += [[3 * i, 3 * i + 1, 3 * i + 2] for i in range(8)]
    faces = np.array([[p[0], p[k], p[k + 1]] for p in polygons for k in range(1, len(p) - 1)], np.int32)
    a, b, c = (unit[faces[:, k]] for k in range(3))
    inward = np.sum(np.cross(b - a, c - a) * (a + b + c), -1) < 0
    faces[inward] = faces[inward][:, ::-1]
    zero = np.zeros(len(faces), int)
    return Topology(faces, zero, zero)


def box_vertices(center: np.ndarray, half: np.ndarray, bevel: np.ndarray) -> np.ndarray:
    """Vertices [n 24 3] of rounded boxes: centre [n 3], half sizes [n 3], bevel [n] as a share of them."""
    signs = _box_signs()[:, None, :]
    keep = np.eye(3)[None] + (1 - np.eye(3)[None]) * (1 - bevel[:, None, None])  # [n 3 3]
    return center[:, None] + (signs[None] * keep[:, None] * half[:, None, None]).reshape(len(center), 24, 3)


def mirror_columns(half_section: np.ndarray) -> np.ndarray:
    """Close a half section [... k 3] (x >= 0) into the full ring [... 2k 3] by mirroring x, in reverse."""
    return np.concatenate([half_section, half_section[..., ::-1, :] * np.array([-1.0, 1.0, 1.0])], axis=-2)


def polyline(z: np.ndarray, knots_z: np.ndarray, knots_y: np.ndarray) -> np.ndarray:
    """Piecewise linear y at z [n s] through ascending knots [n k], constant outside."""
    y = knots_y[:, :1] + np.zeros_like(z)
    for k in range(knots_z.shape[1] - 1):
        step = np.maximum(knots_z[:, k + 1 : k + 2] - knots_z[:, k : k + 1], 1e-6)
        rise = knots_y[:, k + 1 : k + 2] - knots_y[:, k : k + 1]
        y = y + rise * np.clip((z - knots_z[:, k : k + 1]) / step, 0.0, 1.0)
    return y


def signed_volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Volume enclosed by a closed mesh (divergence theorem); positive for outward winding."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.sum(a * np.cross(b, c)) / 6.0)
