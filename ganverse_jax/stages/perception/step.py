"""Training steps of the two perception networks, written per device (see parallel.py)."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganverse_jax.data.augment import augment
from ganverse_jax.losses.image import iou_loss
from ganverse_jax.runtime import parallel

# How far the segmenter's pictures are zoomed; the regressor's are not, since it reads the distance.
SEGMENTER_ZOOM = 0.15


def make_optimizer(learning_rate: float, num_steps: int) -> optax.GradientTransformation:
    """Adam with a short warm-up, then a cosine to zero; gradients clipped to norm 1."""
    warmup = max(1, num_steps // 20)
    schedule = optax.warmup_cosine_decay_schedule(0.0, learning_rate, warmup, max(num_steps, warmup + 1))
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule))


def initial_state(
    module, resolution: int, optimizer: optax.GradientTransformation, *, seed: int
) -> dict[str, Any]:
    """{"params", "optimizer"} of a freshly initialised network for square images, as host arrays.

    Kernels are normal with variance 2 / fan-in (arXiv:1502.01852); drawn by NumPy because compiling
    Flax's initialisers takes longer than the first training steps on a CPU.
    """
    inputs = jnp.zeros((1, resolution, resolution, 3))
    shapes = jax.eval_shape(module.init, jax.random.key(0), inputs)["params"]
    generator = np.random.default_rng(seed)

    def leaf(path, shape):
        kind = path[-1].key
        if kind == "kernel":
            scale = np.sqrt(2 / np.prod(shape.shape[:-1]))
            return (scale * generator.standard_normal(shape.shape)).astype(np.float32)
        return np.full(shape.shape, 1.0 if kind == "scale" else 0.0, np.float32)

    params = jax.tree_util.tree_map_with_path(leaf, shapes)
    moments = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), jax.eval_shape(optimizer.init, params))
    return {"params": params, "optimizer": moments}


def augmented(batch: dict[str, jax.Array], zoom: float, key) -> tuple[jax.Array, jax.Array]:
    """Images in [-1, 1] and masks in [0, 1] of a uint8 batch, each example augmented by its own key."""
    images = batch["image"].astype(jnp.float32) / 255
    masks = batch["mask"].astype(jnp.float32) / 255
    keys = parallel.example_keys(key, batch["index"])
    images, masks = jax.vmap(lambda i, m, k: augment(i, m, k, zoom=zoom))(images, masks, keys)
    return images * 2 - 1, masks


def segmenter_loss(logits: jax.Array, masks: jax.Array) -> dict[str, jax.Array]:
    """Cross-entropy per pixel and 1 - IOU of logits [b h w] against soft masks [b h w]."""
    entropy = optax.sigmoid_binary_cross_entropy(logits, masks).mean()
    return {"entropy": entropy, "iou_loss": iou_loss(masks[..., None], jax.nn.sigmoid(logits)[..., None])}


def pose_loss(raw: jax.Array, targets: jax.Array) -> dict[str, jax.Array]:
    """Mean squared errors of PoseNet's output [b 4] against `pose_targets` [b 4], by part."""
    squared = (raw - targets) ** 2
    return {
        "azimuth": squared[:, :2].sum(-1).mean(),
        "elevation": squared[:, 2].mean(),
        "distance": squared[:, 3].mean(),
    }


def pose_targets(azimuth, elevation, distance, elevation_stats, distance_stats):
    """(sin, cos, standardised elevation, standardised distance) [n 4] of cameras in radians; arrays of NumPy
    or JAX, which the result is of."""
    xp = jnp if isinstance(azimuth, jax.Array) else np
    columns = (
        xp.sin(azimuth),
        xp.cos(azimuth),
        (elevation - elevation_stats[0]) / elevation_stats[1],
        (distance - distance_stats[0]) / distance_stats[1],
    )
    return xp.stack(columns, axis=-1).astype(np.float32)


def make_step(loss_parts: Callable, weights: dict[str, float], optimizer, mesh) -> Callable:
    """Data-parallel step minimising sum of weights[name] * loss_parts(params, batch, key)[name]."""

    def step(state, batch, *, key):
        def total(params):
            parts = loss_parts(params, batch, key)
            return sum(weights[name] * value for name, value in parts.items()), parts

        (loss, parts), gradients = jax.value_and_grad(total, has_aux=True)(state["params"])
        gradients = parallel.mean(gradients)
        updates, moments = optimizer.update(gradients, state["optimizer"], state["params"])
        params = optax.apply_updates(state["params"], updates)
        return {"params": params, "optimizer": moments}, parallel.mean({"loss": loss} | parts)

    return parallel.data_parallel(step, mesh)


def segmenter_step(module, optimizer, mesh) -> Callable:
    """Step over batches {"image", "mask" uint8, "index"}."""

    def parts(params, batch, key):
        images, masks = augmented(batch, SEGMENTER_ZOOM, key)
        return segmenter_loss(module.apply({"params": params}, images), masks)

    return make_step(parts, {"entropy": 1.0, "iou_loss": 1.0}, optimizer, mesh)


POSE_WEIGHTS = {"azimuth": 1.0, "elevation": 0.1, "distance": 0.1}


def pose_step(module, optimizer, mesh) -> Callable:
    """Step over batches {"image", "mask" uint8, "pose" [b 4], "index"}."""

    def parts(params, batch, key):
        images, _ = augmented(batch, 0.0, key)
        return pose_loss(module.apply({"params": params}, images), batch["pose"])

    return make_step(parts, POSE_WEIGHTS, optimizer, mesh)
