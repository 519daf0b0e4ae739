"""What the page's viewer receives of a .glb."""

import base64
import errno
import io

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.pages import meshes
from ganverse_jax.pages.markup import ReportError
from ganverse_jax.pages.pictures import Pictures
from tests.pages.made import write_mesh


def decode(text: str, dtype: str, columns: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype).reshape(-1, columns)


def test_geometry_survives_up_to_quantisation(tmp_path):
    write_mesh(tmp_path / "a.glb")
    mesh = meshes.load_mesh(tmp_path / "a.glb", Pictures(256))
    position = decode(mesh["position"], "<i2", 3) / 32767
    expected = np.array([[0, 1, 0], [1, -1, 0], [-1, -1, 1], [-1, -1, -1]])
    # 16 bits over [-1, 1]: half a step is 1.5e-5
    np.testing.assert_allclose(position[decode(mesh["face"], "<u2", 3)[0]], expected[[0, 2, 1]], atol=2e-5)
    assert (mesh["vertices"], mesh["faces"], len(decode(mesh["edge"], "<u2", 2))) == (4, 4, 6)


def test_the_texture_stays_the_right_way_up(tmp_path):
    write_mesh(tmp_path / "a.glb")
    mesh = meshes.load_mesh(tmp_path / "a.glb", Pictures(256, 95))
    uv, picture = decode(mesh["uv"], "<f4", 2), mesh["texture"].split(",")[1]
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB"))
    top = decode(mesh["position"], "<i2", 3)[:, 1].argmax()
    # uv counts from the bottom, rows from the top; the tetrahedron's tip lies in the red upper half
    row = image[int((1 - uv[top, 1]) * image.shape[0]), image.shape[1] // 2]
    assert row[0] > 200 and row[2] < 60


def test_normals_point_outwards_and_ignore_seams():
    positions = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    normals = meshes.vertex_normals(positions, np.array([[0, 1, 2], [3, 4, 5]]))
    np.testing.assert_allclose(normals, np.tile([0, 0, 1], (6, 1)), atol=1e-12)
    lifted = positions.copy()
    lifted[4, 2] = 1.0
    bent = meshes.vertex_normals(lifted, np.array([[0, 1, 2], [3, 4, 5]]))
    # vertices 1 and 3, 2 and 5 are the same places on both sides of a seam
    np.testing.assert_allclose(bent[[1, 2]], bent[[3, 5]], atol=1e-12)


def test_a_mesh_without_texture_is_shown_plain(tmp_path):
    write_mesh(tmp_path / "plain.glb", texture=False)
    assert meshes.load_mesh(tmp_path / "plain.glb", Pictures())["texture"] is None


def test_texture_sides_become_powers_of_two():
    assert meshes._power_of_two(Image.new("RGB", (100, 60))).size == (128, 64)
    assert meshes._power_of_two(Image.new("RGB", (2048, 1024))).size == (256, 256)


def test_too_many_vertices_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(meshes, "MAX_VERTICES", 3)
    write_mesh(tmp_path / "large.glb")
    with pytest.raises(ReportError, match="large.glb has 4 vertices"):
        meshes.load_mesh(tmp_path / "large.glb", Pictures())


def test_a_damaged_file_is_named_and_a_fault_of_the_machine_goes_past(tmp_path, monkeypatch):
    write_mesh(tmp_path / "a.glb")
    whole = (tmp_path / "a.glb").read_bytes()
    for content in (whole[:40], b"", b"hello", whole[:20] + b"x" + whole[21:]):
        (tmp_path / "a.glb").write_bytes(content)
        with pytest.raises(
            ReportError, match=r"a\.glb is no readable glTF binary: .*delete it, run what made it again"
        ):
            meshes.load_mesh(tmp_path / "a.glb", Pictures())

    def refuse(*arguments, **options):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("trimesh.load", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        meshes.load_mesh(tmp_path / "a.glb", Pictures())
