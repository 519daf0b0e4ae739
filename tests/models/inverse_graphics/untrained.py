"""An untrained network's folder, and photos for it: good, without a mask, too small, and broken."""

import functools

import numpy as np
from PIL import Image

from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.runtime.checkpoint import save_weights
from ganverse_jax.scene.cameras import initial_cameras
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics

NETWORK = dict(
    icosphere_level=2, template_scale=(0.45, 0.35, 0.9), encoder_width=8, encoder_blocks=(1,), code_size=16,
    shape_hidden=16, texture_size=8, texture_channels=(4,),
)  # fmt: skip


@functools.cache
def untrained(**changes):
    """Parameters, made once: the initialisation is compiled. changes: to NETWORK."""
    network = inverse_graphics.init_network(InverseGraphics(**NETWORK | changes), (32, 32), 0)
    return {"network": network, "cameras": initial_cameras([0, 4], 4.2)}


def write_network(folder, changes=None, **card):
    """The stage's file in `folder`; changes: to NETWORK; card: changes to its metadata."""
    changes = changes or {}
    framing = {"size": [32, 32], "share": 0.25, "centre": [0.5, 0.55]}
    known = {"network": NETWORK | changes, "fov_degrees": 30.0, "framing": framing}
    save_weights(folder / "network.safetensors", untrained(**changes), known | card)
    return folder


def write_photos(folder):
    """A broad red ellipse, the same without alpha, a small one, and a broken file."""
    y, x = np.mgrid[:120, :160]
    inside = np.uint8(255 * (((x - 70) / 50) ** 2 + ((y - 60) / 22) ** 2 < 1))
    colour = np.where(inside[..., None] > 0, (200, 30, 40), (90, 110, 90)).astype(np.uint8)
    whole = Image.fromarray(np.dstack([colour, inside]))
    whole.save(folder / "good.png")
    whole.convert("RGB").save(folder / "opaque.jpg")
    whole.resize((16, 12)).save(folder / "small.png")
    (folder / "broken.png").write_bytes(b"\x89PNG")
    return folder
