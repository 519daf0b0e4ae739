"""Pictures of inverse graphics: what the network saw, what it rebuilt, the object all round; meshes as
files."""

from pathlib import Path

import numpy as np

import rasterizer
from ganverse_jax.evaluation.inverse_graphics import other_views
from ganverse_jax.runtime.checkpoint import write_npz, write_png
from ganverse_jax.runtime.pixels import unit_to_uint8
from ganverse_jax.scene.cameras import Cameras, take_cameras
from ganverse_jax.scene.drawing import CLAY_LIGHT, clay, render_on_white, turn_round
from ganverse_jax.scene.files import textured_mesh, write_mesh
from ganverse_jax.scene.meshes import PredictedMeshes


def sample_sheet(
    path: str | Path,
    meshes: PredictedMeshes,
    objects: np.ndarray,
    cameras: Cameras,
    images: np.ndarray,
    fov_y: float,
) -> None:
    """A PNG, one row per object: input, its render, another view, its render, then six views all round.
    Where light is predicted, the first render without it (texture alone) follows it, as in Fig. K.

    Objects of a single image have no other view; where all are such, its two columns are left out.
    images uint8 [n h w 3] are the inputs of meshes [n], seen from the learned cameras [n].
    Renders lie on white. The six views start at the front, at 15 degrees of elevation and the cameras' mean
    distance.
    """
    size = images.shape[1:3]
    rows, others = other_views(objects)
    if not len(rows):
        rows, others = np.arange(len(objects)), None
    first = np.unique(objects[rows], return_index=True)[1]
    rows = rows[first]
    own = take_cameras(cameras, rows)
    columns = [images[rows], render_on_white(meshes, rows, own, size, fov_y)]
    if meshes.light is not None:
        columns.append(render_on_white(meshes._replace(light=None), rows, own, size, fov_y))
    if others is not None:
        others = others[first]
        other = render_on_white(meshes, rows, take_cameras(cameras, others), size, fov_y)
        columns += [images[others], other]
    columns += [*np.moveaxis(turn_round(meshes, rows, cameras, size, fov_y), 1, 0)]
    sheet = np.concatenate([np.concatenate(list(column), axis=0) for column in columns], axis=1)
    write_png(path, sheet)


def write_figures(
    folder: Path, meshes: PredictedMeshes, rows, cameras: Cameras, images, fov_y: float, **more: np.ndarray
) -> list[Path]:
    """figures.npz and meshes/object_<i>.glb of meshes `rows` [m] for the report; the paths of the latter.

    Arrays, uint8: inputs, reconstructions [m h w 3]; views, shape_views [m 6 h w 3] (the latter in grey
    clay); textures [m th tw 3]; those of `light_figures` where light is predicted; and `more`.
    """
    size, own = images.shape[1:3], take_cameras(cameras, rows)
    if meshes.light is not None:
        more = light_figures(meshes, rows, own, size, fov_y) | more
    write_npz(
        folder / "figures.npz",
        inputs=images[rows],
        reconstructions=render_on_white(meshes, rows, own, size, fov_y),
        views=turn_round(meshes, rows, cameras, size, fov_y),
        shape_views=turn_round(clay(meshes), rows, cameras, size, fov_y, lighting=CLAY_LIGHT),
        textures=unit_to_uint8(meshes.texture[rows]),
        **more,
    )
    (folder / "meshes").mkdir(parents=True, exist_ok=True)
    paths = [folder / "meshes" / f"object_{index:02d}.glb" for index in range(len(rows))]
    for path, row in zip(paths, rows, strict=True):
        write_mesh(path, textured_mesh(meshes, row))
    return paths


def light_figures(meshes: PredictedMeshes, rows, own, size, fov_y: float) -> dict[str, np.ndarray]:
    """The predicted light apart from the texture (Fig. K of arXiv:2010.09125): uint8 [m h w 3] of meshes
    `rows`, each from its camera in `own` [m].

    unlit: the texture alone; clay_lit, sphere_lit: the light alone, on the shape and on a sphere of clay,
    scaled so that its brightest direction shows the clay's own grey (texture and light share their scale).
    """
    sphere = rasterizer.icosphere(4)
    radii = 0.8 * own["distance"] * np.sin(fov_y / 2)
    vertices = np.zeros((len(meshes.vertices), *sphere.vertices.shape), np.float32)
    vertices[rows] = radii[:, None, None] * np.asarray(sphere.vertices)
    surface = {name: np.asarray(getattr(sphere, name)) for name in ("faces", "uv", "uv_faces")}
    basis = np.asarray(rasterizer.spherical_harmonics_basis(sphere.vertices))
    brightest = np.maximum((meshes.light @ basis.T).max(axis=1, keepdims=True), 1e-6)
    lit = clay(meshes)._replace(light=meshes.light / brightest)
    shown = {
        "unlit": meshes._replace(light=None),
        "clay_lit": lit,
        "sphere_lit": lit._replace(vertices=vertices, **surface),
    }
    return {name: render_on_white(each, rows, own, size, fov_y) for name, each in shown.items()}
