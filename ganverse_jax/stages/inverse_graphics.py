"""Stage: train the inverse graphics network and the view cameras on a multi-view set, then measure them.

Reads a `MultiviewSet` (the GAN's, or the posed toy world's). Writes to <workdir>: inverse_graphics/
{network.safetensors, cameras.json, evaluation.json}, samples/inverse_graphics_<step>.png, metrics.jsonl lines of
stage "inverse_graphics", checkpoints/inverse_graphics/.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganverse_jax import parallel
from ganverse_jax.checkpoint import Checkpoints, load_weights, read_json, save_weights, write_json
from ganverse_jax.data.multiview_set import MultiviewSet
from ganverse_jax.evaluation.inverse_graphics import PredictedMeshes, image_metrics
from ganverse_jax.loop import Metrics, fit
from ganverse_jax.models.inverse_graphics import InverseGraphics
from ganverse_jax.models.perceptual import Perceptual
from ganverse_jax.models.view_cameras import camera_records, initial_cameras
from ganverse_jax.stages.inverse_graphics_samples import sample_sheet
from ganverse_jax.stages.inverse_graphics_step import (
    initial_state,
    make_optimizer,
    make_step,
    predict_in_batches,
)

STAGE = "inverse_graphics"
NUM_SAMPLES = 6


def run(
    workdir: str | Path,
    *,
    multiview: MultiviewSet,
    network: Mapping[str, Any],
    weights: Mapping[str, float],
    num_steps: int,
    batch_size: int,
    learning_rate: float,
    camera_learning_rate: float,
    camera_start: int = 0,
    perceptual: Perceptual | None = None,
    perceptual_start: int = 0,
    perceptual_both_views: bool = True,
    fov_degrees: float,
    camera_distance: float,
    sigma_inverse: float = 7000.0,
    margin: float = 0.02,
    average_decay: float = 0.99,
    seed: int = 0,
    num_devices: int | None = None,
    log_every: int = 50,
    save_every: int = 500,
    fingerprint: str | None = None,
    evaluate: Callable[..., Mapping[str, float]] | None = None,
) -> dict[str, float]:
    """Train up to `num_steps` (or on from the newest checkpoint) and return the figures of the test objects.

    network: settings of `InverseGraphics`. weights: lambdas of Eq. 1; the perceptual term joins at step
    `perceptual_start`. Rates are per step of Adam; cameras (radians, log distance) move from `camera_start` on.
    fingerprint names the GAN behind the images and is stored beside the weights. evaluate(predict=, cameras=)
    may add figures that need truth (see `stages.inverse_graphics_posed`).
    """
    workdir, fov_y = Path(workdir), float(np.radians(fov_degrees))
    mesh = parallel.data_mesh(num_devices)
    parallel.check_divisible(batch_size, mesh.size, "inverse_graphics.batch_size")
    module = InverseGraphics(**network)
    start_cameras = initial_cameras(multiview.azimuth_bins, camera_distance)
    pairs = multiview.split("train").pairs()
    print(f"[{STAGE}] {pairs.num_objects} training objects ({pairs.num_dropped} with one view left out)", flush=True)
    optimizer = make_optimizer(
        num_steps,
        learning_rate=learning_rate,
        camera_learning_rate=camera_learning_rate,
        camera_start=camera_start,
    )
    params = {"network": init_network(module, multiview.images.shape[1:3], seed), "cameras": start_cameras}
    options = dict(
        fov_y=fov_y,
        weights=weights,
        average_decay=average_decay,
        render_options={"sigma_inverse": sigma_inverse, "margin": margin},
    )
    plain = parallel.data_parallel(make_step(module, optimizer, **options), mesh)
    refined = plain
    if perceptual is not None:
        step = make_step(
            module, optimizer, perceptual=perceptual, perceptual_both_views=perceptual_both_views, **options
        )
        refined = parallel.data_parallel(step, mesh)

    def on_save(step: int, state: Any) -> None:
        average = jax.device_get(state["average"])
        _write_samples(workdir / "samples" / f"{STAGE}_{step:06d}.png", module, average, multiview, fov_y)

    state = fit(
        initial_state(params, optimizer),
        lambda step: refined if step >= perceptual_start else plain,
        lambda step: pairs.pair_batch((seed, step), batch_size),
        num_steps=num_steps,
        key=jax.random.key(seed),
        mesh=mesh,
        stage=STAGE,
        checkpoints=Checkpoints(workdir / "checkpoints" / STAGE),
        metrics=Metrics(workdir),
        log_every=log_every,
        save_every=save_every,
        on_save=on_save,
    )
    average = jax.device_get(state["average"])
    settings = {"network": dict(network), "fov_degrees": fov_degrees, "fingerprint": fingerprint, "step": num_steps}
    save_weights(workdir / STAGE / "network.safetensors", average, settings)
    write_cameras(workdir / STAGE / "cameras.json", multiview.views, start_cameras, average["cameras"], fov_degrees)
    figures = evaluate_images(module, average, multiview.split("test"), fov_y)
    if evaluate is not None:
        figures |= evaluate(
            predict=lambda images, masks: predict_meshes(module, average["network"], images, masks),
            cameras=as_cameras(average["cameras"]),
        )
    write_json(workdir / STAGE / "evaluation.json", figures)
    Metrics(workdir).write(f"{STAGE}_evaluation", num_steps, **figures)
    return figures


def init_network(module: InverseGraphics, size: tuple[int, int], seed: int) -> dict[str, Any]:
    """Fresh parameters of the network for pictures of size (h, w); jitted, which is much faster than eager."""
    shapes = (np.zeros((1, *size, 3), np.float32), np.zeros((1, *size, 1), np.float32))
    return jax.device_get(jax.jit(module.init)(jax.random.key(seed), *shapes)["params"])


def load(workdir: str | Path) -> tuple[InverseGraphics, dict[str, Any], dict[str, Any]]:
    """What `run` left in a workdir: (network, {"network", "cameras"} parameters, metadata).

    Raises FileNotFoundError when the stage has not run there.
    """
    params, metadata = load_weights(Path(workdir) / STAGE / "network.safetensors")
    return InverseGraphics(**metadata["network"]), params, metadata


def as_cameras(params: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Camera parameters as azimuth, elevation (radians) and distance per view."""
    return {
        "azimuth": np.asarray(params["azimuth"]),
        "elevation": np.asarray(params["elevation"]),
        "distance": np.exp(np.asarray(params["log_distance"])),
    }


def write_cameras(
    path: str | Path, views: Sequence[Mapping[str, Any]], before: Mapping, after: Mapping, fov_degrees: float
) -> None:
    """cameras.json: {"fov_degrees", "views": [{"id", "azimuth_bin", "before": {...}, "after": {...}}]}, degrees."""
    records = [
        {"id": view.get("id", index), "azimuth_bin": int(view["azimuth_bin"]), "before": old, "after": new}
        for index, (view, old, new) in enumerate(
            zip(views, camera_records(before), camera_records(after), strict=True)
        )
    ]
    write_json(path, {"fov_degrees": fov_degrees, "views": records})


def read_cameras(path: str | Path) -> dict[str, np.ndarray]:
    """The trained cameras of a cameras.json: azimuth, elevation (radians) and distance per view."""
    after = [view["after"] for view in read_json(path)["views"]]
    return {
        "azimuth": np.radians([camera["azimuth_degrees"] for camera in after]),
        "elevation": np.radians([camera["elevation_degrees"] for camera in after]),
        "distance": np.array([camera["distance"] for camera in after]),
    }


def predict_meshes(module: InverseGraphics, params, images: np.ndarray, masks: np.ndarray) -> PredictedMeshes:
    """The mesh and texture of every image uint8 [n h w 3], masks uint8 [n h w]."""
    prediction = predict_in_batches(module, params, images, masks)
    template = module.template
    return PredictedMeshes(
        prediction.vertices, prediction.texture, template.faces, template.uv, template.uv_faces
    )


def evaluate_images(
    module: InverseGraphics, params: Mapping[str, Any], images: MultiviewSet, fov_y: float
) -> dict[str, float]:
    """Re-projection figures of a split: 2D IOU and colour error in the input's view and in another one."""
    meshes = predict_meshes(module, params["network"], images.images, images.masks)
    cameras = as_cameras(params["cameras"])
    return image_metrics(
        meshes, images.view_id, images.object_id, cameras, images.images, images.masks, fov_y
    )


def _write_samples(path: Path, module: InverseGraphics, params, multiview: MultiviewSet, fov_y: float) -> None:
    test = multiview.split("test")
    shown = test.take(np.flatnonzero(np.isin(test.object_id, np.unique(test.object_id)[:NUM_SAMPLES])))
    meshes = predict_meshes(module, params["network"], shown.images, shown.masks)
    cameras = as_cameras(params["cameras"])
    sample_sheet(path, meshes, shown.view_id, shown.object_id, cameras, shown.images, fov_y)
