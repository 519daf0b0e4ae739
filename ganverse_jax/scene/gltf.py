"""glTF 2.0 binaries (.glb) of one textured surface, written here: importing trimesh takes half a second."""

import json
import struct
from typing import Any

import numpy as np

from ganverse_jax.scene.pinhole import NEAR, Pinhole

_REPEAT, _CLAMP_TO_EDGE, _LINEAR, _LINEAR_MIPMAPS = 10497, 33071, 9729, 9987  # of samplers
_UNSIGNED, _FLOAT = 5125, 5126  # component types: uint32, float32
_VERTICES, _INDICES = 34962, 34963  # what a buffer view is for
_JSON, _BIN = 0x4E4F534A, 0x004E4942  # kinds of chunks


def glb_bytes(
    name: str,
    faces: np.ndarray,
    attributes: dict[str, np.ndarray],
    png: bytes,
    *,
    unlit: bool = True,
    camera: Pinhole | None = None,
) -> bytes:
    """One surface whose material is called `name`: faces [f 3], and per vertex POSITION [v 3], NORMAL [v 3]
    and TEXCOORD_0 [v 2], v counted from the top, as glTF names and has them; png: the texture.

    unlit: the texture's own colours (KHR_materials_unlit). camera: a node "photo", which is as wide as the
    picture of a camera whose principal point is in the middle (glTF has no other).
    """
    accessors, views, body = [], [], bytearray()
    arrays = {"indices": faces.astype("<u4").reshape(-1, 1)}
    arrays |= {key: values.astype("<f4") for key, values in attributes.items()}
    for key, values in arrays.items():
        accessors.append(_accessor(values, len(views)))
        views.append(_view(body, values.tobytes()) | {"target": _INDICES if key == "indices" else _VERTICES})
    views.append(_view(body, png))
    numbers = {key: number for number, key in enumerate(arrays)}
    surface = {"indices": numbers.pop("indices"), "attributes": numbers, "mode": 4, "material": 0}
    tree = {
        "asset": {"version": "2.0", "generator": "GANverse-JAX"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": name, "mesh": 0}],
        "meshes": [{"name": name, "primitives": [surface]}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(body)}],
        "images": [{"bufferView": len(views) - 1, "mimeType": "image/png"}],
    }
    tree |= _material(name, unlit)
    if camera is not None:
        _add_camera(tree, camera)
    return _packed(tree, bytes(body))


def _accessor(values: np.ndarray, view: int) -> dict[str, Any]:
    kind = {1: "SCALAR", 2: "VEC2", 3: "VEC3"}[values.shape[1]]
    component = _UNSIGNED if values.dtype.kind == "u" else _FLOAT
    bounds = {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}
    return {"bufferView": view, "componentType": component, "count": len(values), "type": kind} | bounds


def _view(body: bytearray, content: bytes) -> dict[str, int]:
    """Append the content to the body, which stays a whole number of words of 4 bytes."""
    view = {"buffer": 0, "byteOffset": len(body), "byteLength": len(content)}
    body += content + bytes(-len(content) % 4)
    return view


def _material(name: str, unlit: bool) -> dict[str, Any]:
    """How the texture continues beyond its borders is as `rasterizer` has it: u closes on itself, v does
    not."""
    shading = {"baseColorTexture": {"index": 0}, "metallicFactor": 0.0, "roughnessFactor": 1.0}
    material = {"name": name, "pbrMetallicRoughness": shading}
    tree = {
        "samplers": [
            {"wrapS": _REPEAT, "wrapT": _CLAMP_TO_EDGE, "magFilter": _LINEAR, "minFilter": _LINEAR_MIPMAPS}
        ],
        "textures": [{"source": 0, "sampler": 0}],
        "materials": [material],
    }
    if unlit:
        material["extensions"] = {"KHR_materials_unlit": {}}
        tree["extensionsUsed"] = ["KHR_materials_unlit"]
    return tree


def _add_camera(tree: dict[str, Any], camera: Pinhole) -> None:
    height, width = camera.size
    lens = {"yfov": camera.fov_y, "aspectRatio": width / height, "znear": NEAR}
    tree["cameras"] = [{"name": "photo", "type": "perspective", "perspective": lens}]
    # glTF's matrices are column by column.
    pose = camera.camera_to_world.T.ravel().tolist()
    tree["nodes"].append({"name": "photo", "camera": 0, "matrix": pose})
    tree["scenes"][0]["nodes"].append(len(tree["nodes"]) - 1)


def _packed(tree: dict[str, Any], body: bytes) -> bytes:
    """The file: a header and two chunks, the tree filled up with spaces to words of 4 bytes."""
    text = json.dumps(tree, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    chunks = [struct.pack("<II", len(part), kind) + part for part, kind in ((text, _JSON), (body, _BIN))]
    return struct.pack("<4sII", b"glTF", 2, 12 + sum(map(len, chunks))) + b"".join(chunks)
