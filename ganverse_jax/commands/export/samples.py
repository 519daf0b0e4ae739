"""Sample inputs and outputs of exported networks: as arrays, as pictures, as meshes."""

from pathlib import Path

import numpy as np

from ganverse_jax.commands.export.networks import TrainedInverseGraphics
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator
from ganverse_jax.pages.grid import image_grid
from ganverse_jax.runtime.checkpoint import write_npz, write_png
from ganverse_jax.runtime.pixels import unit_to_uint8
from ganverse_jax.scene.cameras import mean_camera
from ganverse_jax.scene.drawing import CLAY, turn_round
from ganverse_jax.scene.files import TexturedMesh, textured_mesh, write_mesh
from ganverse_jax.scene.meshes import PredictedMeshes
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset
from ganverse_jax.stages.perception import load as perception

COUNT = 4
PSI = 0.7
Arrays = dict[str, np.ndarray]


def set_pictures(workdir: Path) -> Arrays:
    """image [n h w 3] and mask [n h w 1] in [0, 1]: held-out pictures of a run's set, of an object each.

    Raises as `multiview_dataset.open_set`.
    """
    stored = multiview_dataset.open_set(workdir)
    rows = stored.rows_of("test")
    first = np.unique(stored.object_id[rows], return_index=True)[1][:COUNT]
    read = stored.read(rows[first]).multiview
    return _unit(read.images, read.masks)


def drawn_pictures(gan: LoadedGenerator, perceiving: Path) -> Arrays:
    """As `set_pictures`, drawn by a GAN and masked by the segmenter in the folder `perceiving`."""
    source = MultiviewGenerator(gan, batch_size=COUNT)
    numbers = np.arange(COUNT)
    images, _ = source.pairs(source.view_codes(numbers, PSI), source.codes(numbers, PSI))
    masks = perception.load_folder(perceiving).segmenter(images)
    return _unit(images, unit_to_uint8(np.asarray(masks)))


def _unit(images: np.ndarray, masks: np.ndarray) -> Arrays:
    return {"image": np.float32(images / 255.0), "mask": np.float32(masks[..., None] / 255.0)}


def generator_inputs(gan: LoadedGenerator) -> Arrays:
    """COUNT contents in COUNT views each: content, view and truncation."""
    rng = np.random.default_rng(0)
    contents, views = (rng.standard_normal((COUNT, gan.module.z_dim)) for _ in range(2))
    if gan.camera is not None:
        turns = np.arange(COUNT) * 2 * np.pi / COUNT + 0.6
        views = np.stack([turns, np.full(COUNT, gan.camera.cameras[:, 1].mean())], axis=1)
    content, view = np.repeat(contents, COUNT, axis=0), np.tile(views, (COUNT, 1))
    inputs = {"content": content, "view": view, "truncation": np.full((COUNT**2, 1), PSI)}
    return {name: np.float32(value) for name, value in inputs.items()}


def renderer_inputs(trained: TrainedInverseGraphics, pictures: Arrays, meshes: Arrays) -> Arrays:
    """Pictures' own shapes, textures and backgrounds, seen from azimuths all round."""
    count, means = len(meshes["vertices"]), mean_camera(trained.cameras)
    turns = np.arange(count) * 2 * np.pi / count + 0.6
    camera = [turns, np.full(count, means["elevation"]), np.full(count, means["distance"])]
    displacements = meshes["vertices"] - trained.module.template.vertices
    shown = {"displacements": displacements, "texture": meshes["texture"]}
    background = {f"background_{name}": values for name, values in pictures.items()}
    return {"camera": np.float32(np.stack(camera, axis=1)), **shown, **background}


def write_arrays(folder: Path, inputs: Arrays, outputs: Arrays) -> None:
    """sample_inputs.npz and sample_outputs.npz."""
    write_npz(folder / "sample_inputs.npz", **inputs)
    write_npz(folder / "sample_outputs.npz", **outputs)


def write_pictures(folder: Path, rows: list[np.ndarray]) -> None:
    """sample.png: rows of pictures [n h w 3] in [0, 1]."""
    write_png(folder / "sample.png", image_grid(unit_to_uint8(np.concatenate(rows)), len(rows[0])))


def write_meshes(folder: Path, trained: TrainedInverseGraphics, pictures: Arrays, outputs: Arrays) -> None:
    """sample.png (input and six sides), sample.glb (the first one's mesh), template.npz and template.glb."""
    template = trained.module.template
    faces = template.faces, template.uv, template.uv_faces
    meshes = PredictedMeshes(outputs["vertices"], outputs["texture"], *faces, outputs.get("light"))
    rows = np.arange(len(outputs["vertices"]))
    sides = turn_round(meshes, rows, trained.cameras, trained.size, trained.fov_y)
    sheet = np.concatenate([unit_to_uint8(pictures["image"])[:, None], sides], axis=1)
    write_png(folder / "sample.png", image_grid(sheet.reshape(-1, *sheet.shape[2:]), sheet.shape[1]))
    write_mesh(folder / "sample.glb", textured_mesh(meshes, 0))
    grey = np.full((2, 4, 3), CLAY, np.float32)
    write_mesh(folder / "template.glb", TexturedMesh(template.vertices, *faces, grey))
    arrays = {name: value for name, value in template._asdict().items() if value is not None}
    write_npz(folder / "template.npz", **arrays)
