"""Textured meshes, of .glb files too, in the compact form that the page's WebGL viewer reads."""

import base64
import pathlib
import struct
from typing import Any

import numpy as np
from PIL import Image

from ganverse_jax.pages.markup import ReportError
from ganverse_jax.pages.pictures import Pictures
from ganverse_jax.runtime.machine import raise_if_machines

MAX_VERTICES = 65535  # WebGL1 draws 16-bit indices without an extension
# What trimesh's parsers, and Pillow's of the texture, raise of a damaged file.
_DAMAGED = (
    OSError, SyntaxError, ValueError, LookupError, TypeError, AttributeError, NotImplementedError,
    UnboundLocalError, struct.error,
)  # fmt: skip


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def vertex_normals(positions: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals [v 3]; vertices at the same place (a UV seam) share one normal."""
    rounded = np.round(positions / (np.abs(positions).max() or 1.0), 5)
    _, owner = np.unique(rounded, axis=0, return_inverse=True)
    owner = owner.reshape(-1)
    corners = positions[faces]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros((owner.max() + 1, 3))
    np.add.at(total, owner[faces].reshape(-1), np.repeat(face_normals, 3, axis=0))
    normals = total[owner]
    return normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)


def edge_indices(faces: np.ndarray) -> np.ndarray:
    """Unique edges [e 2] of the faces, for the wireframe."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return np.unique(edges, axis=0)


def _power_of_two(image: Image.Image, largest: int = 256) -> Image.Image:
    """WebGL1 repeats only textures whose sides are powers of two."""
    sides = tuple(min(1 << max(round(np.log2(side)), 4), largest) for side in image.size)
    return image if image.size == sides else image.resize(sides, Image.Resampling.LANCZOS)


def _texture(mesh: Any) -> Image.Image | None:
    material = getattr(mesh.visual, "material", None)
    image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    return None if image is None else image.convert("RGB")


def load_mesh(path: pathlib.Path, pictures: Pictures) -> dict[str, Any]:
    """One .glb as `compact_mesh` has it. Raises ReportError for an unreadable, empty or too large file."""
    import trimesh  # heavy, and only needed where there is a mesh

    try:
        mesh = trimesh.load(path, force="mesh", process=False)
        positions, faces = np.asarray(mesh.vertices, float), np.asarray(mesh.faces)
        uv = getattr(mesh.visual, "uv", None)
        texture = _texture(mesh) if uv is not None else None
    except _DAMAGED as error:
        raise_if_machines(error)
        raise ReportError(
            f"{path.name} is no readable glTF binary: {error!r}; delete it, run what made it again ({path})"
        ) from error
    return compact_mesh(path, positions, faces, uv, texture, pictures)


def compact_mesh(
    path: pathlib.Path,
    positions: np.ndarray,
    faces: np.ndarray,
    uv: np.ndarray | None,
    texture: Image.Image | None,
    pictures: Pictures,
) -> dict[str, Any]:
    """The mesh of the file at `path` as a JSON-ready dict, from positions [v 3], faces [f 3], uv [v 2]
    (origin at the bottom) and texture: base64 int16 positions (scaled so the largest coordinate is
    32767), int8 normals, float32 uv, uint16 faces and edges, the texture as a data URI or null.

    Raises ReportError for one that the viewer cannot show: empty, too large, or not finite.
    """
    if not len(faces) or len(positions) > MAX_VERTICES or not np.isfinite(positions).all():
        raise ReportError(
            f"{path.name} has {len(positions)} vertices and {len(faces)} faces; the viewer takes "
            f"finite meshes of 1 "
            f"to {MAX_VERTICES} vertices: delete it and make a smaller one ({path})"
        )
    low, high = positions.min(0), positions.max(0)
    centred = positions - (low + high) / 2
    scale = np.abs(centred).max() or 1.0
    return {
        "name": path.stem,
        "vertices": len(positions),
        "faces": len(faces),
        "radius": float(np.linalg.norm(centred, axis=-1).max() / scale),
        "position": _base64(np.round(centred / scale * 32767).astype("<i2")),
        "normal": _base64(np.round(vertex_normals(positions, faces) * 127).astype("i1")),
        "uv": _base64(np.asarray(uv, "<f4")) if texture is not None else None,
        "face": _base64(faces.astype("<u2")),
        "edge": _base64(edge_indices(faces).astype("<u2")),
        "texture": None if texture is None else pictures.uri(_power_of_two(texture)),
    }


def load_meshes(directory: pathlib.Path, pictures: Pictures, limit: int) -> list[dict[str, Any]]:
    """The first `limit` .glb files of a folder in order of name; [] where there is no folder."""
    paths = sorted(directory.glob("*.glb"))[:limit] if directory.is_dir() else []
    return [load_mesh(path, pictures) for path in paths]
