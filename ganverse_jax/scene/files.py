"""Textured meshes as files: GLB (glTF 2.0) and OBJ.

Inside, UV has its origin bottom-left and a texture's row 0 is its top (v = 1), like a picture's. OBJ
agrees; glTF counts v from the top, so v is turned round on the way to GLB: once, as tests/scene/test_files.py
reads from the raw bytes.
"""

import hashlib
import io
import os
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

import jax
import numpy as np
from PIL import Image

import rasterizer
from ganverse_jax.runtime.checkpoint import write_atomic, write_text
from ganverse_jax.scene.gltf import glb_bytes
from ganverse_jax.scene.meshes import PredictedMeshes
from ganverse_jax.scene.pinhole import Pinhole

_vertex_normals = jax.jit(rasterizer.compute_vertex_normals)
FORMATS = (".glb", ".obj")
# Of a .glb. "unlit" shows the texture's own colours, which hold the light of the pictures that it was learned
# from, as our renders do; "rough" is matt, and lit by the viewer.
Material = Literal["unlit", "rough"]
_MAX_NAME = 160  # letters of a material's, where each of a stem's bytes may take three


class TexturedMesh(NamedTuple):
    """vertices [v 3], faces [f 3] into them, uv [t 2] (origin bottom-left), uv_faces [f 3] into uv,
    texture [th tw 3] in [0, 1], row 0 on top."""

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    uv_faces: np.ndarray
    texture: np.ndarray


def textured_mesh(meshes: PredictedMeshes, row: int) -> TexturedMesh:
    """One of the meshes, without its light."""
    return TexturedMesh(meshes.vertices[row], meshes.faces, meshes.uv, meshes.uv_faces, meshes.texture[row])


def write_mesh(
    path: str | Path, mesh: TexturedMesh, material: Material = "unlit", camera: Pinhole | None = None
) -> Path:
    """Write a mesh as .glb (one file, with smooth normals) or .obj (with <stem>.mtl and <stem>.png beside
    it), by the path's suffix.

    The material is named after the file, so that many meshes can share a folder or a scene. camera: a node of
    the .glb, which is as wide as the picture of a camera whose principal point is in the middle (glTF has no
    other).
    Raises ValueError for another suffix, for shapes that do not fit and for values that are not finite.
    """
    path = Path(path)
    _check(mesh)
    if path.suffix.lower() == ".glb":
        content = _glb_bytes(mesh, _material_name(path), material, camera)
        write_atomic(path, lambda temporary: temporary.write_bytes(content))
    elif path.suffix.lower() == ".obj":
        _write_obj(path, mesh)
    else:
        raise ValueError(f"{path}: {path.suffix!r} is none of {FORMATS}")
    return path


def _check(mesh: TexturedMesh) -> None:
    shapes = {name: np.shape(value) for name, value in mesh._asdict().items()}
    fits = (
        all(shapes[name][1:] == (3,) for name in ("vertices", "faces", "uv_faces"))
        and shapes["uv"][1:] == (2,)
        and shapes["faces"] == shapes["uv_faces"]
        and shapes["texture"][2:] == (3,)
    )
    if not fits:
        raise ValueError(
            f"{shapes}: wanted vertices [v 3], faces and uv_faces [f 3], uv [t 2], texture [th tw 3]"
        )
    for name in ("vertices", "uv", "texture"):
        if not np.isfinite(getattr(mesh, name)).all():
            raise ValueError(f"{name} holds values that are not finite; the prediction diverged")


def _material_name(path: Path) -> str:
    """The stem without spaces, which .mtl cannot quote, and without %, which viewers decode: a name of its
    own for every stem, which a file can have too."""
    stem = os.fsencode(path.stem)
    name = quote(stem, safe="").replace("%", "=") or "mesh"
    return name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}={hashlib.sha256(stem).hexdigest()[:16]}"


def texture_picture(mesh: TexturedMesh) -> Image.Image:
    """The texture, row 0 on top."""
    return Image.fromarray((np.clip(mesh.texture, 0, 1) * 255 + 0.5).astype(np.uint8))


def _png(mesh: TexturedMesh) -> bytes:
    buffer = io.BytesIO()
    texture_picture(mesh).save(buffer, "PNG")
    return buffer.getvalue()


def one_index_list(mesh: TexturedMesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows of vertices [n], rows of uv [n], faces [f 3] into them), as viewers want it: a vertex on the seam
    becomes two, one per UV."""
    pairs = np.stack([mesh.faces, mesh.uv_faces], axis=-1).reshape(-1, 2)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    return unique[:, 0], unique[:, 1], inverse.reshape(-1, 3)


def _glb_bytes(mesh: TexturedMesh, name: str, material: Material, camera: Pinhole | None) -> bytes:
    vertices, uv, faces = one_index_list(mesh)
    attributes = {
        "POSITION": np.asarray(mesh.vertices)[vertices],
        "NORMAL": _smooth_normals(mesh)[vertices],
        "TEXCOORD_0": np.asarray(mesh.uv)[uv] * (1.0, -1.0) + (0.0, 1.0),
    }
    return glb_bytes(name, faces, attributes, _png(mesh), unlit=material == "unlit", camera=camera)


def _smooth_normals(mesh: TexturedMesh) -> np.ndarray:
    """Unit normals [v 3]; where no face has an area, upwards, since glTF has no normal of length 0."""
    normals = np.array(_vertex_normals(np.asarray(mesh.vertices)[None], mesh.faces)[0])
    normals[~normals.any(axis=1)] = (0.0, 1.0, 0.0)
    return normals


def _write_obj(path: Path, mesh: TexturedMesh) -> None:
    """Positions and UV keep their own index lists, so the mesh stays closed."""
    name = _material_name(path)
    lines = [f"mtllib {name}.mtl", f"o {name}", f"usemtl {name}"]
    lines += [f"v {x:.7g} {y:.7g} {z:.7g}" for x, y, z in np.asarray(mesh.vertices, float)]
    lines += [f"vt {u:.7g} {v:.7g}" for u, v in np.asarray(mesh.uv, float)]
    corners = np.stack([mesh.faces, mesh.uv_faces], axis=-1) + 1
    lines += ["f " + " ".join(f"{v}/{t}" for v, t in face) for face in corners.tolist()]
    png = _png(mesh)
    material = f"newmtl {name}\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nmap_Kd {name}.png\n"
    write_atomic(path.with_name(f"{name}.png"), lambda temporary: temporary.write_bytes(png))
    write_text(path.with_name(f"{name}.mtl"), material)
    write_text(path, "\n".join(lines) + "\n")
