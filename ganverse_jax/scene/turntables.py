"""Turntables: an object turned once round, its texture above its shape in grey clay, as an animated WebP."""

import functools
import io
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

import rasterizer
from ganverse_jax.runtime.checkpoint import write_atomic
from ganverse_jax.runtime.pixels import unit_to_uint8
from ganverse_jax.scene.drawing import CLAY, CLAY_LIGHT, TURN_ELEVATION
from ganverse_jax.scene.meshes import PredictedMeshes

NUM_FRAMES, MILLISECONDS = 36, 90  # a turn takes 3.2 seconds
WIDTH = 208  # pixels; the height follows the objects, in steps that bound how many sizes are compiled
HEIGHT_STEP, MAX_HEIGHT = 16, 256
SUPERSAMPLING = 2
MAX_BYTES = 150_000
QUALITIES = (75, 55, 35, 15)  # of WebP, tried in turn
_BATCH = 4  # frames drawn at once; buffers of 12 leave the processor's caches, and take twice the time


def write_turntables(paths: list[Path], meshes: PredictedMeshes, rows: np.ndarray, distance: float) -> None:
    """One file for each of meshes `rows` [m], all framed alike, seen from `distance`."""
    for path, frames in zip(paths, turntables(meshes, rows, distance), strict=True):
        content = encode(frames)
        write_atomic(path, lambda temporary, content=content: temporary.write_bytes(content))


def turntables(meshes: PredictedMeshes, rows: np.ndarray, distance: float) -> Iterator[np.ndarray]:
    """Frames uint8 [NUM_FRAMES 2h WIDTH 3] of meshes `rows` [m] one after the other, on white, antialiased.

    The camera goes round at TURN_ELEVATION; its field of view is as wide as the largest of them needs, and h
    is the same for all. Where light is predicted, the texture is lit by it.
    """
    height, fov_y = _framing(meshes.vertices[rows], distance)
    for row in rows:
        light = None if meshes.light is None else meshes.light[row]
        one = meshes._replace(vertices=meshes.vertices[row], texture=meshes.texture[row], light=light)
        parts = [
            _draw(one, _cameras(angles, distance, fov_y), height)
            for angles in np.split(_angles(), NUM_FRAMES // _BATCH)
        ]
        colour, clay = (np.concatenate(part) for part in zip(*parts, strict=True))
        yield np.concatenate([colour, np.broadcast_to(clay, colour.shape)], axis=1)


def encode(frames: np.ndarray, milliseconds: int = MILLISECONDS) -> bytes:
    """Frames uint8 [k h w 3] as a WebP that loops for ever, in the best of QUALITIES that MAX_BYTES allow;
    milliseconds: of a frame."""
    first, *others = [Image.fromarray(frame) for frame in frames]
    for quality in QUALITIES:
        buffer = io.BytesIO()
        first.save(
            buffer, "WEBP", save_all=True, append_images=others, duration=milliseconds, loop=0,
            quality=quality, method=2,  # a third faster than 4, the default, and 6 % larger
            kmin=0, kmax=0,  # frames encoded once, not as key frames too: a fifth faster, 2 % larger
        )  # fmt: skip
        if buffer.tell() <= MAX_BYTES:
            break
    return buffer.getvalue()


def _angles() -> np.ndarray:
    """Azimuths (radians) of the frames; where nothing moves the first stands alone, so it shows two sides."""
    return np.pi / 4 + np.arange(NUM_FRAMES) * 2 * np.pi / NUM_FRAMES


def _cameras(angles: np.ndarray, distance: float, fov_y: float) -> rasterizer.Camera:
    fields = np.broadcast_arrays(angles, TURN_ELEVATION, distance, fov_y)
    return rasterizer.Camera(*(np.asarray(field, np.float32) for field in fields))


def _framing(vertices: np.ndarray, distance: float) -> tuple[int, float]:
    """Height in pixels and vertical field of view (radians) that show meshes [m v 3] whole from all sides.

    A mesh that has come too near the camera is cut at 90 degrees.
    """
    around = _cameras(_angles(), distance, np.pi / 2)  # where NDC are tangents of angles
    cloud = np.broadcast_to(
        vertices.reshape(1, -1, 3), (NUM_FRAMES, vertices.shape[0] * vertices.shape[1], 3)
    )
    clip = np.asarray(_project(cloud.astype(np.float32), around))
    tangents = np.abs(clip[..., :2]) / np.maximum(clip[..., 3:], 1e-3)
    across, up = np.clip(1.05 * tangents.max(axis=(0, 1)), 0.01, 1.0)
    steps = np.clip(np.ceil(WIDTH * up / across / HEIGHT_STEP), 1, MAX_HEIGHT // HEIGHT_STEP)
    height = int(steps) * HEIGHT_STEP
    return height, 2 * float(np.arctan(max(up, across * height / WIDTH)))


@jax.jit
def _project(vertices: jax.Array, cameras: rasterizer.Camera) -> jax.Array:
    return rasterizer.transform(vertices, cameras, 1, 1)


@functools.partial(jax.jit, static_argnames="height")
def _draw(mesh: PredictedMeshes, camera: rasterizer.Camera, height: int) -> tuple[jax.Array, jax.Array]:
    """One mesh from cameras [k]: uint8 [k h WIDTH 3], and in clay, uint8 [k h WIDTH 1]. One visibility serves
    both pictures; light is smooth enough to be taken at the vertices."""
    count, sides = camera.azimuth.shape[0], (SUPERSAMPLING * height, SUPERSAMPLING * WIDTH)
    vertices = jnp.broadcast_to(mesh.vertices.astype(jnp.float32), (count, *mesh.vertices.shape))
    fragments = rasterizer.rasterize(rasterizer.transform(vertices, camera, *sides), mesh.faces, *sides)
    covered = (fragments.face_id >= 0)[..., None]
    normals = rasterizer.compute_vertex_normals(mesh.vertices[None], mesh.faces)[:, None]

    def shade(light):
        values = jnp.maximum(rasterizer.shade_spherical_harmonics(normals, light[None])[0, 0], 0)
        return rasterizer.interpolate(values, mesh.faces, fragments)

    pixel_uv = rasterizer.interpolate(mesh.uv, mesh.uv_faces, fragments)
    texture = jnp.broadcast_to(mesh.texture, (count, *mesh.texture.shape))
    colour = rasterizer.sample_texture(texture, pixel_uv)
    colour = colour if mesh.light is None else colour * shade(mesh.light)
    clay = CLAY * shade(jnp.asarray(CLAY_LIGHT))

    def finished(picture):
        return unit_to_uint8(_means(jnp.where(covered, picture, 1.0).clip(0, 1), SUPERSAMPLING))

    return finished(colour), finished(clay)


def _means(samples: jax.Array, n: int) -> jax.Array:
    """Samples [k n*h n*w c] averaged over blocks of n x n, [k h w c]; sums of slices are a third of the time
    of a mean over two axes on a CPU."""
    total = sum(samples[:, row::n, column::n] for row in range(n) for column in range(n))
    return total / n**2
