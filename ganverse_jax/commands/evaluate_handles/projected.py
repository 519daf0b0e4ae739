"""Latent optimisation as a renderer with handles: the baseline of Fig. 8, arXiv:2010.09125.

A picture's code in W+ is found (`models.stylegan2.projection`) and edited as codes of a StyleGAN are: another
camera or another view's layers; coarse layers for the shape and fine ones for the texture of another picture.
No layer is the background's own.
"""

import numpy as np

from ganverse_jax.commands.evaluate_handles.measuring import Subject
from ganverse_jax.models.stylegan2.projection import Projector, project, turned
from ganverse_jax.stages.stylegan_r.inputs import Pieces

SHAPE_LAYERS = 6  # rows of ws of up to 16 pixels, where bodies are made; the others dress them


class LatentOptimisation:
    """A `neural` of `stages.stylegan_r.measures` for one subject: properties are known by the examples whose
    they are, and drawn by these examples' codes."""

    def __init__(self, pieces: Pieces, subject: Subject, how: Projector):
        data, self.pieces = subject.data, pieces
        self.ws = project(pieces.source, data.images, how).ws
        self._shapes = {shape.tobytes(): row for row, shape in enumerate(data.shapes)}
        self._textures = {texture.tobytes(): row for row, texture in enumerate(data.textures)}

    def __call__(self, cameras, shapes, textures, images, masks) -> np.ndarray:
        """Images in [0, 1] [n h w 3]. KeyError for a shape or texture of no example."""
        ws = self.ws[[self._shapes[shape.tobytes()] for shape in shapes]].copy()
        dressed = self.ws[[self._textures[texture.tobytes()] for texture in textures]]
        ws[:, SHAPE_LAYERS:] = dressed[:, SHAPE_LAYERS:]
        return turned(self.pieces.source, ws, self._views(np.asarray(cameras))) / np.float32(255.0)

    def _views(self, cameras: np.ndarray) -> np.ndarray:
        """For `turned`: the cameras, or the codes of the chosen views that are nearest to them."""
        if self.pieces.source.gan.camera is not None:
            return cameras[:, :2].astype(np.float32)
        known = np.stack([self.pieces.cameras[name] for name in ("azimuth", "elevation")], axis=1)
        turn = np.angle(np.exp(1j * (cameras[:, None, 0] - known[None, :, 0])))
        away = np.square(turn) + np.square(cameras[:, None, 1] - known[None, :, 1])
        return self.pieces.views.w[away.argmin(axis=1)]
