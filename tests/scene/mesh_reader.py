"""Reads a textured mesh back from a file of `write_mesh`, as another program would."""

import json
import struct
from pathlib import Path

import numpy as np
import trimesh

from ganverse_jax.scene.files import TexturedMesh


def read_mesh(path: Path) -> TexturedMesh:
    """The mesh of a .glb or .obj; vertices come one per (position, uv) pair, so uv_faces is faces."""
    loaded = trimesh.load(path, process=False, force="mesh")
    material = loaded.visual.material
    image = getattr(material, "baseColorTexture", None) or material.image
    vertices, uv = np.asarray(loaded.vertices, np.float32), np.asarray(loaded.visual.uv, np.float32)
    faces = np.asarray(loaded.faces, np.int32)
    return TexturedMesh(vertices, faces, uv, faces, np.asarray(image.convert("RGB"), np.float32) / 255.0)


def glb_contents(path):
    """The tree of a .glb, and a function from an accessor's number to its floats [n columns]."""
    content = path.read_bytes()
    length = struct.unpack("<I", content[12:16])[0]
    tree, body = json.loads(content[20 : 20 + length]), content[28 + length :]

    def accessor(number, columns):
        found = tree["accessors"][number]
        begin = tree["bufferViews"][found["bufferView"]].get("byteOffset", 0)
        return np.frombuffer(body, np.float32, found["count"] * columns, begin).reshape(-1, columns)

    return tree, accessor
