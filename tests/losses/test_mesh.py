"""Mesh losses against values worked out by hand, and their gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import rasterizer
from ganverse_jax.losses import mesh as losses

TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
TETRAHEDRON_VERTICES = jnp.array([[[1, 1, 1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]]], jnp.float32)


@pytest.fixture(scope="module")
def sphere():
    mesh = rasterizer.icosphere(1)
    return np.asarray(mesh.vertices), losses.mesh_topology(np.asarray(mesh.faces), len(mesh.vertices))


def test_topology_of_an_icosphere_meets_euler(sphere):
    vertices, topology = sphere
    assert len(vertices) - len(topology.edges) + len(topology.faces) == 2
    assert len(topology.edges) == 120  # 3/2 of 80 faces


def test_both_faces_of_an_edge_hold_it(sphere):
    _, topology = sphere
    for edge, pair in zip(topology.edges, topology.edge_faces, strict=True):
        assert pair[0] != pair[1]
        assert all(set(edge) <= set(topology.faces[face]) for face in pair)


def test_neighbours_are_the_other_ends_of_the_edges(sphere):
    _, topology = sphere
    for vertex in range(len(topology.neighbours)):
        real = topology.neighbours[vertex][topology.neighbour_weights[vertex] > 0]
        ends = {int(e) for edge in topology.edges if vertex in edge for e in edge} - {vertex}
        assert set(real.tolist()) == ends


def test_border_edges_of_an_open_mesh_have_no_flatten_term():
    topology = losses.mesh_topology(np.array([[0, 1, 2], [2, 1, 3]]), 4)
    np.testing.assert_array_equal(topology.edges, [[1, 2]])


def test_an_edge_of_three_faces_is_refused():
    with pytest.raises(ValueError, match=r"edge \[0, 1\] has 3 faces"):
        losses.mesh_topology(np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]]), 5)


def test_laplacian_of_a_common_move_is_zero(sphere):
    vertices, topology = sphere
    moved = jnp.broadcast_to(jnp.array([0.3, -2.0, 1.0]), (2, len(vertices), 3))
    np.testing.assert_allclose(losses.laplacian_loss(moved, topology), 0, atol=1e-12)  # rounding of means


def test_laplacian_of_one_moved_tetrahedron_corner():
    topology = losses.mesh_topology(TETRAHEDRON, 4)
    displacements = jnp.zeros((1, 4, 3)).at[0, 0, 0].set(3.0)
    # Own vertex: mean of neighbours 0 minus 3 -> 9. The three others: 3/3 minus 0 -> 1 each. Mean of 4: 3.
    np.testing.assert_allclose(losses.laplacian_loss(displacements, topology), 3.0, rtol=1e-6)


def test_flatten_of_a_regular_tetrahedron_is_sixteen_ninths():
    topology = losses.mesh_topology(TETRAHEDRON, 4)
    # Normals meet at cos = -1/3: (-1/3 - 1)^2.
    np.testing.assert_allclose(losses.flatten_loss(TETRAHEDRON_VERTICES, topology), 16 / 9, rtol=1e-5)


def test_flatten_of_a_plane_is_zero():
    topology = losses.mesh_topology(np.array([[0, 1, 2], [2, 1, 3]]), 4)
    plane = jnp.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]]], jnp.float32)
    np.testing.assert_allclose(losses.flatten_loss(plane, topology), 0, atol=1e-12)


def test_collapsed_faces_give_finite_gradients():
    topology = losses.mesh_topology(TETRAHEDRON, 4)
    gradient = jax.jit(jax.grad(lambda x: losses.flatten_loss(x, topology)))(jnp.zeros((1, 4, 3)))
    assert np.isfinite(gradient).all()


def test_movement_is_the_mean_squared_length():
    displacements = jnp.array([[[3.0, 4.0, 0.0], [0.0, 0.0, 0.0]]])
    np.testing.assert_allclose(losses.movement_loss(displacements), 12.5, rtol=1e-6)


def test_no_movement_has_no_gradient():
    np.testing.assert_array_equal(jax.grad(losses.movement_loss)(jnp.zeros((1, 5, 3))), 0)


@pytest.mark.parametrize("name", ["laplacian_loss", "flatten_loss"])
def test_gradients_match_finite_differences(name, sphere):
    vertices, topology = sphere
    noise = np.random.default_rng(0).normal(size=(1, *vertices.shape)).astype(np.float32)
    point = jnp.asarray(vertices[None] + 0.1 * noise)
    # Float32 differences of a smooth loss of order 1: 1e-2 is the usual accuracy at eps 1e-2.
    loss = jax.jit(lambda x: getattr(losses, name)(x, topology))
    check_grads(loss, (point,), 1, ["rev"], eps=1e-2, rtol=2e-2, atol=2e-2)
