"""How far a picture's camera stands off its view's: a view code holds the camera to a few degrees only.

The paper gives all pictures of a view one camera (section 3.1). Here a small network of its own reads each
picture; residuals are penalised, so that a view's camera takes the mean of its pictures and they what is
left.
"""

from typing import Any

import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from ganverse_jax.models.inverse_graphics.network import Encoder, encoder_input, flat_4x4

# What a residual of 1 is: radians of azimuth and elevation, log distance, NDC. The toy GAN's pictures stand
# 3 degrees, 2 % and 0.02 off their views (medians).
UNITS = np.array([0.1, 0.1, 0.05, 0.05, 0.05], np.float32)


class CameraResidual(nn.Module):
    """Pictures and masks in [0, 1] to residuals [b 5] in `UNITS`: azimuth, elevation, log distance, offset
    (x, y); 0 at the start."""

    width: int = 16
    blocks: tuple[int, ...] = (1, 1, 1)
    hidden: int = 64

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 3"], mask: Float[Array, "b h w 1"]) -> Float[Array, "b 5"]:
        plane = Encoder(self.width, self.blocks, name="encoder")(encoder_input(image, mask))
        hidden = nn.relu(nn.Dense(self.hidden, name="hidden")(flat_4x4(plane, 2 ** len(self.blocks))))
        return nn.Dense(len(UNITS), kernel_init=nn.initializers.zeros, name="out")(hidden)


def moved_cameras(cameras, residual: Float[Array, "b 5"]) -> dict[str, Any]:
    """Camera parameters [b] (`scene.cameras`) of as many pictures, moved by their residuals in `UNITS`."""
    step = residual * UNITS
    moved = dict(zip(("azimuth", "elevation", "log_distance"), step.T[:3], strict=True))
    return {name: cameras[name] + value for name, value in moved.items()} | {
        "offset": cameras.get("offset", 0.0) + step[:, 3:]
    }
