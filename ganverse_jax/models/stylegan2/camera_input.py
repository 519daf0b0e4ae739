"""A camera as an input of StyleGAN2's coarse layers, beside the content, which reaches every layer.

The paper takes the first layers of a finished GAN for the view (section 3.1), which there carry the body too.
A generator trained with this input (round two of the loop) is a function of camera and content:
w of a coarse layer = g_v(camera) + (w_content - w_avg), of the others w_content.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.models.stylegan2.networks import Mapping

PARAMS = "camera_mapping"  # g_v's, among the generator's parameters
ELEVATION_GAIN = 4.0  # elevations span a quarter of a radian, sines and cosines two


class CameraInput(NamedTuple):
    """layers: rows of ws that the camera drives too; mapping_layers: of g_v; cameras [k 2]: azimuth and
    elevation (radians) of real pictures, from which cameras are drawn."""

    layers: int
    mapping_layers: int
    cameras: np.ndarray

    def mapping(self, w_dim: int) -> Mapping:
        """The module of g_v: `features` [b 4] to [b w_dim]."""
        return Mapping(4, w_dim, self.mapping_layers)

    def codes(self, params, cameras: jax.Array) -> jax.Array:
        """g_v of cameras [b 2] (azimuth, elevation in radians): [b w]; params: the generator's."""
        params = params[PARAMS]
        w_dim = params[f"fc{self.mapping_layers - 1}"]["bias"].shape[0]
        return self.mapping(w_dim).apply({"params": params}, features(cameras))

    def ws(self, view_w: jax.Array, content_ws: jax.Array, w_avg: jax.Array) -> jax.Array:
        """ws [b num_ws w] of g_v(camera) [b w] and contents [b num_ws w]."""
        coarse = jnp.arange(content_ws.shape[1])[None, :, None] < self.layers
        return content_ws + jnp.where(coarse, view_w[:, None] - w_avg, 0.0)


def features(cameras: jax.Array) -> jax.Array:
    """What g_v reads of cameras [b 2]: sine and cosine of the azimuth, the elevation, 1: [b 4]."""
    azimuth, elevation = cameras[:, 0], cameras[:, 1]
    rest = ELEVATION_GAIN * elevation, jnp.ones_like(azimuth)
    return jnp.stack([jnp.sin(azimuth), jnp.cos(azimuth), *rest], axis=1)
