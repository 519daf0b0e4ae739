"""A prediction refined on the photo it was made of: Eq. 1 of arXiv:2010.09125 over shape, texture, camera.

One view says nothing of the far side. There the prediction stays: the shape moves by smooth modes that are
mirror images left and right, texels that the photo does not show follow their mirror image alone, and
movement is paid for.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

import rasterizer
from ganverse_jax.losses.image import iou_loss, masked_l1
from ganverse_jax.losses.mesh import flatten_loss, laplacian_loss, mesh_topology, movement_loss
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.inverse_graphics.template import mesh_template, smooth_modes, symmetrise
from ganverse_jax.scene.cameras import Cameras, as_cameras, select_cameras
from ganverse_jax.scene.meshes import PredictedMeshes

# Of the terms: Eq. 1's, of the shape's change, and two that hold texels to the prediction. Chosen on 16 toy
# renders, whose far sides they make better with 50 steps as with 400; the paper's 5, 5, 2.5 for shapes are
# for many views: 150 steps with them on one photo made the outlines from other sides worse than they were.
WEIGHTS = {
    "colour": 20.0,
    "iou": 3.0,
    "laplacian": 5.0,
    "flatten": 1.0,
    "movement": 60.0,
    "near": 20.0,  # mean square of the texture's change
    "smooth": 100.0,  # mean square of that change's steps from texel to texel
}
RATES = {"shape": 0.003, "texture": 0.02, "camera": 0.005}  # of Adam: per mode, texel and camera parameter
# Of the silhouette, in half heights and heights of the picture: a softer one is wider than the shape, which
# shrinks to fit; a sharper one pulls from less far.
SHARPNESS, MARGIN = 25.0, 3.0
DEGREE = 6  # of the smooth modes that move the shape


def refine(
    network: InverseGraphics,
    meshes: PredictedMeshes,
    image: Float[np.ndarray, "h w 3"],
    mask: Float[np.ndarray, "h w"],
    cameras: Cameras,
    fov_y: float,
    *,
    seen: Float[np.ndarray, "h w"] | None = None,
    steps: int,
) -> tuple[PredictedMeshes, dict[str, np.ndarray]]:
    """The one mesh and its camera after `steps` of Eq. 1 on the picture (image and mask in [0, 1]).

    cameras: the fitted one, [1]; fov_y (vertical) in radians; seen: as of `scene.camera_fit.fit_camera`.
    """
    camera = {name: np.float32(cameras[name]) for name in ("azimuth", "elevation", "offset")}
    camera["log_distance"] = np.log(np.float32(cameras["distance"]))
    seen = np.ones_like(mask) if seen is None else seen
    picture = np.float32(image)[None], np.float32(mask)[None, ..., None], np.float32(seen)[None, ..., None]
    shape, texture, camera = jax.device_get(_refined(network, meshes, picture, camera, fov_y, steps))
    return meshes._replace(vertices=shape, texture=texture), as_cameras(camera)


@functools.partial(jax.jit, static_argnums=(0, 5))
def _refined(network, meshes, picture, camera, fov_y, steps: int):
    """Vertices [1 v 3], texture [1 th tw 3] and camera parameters."""
    template = network.template
    modes = smooth_modes(mesh_template(network.icosphere_level).vertices, DEGREE)
    topology = mesh_topology(template.faces, len(modes))
    size = picture[0].shape[1:3]
    silhouette = {"sigma_inverse": SHARPNESS * (size[0] / 2) ** 2, "margin": MARGIN / size[0]}

    change = functools.partial(_change, network, modes)

    def loss(params):
        moved, texels = change(params)
        vertices, texture = meshes.vertices + moved, jnp.clip(meshes.texture + texels, 0.0, 1.0)
        rendered = rasterizer.render(
            vertices, template.faces, template.uv, template.uv_faces, texture,
            select_cameras(params["camera"], jnp.arange(1), fov_y), *size,
            lighting=meshes.light, **silhouette,
        )  # fmt: skip
        along = jnp.roll(texels, 1, axis=2) - texels
        image, mask, seen = picture
        terms = {
            # Within the mask alone: else what reaches beyond it, or over its holes, is painted black.
            "colour": masked_l1(image, mask, rendered.rgb, mask * rendered.mask),
            "iou": iou_loss(mask, seen * rendered.mask),
            "laplacian": laplacian_loss(moved, topology),
            "flatten": flatten_loss(vertices, topology),
            "movement": movement_loss(moved),
            "near": (texels**2).mean(),
            "smooth": (along**2).mean() + (jnp.diff(texels, axis=1) ** 2).mean(),
        }
        return sum(WEIGHTS[name] * term for name, term in terms.items())

    still = {"shape": jnp.zeros((modes.shape[1], 3)), "texture": jnp.zeros_like(meshes.texture)}
    params = _descended(loss, still | {"camera": camera}, steps)
    moved, texels = change(params)
    return meshes.vertices + moved, jnp.clip(meshes.texture + texels, 0.0, 1.0), params["camera"]


def _change(network, modes, params) -> tuple[jax.Array, jax.Array]:
    """Displacements [1 v 3] and texels [1 th tw 3] to add to the prediction."""
    moved, texels = jnp.einsum("vm,mc->vc", modes, params["shape"])[None], params["texture"]
    if network.symmetric:
        moved = symmetrise(moved, network.template.mirror)
        texels = 0.5 * (texels + texels[:, :, ::-1])
    return moved, texels


def _descended(loss: Callable, params: Mapping[str, Any], steps: int):
    parts = {
        name: optax.adam(optax.cosine_decay_schedule(rate, steps, alpha=0.1), b2=0.99)
        for name, rate in RATES.items()
    }
    optimizer = optax.partition(parts, lambda params: {name: name for name in params})

    def step(state, _):
        params, moments = state
        updates, moments = optimizer.update(jax.grad(loss)(params), moments, params)
        return (optax.apply_updates(params, updates), moments), None

    return jax.lax.scan(step, (params, optimizer.init(params)), length=steps)[0][0]
