"""Textured meshes as files: GLB (glTF 2.0) and OBJ.

Inside, UV has its origin bottom-left and a texture's row 0 is its top (v = 1), like a picture's. OBJ
agrees; glTF counts v from the top. trimesh turns v round on its way to GLB, so nothing here does: once is
enough, and tests/scene/test_files.py reads the raw bytes to see it was once.
"""

import functools
import hashlib
import io
import os
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import jax
import numpy as np
from PIL import Image

import rasterizer
from ganverse_jax.runtime.checkpoint import write_atomic, write_text
from ganverse_jax.scene.meshes import PredictedMeshes
from ganverse_jax.scene.pinhole import NEAR, Pinhole

_vertex_normals = jax.jit(rasterizer.compute_vertex_normals)
FORMATS = (".glb", ".obj")
# Of a .glb. "unlit" shows the texture's own colours, which hold the light of the pictures that it was learned
# from, as our renders do; "rough" is matt, and lit by the viewer.
Material = Literal["unlit", "rough"]
_MAX_NAME = 160  # letters of a material's, where each of a stem's bytes may take three
_REPEAT, _CLAMP_TO_EDGE, _LINEAR, _LINEAR_MIPMAPS = 10497, 33071, 9729, 9987  # of glTF's samplers


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


def _picture(texture: np.ndarray) -> Image.Image:
    return Image.fromarray((np.clip(texture, 0, 1) * 255 + 0.5).astype(np.uint8))


def _glb_bytes(mesh: TexturedMesh, name: str, material: Material, camera: Pinhole | None) -> bytes:
    import trimesh

    # glTF has one index list: a vertex on the seam becomes two, one per UV, which share their normal.
    pairs = np.stack([mesh.faces, mesh.uv_faces], axis=-1).reshape(-1, 2)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    rough = trimesh.visual.material.PBRMaterial(
        name=name, baseColorTexture=_picture(mesh.texture), metallicFactor=0.0, roughnessFactor=1.0
    )
    whole = trimesh.Trimesh(
        np.asarray(mesh.vertices)[unique[:, 0]],
        inverse.reshape(-1, 3),
        vertex_normals=_smooth_normals(mesh)[unique[:, 0]],
        process=False,
        visual=trimesh.visual.TextureVisuals(uv=np.asarray(mesh.uv)[unique[:, 1]], material=rough),
    )
    finish = functools.partial(_finish_gltf, material=material, camera=camera)
    return whole.export(file_type="glb", include_normals=True, tree_postprocessor=finish)


def _smooth_normals(mesh: TexturedMesh) -> np.ndarray:
    """Unit normals [v 3]; where no face has an area, upwards, since glTF has no normal of length 0."""
    normals = np.array(_vertex_normals(np.asarray(mesh.vertices)[None], mesh.faces)[0])
    normals[~normals.any(axis=1)] = (0.0, 1.0, 0.0)
    return normals


def _finish_gltf(tree: dict[str, Any], material: Material, camera: Pinhole | None) -> None:
    """What trimesh does not write: how the texture continues beyond its borders (as `rasterizer` has it: u
    closes on itself, v does not), KHR_materials_unlit, and a camera from which all is seen."""
    tree["samplers"] = [
        {"wrapS": _REPEAT, "wrapT": _CLAMP_TO_EDGE, "magFilter": _LINEAR, "minFilter": _LINEAR_MIPMAPS}
    ]
    for texture in tree["textures"]:
        texture["sampler"] = 0
    if material == "unlit":
        tree["extensionsUsed"] = ["KHR_materials_unlit"]
        for entry in tree["materials"]:
            entry["extensions"] = {"KHR_materials_unlit": {}}
    if camera is not None:
        height, width = camera.size
        lens = {"yfov": camera.fov_y, "aspectRatio": width / height, "znear": NEAR}
        tree["cameras"] = [{"name": "photo", "type": "perspective", "perspective": lens}]
        # glTF's matrices are column by column.
        pose = camera.camera_to_world.T.ravel().tolist()
        tree["nodes"].append({"name": "photo", "camera": 0, "matrix": pose})
        tree["scenes"][0]["nodes"].append(len(tree["nodes"]) - 1)


def _write_obj(path: Path, mesh: TexturedMesh) -> None:
    """Positions and UV keep their own index lists, so the mesh stays closed (trimesh would split the
    seam)."""
    name = _material_name(path)
    lines = [f"mtllib {name}.mtl", f"o {name}", f"usemtl {name}"]
    lines += [f"v {x:.7g} {y:.7g} {z:.7g}" for x, y, z in np.asarray(mesh.vertices, float)]
    lines += [f"vt {u:.7g} {v:.7g}" for u, v in np.asarray(mesh.uv, float)]
    corners = np.stack([mesh.faces, mesh.uv_faces], axis=-1) + 1
    lines += ["f " + " ".join(f"{v}/{t}" for v, t in face) for face in corners.tolist()]
    png = io.BytesIO()
    _picture(mesh.texture).save(png, "PNG")
    material = f"newmtl {name}\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nmap_Kd {name}.png\n"
    write_atomic(path.with_name(f"{name}.png"), lambda temporary: temporary.write_bytes(png.getvalue()))
    write_text(path.with_name(f"{name}.mtl"), material)
    write_text(path, "\n".join(lines) + "\n")
