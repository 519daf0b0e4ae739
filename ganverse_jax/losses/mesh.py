"""Shape terms of Eq. 1 (arXiv:2010.09125): Laplacian, flatten and movement, as unweighted means.

What depends on the connectivity alone is worked out once, in NumPy, by `mesh_topology`.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class MeshTopology(NamedTuple):
    """Connectivity of one triangle mesh.

    edges [e 2]: vertex pairs, each inner edge once (border edges have one face and are left out);
    edge_faces [e 2]: the two faces that share it; neighbours [v n]: vertex ids, padded with the vertex's
    own id; neighbour_weights [v n]: 1 / valence for real entries, 0 for padding; faces [f 3].
    """

    faces: np.ndarray
    edges: np.ndarray
    edge_faces: np.ndarray
    neighbours: np.ndarray
    neighbour_weights: np.ndarray


def mesh_topology(faces: np.ndarray, num_vertices: int) -> MeshTopology:
    """Edges, their two faces, and the neighbours of every vertex.

    faces [f 3] int. Raises ValueError when an edge has three faces or more (the flatten term pairs two).
    """
    faces = np.asarray(faces, np.int32)
    half_edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    face_of = np.tile(np.arange(len(faces), dtype=np.int32), 3)
    order = np.lexsort((half_edges[:, 1], half_edges[:, 0]))
    half_edges, face_of = half_edges[order], face_of[order]
    edges, first, counts = np.unique(half_edges, axis=0, return_index=True, return_counts=True)
    if counts.max() > 2:
        edge = edges[counts.argmax()].tolist()
        raise ValueError(f"edge {edge} has {counts.max()} faces; the mesh must be a manifold (at most 2)")
    inner = counts == 2
    edge_faces = np.stack([face_of[first[inner]], face_of[first[inner] + 1]], axis=1)
    neighbours, weights = _neighbour_table(edges, num_vertices)
    return MeshTopology(faces, edges[inner], edge_faces, neighbours, weights)


def _neighbour_table(edges: np.ndarray, num_vertices: int) -> tuple[np.ndarray, np.ndarray]:
    directed = np.concatenate([edges, edges[:, ::-1]])
    directed = directed[np.lexsort((directed[:, 1], directed[:, 0]))]
    valence = np.bincount(directed[:, 0], minlength=num_vertices)
    slot = np.arange(len(directed)) - np.concatenate([[0], np.cumsum(valence)])[directed[:, 0]]
    neighbours = np.repeat(np.arange(num_vertices, dtype=np.int32)[:, None], max(valence.max(), 1), axis=1)
    weights = np.zeros(neighbours.shape, np.float32)
    neighbours[directed[:, 0], slot] = directed[:, 1]
    weights[directed[:, 0], slot] = 1.0 / valence[directed[:, 0]]
    return neighbours, weights


def laplacian_loss(displacements: Float[Array, "b v 3"], topology: MeshTopology) -> Float[Array, ""]:
    """L_lap: the mean over vertices of ||mean of the neighbours' displacement - own displacement||^2.

    On displacements and not on positions (DIB-R's own code does so): a template is not pulled to a point.
    """
    weights = jnp.asarray(topology.neighbour_weights, displacements.dtype)[:, :, None]
    neighbour_mean = (displacements[:, topology.neighbours] * weights).sum(axis=2)
    has_neighbours = weights.sum(axis=1) > 0
    difference = jnp.where(has_neighbours, neighbour_mean - displacements, 0.0)
    return (difference**2).sum(axis=-1).mean()


def face_normals_safe(vertices: Float[Array, "b v 3"], faces: np.ndarray) -> Float[Array, "b f 3"]:
    """Unit face normals; a zero-area face gives the zero vector with zero gradient."""
    corner = vertices[:, faces]
    cross = jnp.cross(corner[:, :, 1] - corner[:, :, 0], corner[:, :, 2] - corner[:, :, 0])
    squared = (cross**2).sum(axis=-1, keepdims=True)
    is_flat = squared <= 1e-24
    return jnp.where(is_flat, 0.0, cross / jnp.sqrt(jnp.where(is_flat, 1.0, squared)))


def flatten_loss(vertices: Float[Array, "b v 3"], topology: MeshTopology) -> Float[Array, ""]:
    """L_sm: the mean over inner edges of (n1 . n2 - 1)^2, n1 and n2 the unit normals of the edge's two
    faces."""
    normals = face_normals_safe(vertices, topology.faces)
    cosine = (normals[:, topology.edge_faces[:, 0]] * normals[:, topology.edge_faces[:, 1]]).sum(axis=-1)
    return ((cosine - 1.0) ** 2).mean()


def movement_loss(displacements: Float[Array, "b v 3"]) -> Float[Array, ""]:
    """L_mov: the mean over vertices of ||displacement||^2.

    The paper asks for a deformation that is "uniform and small" and gives no formula. The square is taken
    (CMR has the plain norm): it prefers many small moves to one large one, and it is smooth at zero, where
    the head starts.
    """
    return (displacements**2).sum(axis=-1).mean()
