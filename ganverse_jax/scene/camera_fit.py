"""The camera of one picture, found by rendering a predicted mesh: colour and IOU of Eq. 1 over the camera.

Several starts are improved side by side, and the best is taken: silhouettes alone take front for back, and
from a wrong quarter no gradient leads home.
"""

import functools
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

import rasterizer
from ganverse_jax.losses.image import soft_iou
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.scene.cameras import NUM_AZIMUTH_BINS, offset_vertices

COLOUR, IOU = 20.0, 3.0  # the paper's weights
# A soft silhouette pulls from further away, but is wider than the shape, as if the camera were nearer; a
# sharp one, a tenth of a pixel too wide (sigma_inverse times a pixel's square), has the last word.
_SOFT, _SHARPNESS = {"sigma_inverse": 1000.0, "margin": 0.06}, 100.0


class FittedCamera(NamedTuple):
    """azimuth, elevation (radians), distance; offset (x, y), as `view_cameras` has it; loss: what is left of
    20 L_col + 3 L_IOU; start: index of the start that led here."""

    azimuth: float
    elevation: float
    distance: float
    offset: tuple[float, float]
    loss: float
    start: int


def bin_starts(
    elevation: float, distance: float, offset: tuple[float, float] = (0.0, 0.0)
) -> dict[str, np.ndarray]:
    """The 12 azimuth bins, at one elevation (radians), distance and offset."""
    azimuth = np.arange(NUM_AZIMUTH_BINS) * (2 * np.pi / NUM_AZIMUTH_BINS)
    return {
        "azimuth": azimuth,
        "elevation": np.full(NUM_AZIMUTH_BINS, elevation),
        "distance": np.full(NUM_AZIMUTH_BINS, distance),
        "offset": np.tile(offset, (NUM_AZIMUTH_BINS, 1)),
    }


def fit_camera(
    network: InverseGraphics,
    vertices: Float[np.ndarray, "v 3"],
    texture: Float[np.ndarray, "th tw 3"],
    image: Float[np.ndarray, "h w 3"],
    mask: Float[np.ndarray, "h w"],
    starts: Mapping[str, np.ndarray],
    fov_y: float,
    *,
    light: Float[np.ndarray, "9"] | None = None,
    steps: int = 100,
    learning_rate: float = 0.04,
) -> FittedCamera:
    """The camera from which the mesh looks most like the picture (image and mask in [0, 1]).

    starts: azimuth, elevation (radians), distance, each [s], and offset [s 2] (0 if left out). light: the
    prediction's; None: unlit. Adam's rate is in radians, log distance and NDC, brought to a tenth along a
    cosine; the first half of the steps sees a soft silhouette.
    """
    params = {name: jnp.asarray(starts[name], jnp.float32) for name in ("azimuth", "elevation")}
    params["log_distance"] = jnp.log(jnp.asarray(starts["distance"], jnp.float32))
    offset = starts.get("offset", np.zeros((len(params["azimuth"]), 2)))
    params["offset"] = jnp.asarray(offset, jnp.float32)
    picture = (jnp.asarray(image, jnp.float32)[None], jnp.asarray(mask, jnp.float32)[None, ..., None])
    mesh = (jnp.asarray(vertices), jnp.asarray(texture), None if light is None else jnp.asarray(light)[None])
    fitted = _fit(network, mesh, picture, params, fov_y, steps=steps, learning_rate=learning_rate)
    found, losses = jax.device_get(fitted)
    best = int(np.argmin(losses))
    return FittedCamera(
        float(found["azimuth"][best] % (2 * np.pi)),
        float(found["elevation"][best]),
        float(np.exp(found["log_distance"][best])),
        tuple(map(float, found["offset"][best])),
        float(losses[best]),
        best,
    )


@functools.partial(jax.jit, static_argnames=("network", "steps", "learning_rate"))
def _fit(network, mesh, picture, params, fov_y, *, steps, learning_rate):
    """Parameters after `steps`, and their losses [s]."""
    (vertices, texture, light), (image, mask) = mesh, picture
    optimizer = optax.adam(optax.cosine_decay_schedule(learning_rate, steps, alpha=0.1))
    height, width = image.shape[1:3]
    template, count = network.template, len(params["azimuth"])

    def losses(params, softness):
        fov = jnp.full(count, fov_y, jnp.float32)
        distance = jnp.exp(params["log_distance"])
        camera = rasterizer.Camera(params["azimuth"], params["elevation"], distance, fov)
        moved = offset_vertices(vertices[None], camera, params["offset"], width / height)
        textures = jnp.broadcast_to(texture, (count, *texture.shape))
        rendered = rasterizer.render(
            moved,
            template.faces,
            template.uv,
            template.uv_faces,
            textures,
            camera,
            height,
            width,
            lighting=light,
            **softness,
        )
        colour = jnp.abs(mask * image - rendered.mask * rendered.rgb).mean(axis=(1, 2, 3))
        iou = soft_iou(jnp.broadcast_to(mask, rendered.mask.shape), rendered.mask)
        return COLOUR * colour + IOU * (1.0 - iou)

    sharp = {"sigma_inverse": _SHARPNESS * (height / 2) ** 2, "margin": 1.0 / height}
    state = params, optimizer.init(params)
    for softness in (_SOFT, sharp):

        def step(state, _, softness=softness):
            params, moments = state
            # The starts do not meet: the gradient of the sum is each one's own.
            gradient = jax.grad(lambda params: losses(params, softness).sum())(params)
            updates, moments = optimizer.update(gradient, moments)
            return (optax.apply_updates(params, updates), moments), None

        state, _ = jax.lax.scan(step, state, length=steps // 2)
    return state[0], losses(state[0], sharp)
