"""Meshes as files: what is read back, how often v is turned round, and what errors say."""

import numpy as np
import pytest

import rasterizer
from ganverse_jax.scene.files import TexturedMesh, write_mesh
from tests.scene.mesh_reader import glb_contents, read_mesh


def textured(level=1):
    mesh = rasterizer.icosphere(level)
    texture = np.zeros((8, 16, 3), np.float32)
    texture[:4] = [1, 0, 0]  # the top half, v > 1/2, is red
    texture[4:] = [0, 0, 1]
    return TexturedMesh(*(np.asarray(leaf) for leaf in mesh), texture)


def sampled_corners(mesh):
    """The texture's colour at each face corner, with the corner's height."""
    uv = mesh.uv[mesh.uv_faces]
    rows = ((1 - uv[..., 1]) * mesh.texture.shape[0]).astype(int).clip(0, mesh.texture.shape[0] - 1)
    columns = (uv[..., 0] * mesh.texture.shape[1]).astype(int) % mesh.texture.shape[1]
    return mesh.texture[rows, columns], mesh.vertices[mesh.faces][..., 1]


@pytest.mark.parametrize("suffix", [".glb", ".obj"])
def test_a_mesh_comes_back_with_its_surface_and_colours(tmp_path, suffix):
    mesh = textured()
    back = read_mesh(write_mesh(tmp_path / f"car{suffix}", mesh))
    assert len(back.faces) == len(mesh.faces)
    # float32 in GLB, seven digits in OBJ.
    np.testing.assert_allclose(
        back.vertices[back.faces].mean(axis=1), mesh.vertices[mesh.faces].mean(axis=1), atol=1e-6
    )
    np.testing.assert_allclose(back.uv[back.uv_faces], mesh.uv[mesh.uv_faces], atol=1e-6)
    colour, height = sampled_corners(back)
    assert (colour[height > 0.2] == [1, 0, 0]).all()
    assert (colour[height < -0.2] == [0, 0, 1]).all()


def test_glb_counts_v_from_the_top_exactly_once(tmp_path):
    mesh = textured()
    head, accessor = glb_contents(write_mesh(tmp_path / "car.glb", mesh))
    attributes = head["meshes"][0]["primitives"][0]["attributes"]
    position, uv = accessor(attributes["POSITION"], 3), accessor(attributes["TEXCOORD_0"], 2)
    # The north pole has v = 1 inside, so it must read 0 in the file, and the picture's first row is red.
    np.testing.assert_allclose(uv[:, 1], 0.5 - np.arcsin(position[:, 1]) / np.pi, atol=1e-6)


def test_an_obj_stays_closed(tmp_path):
    mesh = textured()
    lines = write_mesh(tmp_path / "car.obj", mesh).read_text().splitlines()
    assert sum(line.startswith("v ") for line in lines) == len(mesh.vertices)
    assert sum(line.startswith("vt ") for line in lines) == len(mesh.uv)


def test_two_meshes_in_one_folder_keep_their_own_materials(tmp_path):
    red = textured()
    blue = red._replace(texture=np.zeros_like(red.texture) + np.array([0, 0, 1], np.float32))
    for name, mesh in (("a b", red), ("a_b", blue), ("c", blue)):
        write_mesh(tmp_path / f"{name}.obj", mesh)
    assert read_mesh(tmp_path / "a b.obj").texture[0, 0].tolist() == [1, 0, 0]
    for name in ("a_b", "c"):
        assert read_mesh(tmp_path / f"{name}.obj").texture[0, 0].tolist() == [0, 0, 1]


def test_unknown_suffix_names_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match=r"'.ply' is none of"):
        write_mesh(tmp_path / "car.ply", textured())


def test_values_that_are_not_finite_are_refused(tmp_path):
    mesh = textured()
    broken = mesh._replace(vertices=mesh.vertices * np.nan)
    with pytest.raises(ValueError, match="vertices holds values that are not finite"):
        write_mesh(tmp_path / "car.glb", broken)
