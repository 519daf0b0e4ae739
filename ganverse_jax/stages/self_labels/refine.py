"""Shapes and poses refined together by rendering real pictures, a single view of each object.

The pose network gives the camera from which the predicted mesh is compared with the picture: Eq. 1 of
arXiv:2010.09125 without its perceptual term. Both networks learn; what each gets wrong by itself (a body that
changes with the view, a pose that is a habit of the labels) shows in the pictures. Never a truth.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import rasterizer
from ganverse_jax.losses.image import iou_loss, masked_l1
from ganverse_jax.losses.mesh import flatten_loss, laplacian_loss, mesh_topology, movement_loss
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.inverse_graphics.prediction import render_prediction
from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.runtime import parallel
from ganverse_jax.stages.self_labels.settings import Refine, Settings

_DECAY = 0.998  # of the parameters' moving average


def refine(
    run: Run,
    settings: Settings,
    network: InverseGraphics,
    params: Any,
    pose: LearnedPoseRegressor,
    *,
    images: np.ndarray,
    masks: np.ndarray,
    fov_y: float,
) -> dict[str, Any]:
    """The averaged parameters {"network", "pose"} after `settings.refine.num_steps` steps, on the host.

    params: of the network; images uint8 [n h w 3], masks uint8 [n h w]; fov_y (vertical) in radians.
    """
    chosen, key = settings.refine, jax.random.fold_in(jax.random.key(run.seed), 3)
    optimizer = _optimizer(chosen)
    start = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), {"network": params, "pose": pose.params})
    state = {"params": start, "average": start, "optimizer": optimizer.init(start), "step": np.int32(0)}

    mine = parallel.local_rows(chosen.batch_size, run.mesh)

    def batch_at(index: int) -> dict[str, np.ndarray]:
        rows = np.random.default_rng([run.seed, 3, index]).integers(0, len(images), chosen.batch_size)[mine]
        return {"images": images[rows], "masks": masks[rows]}

    parallel.check_divisible(chosen.batch_size, run.mesh.size, "self_labels.refine.batch_size")
    step = parallel.data_parallel(_step(network, pose, settings, optimizer, fov_y), run.mesh)
    loop = run.loop("self_labels_refine", settings, num_steps=chosen.num_steps, key=key,
                    checkpoints="self_labels/refine")  # fmt: skip
    return jax.device_get(loop.fit(state, lambda index: step, batch_at)["average"])


def _optimizer(chosen: Refine) -> optax.GradientTransformation:
    rates = {"network": chosen.learning_rate, "pose": chosen.pose_learning_rate}
    parts = {
        name: optax.adam(optax.cosine_decay_schedule(rate, chosen.num_steps, alpha=0.05))
        for name, rate in rates.items()
    }
    return optax.partition(parts, lambda params: {name: name for name in params})


def _step(
    network: InverseGraphics, pose: LearnedPoseRegressor, settings: Settings, optimizer, fov_y: float
) -> Callable:
    """The per-device step(state, batch, *, key) for `parallel.data_parallel`."""
    topology = mesh_topology(network.template.faces, len(network.template.vertices))
    weights, sigma_inverse = vars(settings.refine.weights), settings.sigma_inverse

    def loss(params, batch):
        images = batch["images"].astype(jnp.float32) / 255.0
        masks = batch["masks"][..., None].astype(jnp.float32) / 255.0
        prediction = network.apply({"params": params["network"]}, images, masks)
        camera = read_camera(pose, params["pose"], images, fov_y)
        size = images.shape[1:3]
        rendered = render_prediction(network, prediction, camera, size, sigma_inverse=sigma_inverse)
        terms = {
            "colour": masked_l1(images, masks, rendered.rgb, rendered.mask),
            "iou": iou_loss(masks, rendered.mask),
            "laplacian": laplacian_loss(prediction.displacements, topology),
            "flatten": flatten_loss(prediction.vertices, topology),
            "movement": movement_loss(prediction.displacements),
        }
        return sum(weights[name] * value for name, value in terms.items()), terms

    def step(state, batch, *, key):
        del key  # nothing is drawn
        (total, terms), gradient = jax.value_and_grad(loss, has_aux=True)(state["params"], batch)
        gradient, metrics = parallel.mean((gradient, {"loss": total} | terms))
        updates, moments = optimizer.update(gradient, state["optimizer"], state["params"])
        params, count = optax.apply_updates(state["params"], updates), state["step"] + 1
        decay = jnp.minimum(_DECAY, count / (count + 10.0))
        average = jax.tree.map(lambda a, p: decay * a + (1.0 - decay) * p, state["average"], params)
        return {"params": params, "average": average, "optimizer": moments, "step": count}, metrics

    return step


def read_camera(pose: LearnedPoseRegressor, params, images: jax.Array, fov_y: float) -> rasterizer.Camera:
    """The cameras that the pose network reads off images [b h w 3] in [0, 1]."""
    read = pose.apply(params, images * 2.0 - 1.0)
    (elevation, spread), (distance, scale) = pose.elevation_stats, pose.distance_stats
    return rasterizer.Camera(
        jnp.arctan2(read[:, 0], read[:, 1]),
        read[:, 2] * spread + elevation,
        read[:, 3] * scale + distance,
        fov_y=fov_y,
    )
