"""Made artefacts that pages show."""

import numpy as np
from PIL import Image

import rasterizer
from ganverse_jax.scene.files import TexturedMesh

SIZE = 16


def pictures(*shape: int, seed: int = 0) -> np.ndarray:
    """Random uint8 pictures [*shape h w 3]."""
    return np.random.default_rng(seed).integers(0, 256, (*shape, SIZE, SIZE, 3), np.uint8)


def surface() -> TexturedMesh:
    """A small sphere with a red texture."""
    texture = np.zeros((8, 16, 3), np.float32) + np.array([1, 0, 0], np.float32)
    return TexturedMesh(*(np.asarray(leaf) for leaf in rasterizer.icosphere(1)), texture)


def write_mesh(path, texture: bool = True) -> None:
    """A textured tetrahedron as .glb; the texture is red on top and blue below."""
    import trimesh

    vertices = np.array([[0, 1, 0], [1, -1, 0], [-1, -1, 1], [-1, -1, -1]], float)
    faces = np.array([[0, 2, 1], [0, 3, 2], [0, 1, 3], [1, 2, 3]])
    colours = np.zeros((32, 32, 3), np.uint8)
    colours[:16, :, 0], colours[16:, :, 2] = 255, 255
    uv = np.array([[0.5, 0.9], [0.1, 0.1], [0.5, 0.2], [0.9, 0.3]])
    visual = None
    if texture:
        material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.fromarray(colours))
        visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
    path.parent.mkdir(parents=True, exist_ok=True)
    trimesh.Trimesh(vertices, faces, visual=visual, process=False).export(path)


def write_turntable(path) -> None:
    """Two frames of noise as an animated WebP."""
    first, second = (Image.fromarray(picture) for picture in pictures(2))
    path.parent.mkdir(parents=True, exist_ok=True)
    first.save(path, "WEBP", save_all=True, append_images=[second], duration=75, loop=0)
