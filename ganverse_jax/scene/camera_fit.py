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
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS
from ganverse_jax.scene.cameras import select_cameras
from ganverse_jax.scene.meshes import PredictedMeshes

COLOUR, IOU = 20.0, 3.0  # the paper's weights
# A soft silhouette pulls from further away, but is wider than the shape, as if the camera were nearer; a
# sharp one, a tenth of a pixel too wide (sigma_inverse times a pixel's square), has the last word.
_SOFT, _SHARPNESS = {"sigma_inverse": 1000.0, "margin": 0.06}, 100.0


class FittedCamera(NamedTuple):
    """azimuth, elevation (radians), distance; offset (x, y), as `scene.cameras` has it; loss: what is left of
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
    meshes: PredictedMeshes,
    row: int,
    image: Float[np.ndarray, "h w 3"],
    mask: Float[np.ndarray, "h w"],
    starts: Mapping[str, np.ndarray],
    fov_y: float,
    *,
    steps: int = 100,
    learning_rate: float = 0.04,
) -> FittedCamera:
    """The camera from which mesh `row` looks most like the picture (image and mask in [0, 1]).

    starts: azimuth, elevation (radians), distance, each [s], and offset [s 2] (0 if left out). Adam's rate is
    in radians, log distance and NDC, brought to a tenth along a cosine; the first half of the steps sees a
    soft silhouette.
    """
    params = {name: jnp.asarray(starts[name], jnp.float32) for name in ("azimuth", "elevation")}
    params["log_distance"] = jnp.log(jnp.asarray(starts["distance"], jnp.float32))
    offset = starts.get("offset", np.zeros((len(params["azimuth"]), 2)))
    params["offset"] = jnp.asarray(offset, jnp.float32)
    picture = (jnp.asarray(image, jnp.float32)[None], jnp.asarray(mask, jnp.float32)[None, ..., None])
    mesh = meshes._replace(
        vertices=jnp.asarray(meshes.vertices[row])[None],
        texture=jnp.asarray(meshes.texture[row]),
        light=None if meshes.light is None else jnp.asarray(meshes.light[row])[None],
    )
    fitted = _fit(mesh, picture, params, fov_y, steps=steps, learning_rate=learning_rate)
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


@functools.partial(jax.jit, static_argnames=("steps", "learning_rate"))
def _fit(mesh, picture, params, fov_y, *, steps, learning_rate):
    """Parameters after `steps`, and their losses [s]."""
    image, mask = picture
    optimizer = optax.adam(optax.cosine_decay_schedule(learning_rate, steps, alpha=0.1))
    height, width = image.shape[1:3]

    def losses(params, softness):
        camera = select_cameras(params, jnp.arange(len(params["azimuth"])), fov_y)
        rendered = _rendered(mesh, camera, (height, width), softness)
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


def _rendered(mesh: PredictedMeshes, camera, size: tuple[int, int], softness) -> rasterizer.Rendered:
    """The one mesh from every camera [s]."""
    count = len(camera.azimuth)
    return rasterizer.render(
        jnp.broadcast_to(mesh.vertices, (count, *mesh.vertices.shape[1:])),
        mesh.faces,
        mesh.uv,
        mesh.uv_faces,
        jnp.broadcast_to(mesh.texture, (count, *mesh.texture.shape)),
        camera,
        *size,
        lighting=mesh.light,
        **softness,
    )
