"""What a trained network makes of pictures: inference, without a loss or an optimizer in sight."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

import rasterizer
from ganverse_jax.models.inverse_graphics.network import InverseGraphics, Prediction
from ganverse_jax.runtime.batched import in_batches
from ganverse_jax.scene.meshes import PredictedMeshes


def render_prediction(
    network: InverseGraphics,
    prediction: Prediction,
    camera: rasterizer.Camera,
    size: tuple[int, int],
    **options,
) -> rasterizer.Rendered:
    """Render each prediction, in its light if it has one, from as many cameras in a row as cameras per
    prediction: cameras [b * k], k >= 1; options of `rasterizer.render`."""
    times = len(camera.azimuth) // len(prediction.vertices)
    template, light = network.template, prediction.light
    return rasterizer.render(
        prediction.vertices.repeat(times, axis=0),
        template.faces,
        template.uv,
        template.uv_faces,
        prediction.texture.repeat(times, axis=0),
        camera,
        *size,
        lighting=None if light is None else light.repeat(times, axis=0),
        **options,
    )


def predict_meshes(module: InverseGraphics, params, images: np.ndarray, masks: np.ndarray) -> PredictedMeshes:
    """The mesh, texture and light of every image uint8 [n h w 3], masks uint8 [n h w]."""
    prediction = predict_in_batches(module, params, images, masks)
    template = module.template
    return PredictedMeshes(
        prediction.vertices,
        prediction.texture,
        template.faces,
        template.uv,
        template.uv_faces,
        prediction.light,
    )


def predict_in_batches(
    network: nn.Module, params, images: np.ndarray, masks: np.ndarray, batch_size: int = 16
) -> Any:
    """What a network of images and masks in [0, 1] makes (NumPy; an `InverseGraphics`: a `Prediction`) of
    images uint8 [n h w 3] and masks uint8 [n h w]; the last batch is padded."""
    predict = functools.partial(_predict, network, params)
    return in_batches(predict, images, masks, size=batch_size, whole=False)


@functools.partial(jax.jit, static_argnums=0)
def _predict(network, params, image, mask):
    image, mask = image.astype(jnp.float32) / 255.0, mask[..., None].astype(jnp.float32) / 255.0
    return network.apply({"params": params}, image, mask)
