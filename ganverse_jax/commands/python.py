"""From Python, a line each: what `ganverse_jax.reconstruct`, `render`, `edit`, `generate`, `export` are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganverse_jax.commands.edit.editor import NEEDED, Editor
from ganverse_jax.commands.edit.edits import PROPERTIES, check_elevations
from ganverse_jax.commands.export.command import run as export
from ganverse_jax.commands.guess import serving
from ganverse_jax.commands.reconstruct.networks import PARTS, crop_of, networks_of, predict
from ganverse_jax.data.photos import read_photo
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.stored import load_generator
from ganverse_jax.runtime.shipped import shipped_with, weights_folder
from ganverse_jax.scene.drawing import render_on_white
from ganverse_jax.scene.files import TexturedMesh, textured_mesh
from ganverse_jax.scene.meshes import PredictedMeshes
from ganverse_jax.stages.gan.start import GENERATOR

__all__ = ["edit", "export", "generate", "reconstruct", "render"]


def reconstruct(
    photo: str | Path, *, workdir: str | Path | None = None, shipped: str | None = None
) -> TexturedMesh:
    """The mesh of one photo, by the networks of a run, or of a `shipped` world (None: guessed from the photo,
    and told in a line), whose objects alone they know.

    The mask is the photo's alpha, else the segmenter's. Raises as `launch.reconstruct`: PhotoError and
    FileNotFoundError, which name the file and the remedy.
    """
    shipped = serving(shipped, [photo], PARTS, workdir)
    _, network, segment, _ = networks_of(workdir, shipped=shipped)
    read = read_photo(Path(photo), segment=segment)
    _, _, meshes = predict(network, read, crop_of(network, read, photo))
    return textured_mesh(meshes, 0)


def render(
    mesh: TexturedMesh,
    azimuth: float = 30.0,
    elevation: float = 15.0,
    *,
    distance: float = 4.2,
    fov: float = 30.0,
    size: tuple[int, int] = (256, 256),
) -> np.ndarray:
    """A mesh as a picture uint8 [h w 3] on white. Angles in degrees; azimuth 0 is its front, fov vertical."""
    shown = PredictedMeshes(mesh.vertices[None], mesh.texture[None], mesh.faces, mesh.uv, mesh.uv_faces)
    camera = {"azimuth": np.radians([azimuth]), "elevation": np.radians([elevation]), "distance": [distance]}
    return render_on_white(shown, np.zeros(1, int), camera, size, float(np.radians(fov)))[0]


def edit(
    photo: str | Path,
    azimuth: float | None = None,
    elevation: float | None = None,
    *,
    shape_from: str | Path | None = None,
    texture_from: str | Path | None = None,
    background_from: str | Path | None = None,
    workdir: str | Path | None = None,
    shipped: str | None = None,
) -> np.ndarray:
    """A photo's object drawn anew by StyleGAN-R, a picture uint8 [h w 3] of the network's size.

    azimuth, elevation: degrees, None as in the photo; the others are photos whose property replaces its own.
    Raises as `reconstruct`, also where the run has no StyleGAN-R; ValueError for an elevation past the poles.
    """
    if elevation is not None:
        check_elevations(elevation, f"elevation = {elevation}")
    paths = dict(zip(PROPERTIES, (shape_from, texture_from, background_from), strict=True))
    photos = [photo, *(path for path in paths.values() if path is not None)]
    editor = Editor(workdir, serving(shipped, photos, NEEDED, workdir))
    own = editor.read(Path(photo), "photo")
    camera = own.camera[None].astype(np.float32)
    for column, degrees in enumerate((azimuth, elevation)):
        camera[:, column] = camera[:, column] if degrees is None else np.radians(degrees)
    owners = {name: own if path is None else editor.read(Path(path), name) for name, path in paths.items()}
    return editor.frames(camera, *(getattr(one, name)[None] for name, one in owners.items())).neural[0]


def generate(
    seeds: Sequence[int],
    azimuth: float = 30.0,
    elevation: float = 15.0,
    *,
    psi: float = 0.7,
    weights: str | Path | None = None,
) -> np.ndarray:
    """Pictures uint8 [n h w 3] of the contents `seeds`, all from one camera (degrees), truncated by psi.

    weights: a shipped set, or a folder with a generator.safetensors, as RUN/gan; None: the shipped default.
    Raises ValueError for a
    generator that takes no camera, FileNotFoundError where there is none.
    """
    folder = shipped_with(GENERATOR) if weights is None else weights_folder(str(weights))
    gan = load_generator(folder / GENERATOR)
    source = MultiviewGenerator(gan, batch_size=max(1, min(len(seeds), 16)))
    camera = np.tile(np.radians([[azimuth, elevation]]), (len(seeds), 1))
    return source.pairs(source.camera_codes(camera), source.codes(np.asarray(seeds), psi))[0]
