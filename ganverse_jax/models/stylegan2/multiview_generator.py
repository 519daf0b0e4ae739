"""A GAN as multi-view data generator: views in the first slots of ws, contents in the rest (section 3.1)."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np

from ganverse_jax.models.stylegan2.networks import Generator, truncate
from ganverse_jax.models.stylegan2.stored import LoadedGenerator
from ganverse_jax.models.stylegan2.style_space import flatten_styles, style_layout
from ganverse_jax.runtime.batched import in_batches
from ganverse_jax.runtime.pixels import gan_to_uint8


class MultiviewGenerator:
    """Images of (view code, content code) pairs from one GAN, in compiled batches of one size.

    A code is one w [w_dim]. The view's drives the first four rows of ws and the content's the others, or the
    view's the dimensions of the styles that `gan.view_mask` holds; where the generator takes a camera, the
    view's code is g_v of it and the content's reaches every row (`camera_input`). Noise inputs are the
    constant ones: an image is a function of its two codes alone.

    Args: gan: generator, variables, w_avg and fingerprint; batch_size: images per compiled call; crop: first
    and last (exclusive) row of the picture inside the square, e.g. (64, 448) for the 512x384 cars.
    size: (h, w) of the pictures; rows: first and last (exclusive) of the square.
    """

    def __init__(self, gan: LoadedGenerator, *, batch_size: int = 64, crop: tuple[int, int] | None = None):
        self.gan, self.batch_size = gan, batch_size
        self.module = gan.module
        self.layout = style_layout(self.module)
        top, bottom = crop or (0, self.module.resolution)
        self.size, self.rows = (bottom - top, self.module.resolution), (top, bottom)

        @jax.jit
        def synthesise(variables, view_w, content_w):
            styles = gan.mixed_styles(variables, view_w, content_w)
            image = self.module.apply(variables, styles, method=Generator.from_styles)
            return gan_to_uint8(image[:, top:bottom]), flatten_styles(styles, self.layout)

        @jax.jit
        def to_w(variables, w_avg, z, psi):
            w = self.module.apply(variables, z, method=Generator.map)
            return truncate(w[:, None], w_avg, psi)[:, 0]

        @jax.jit
        def draw(variables, ws):
            return gan_to_uint8(self.module.apply(variables, ws, method=Generator.synthesis)[:, top:bottom])

        self._synthesise, self._to_w, self._draw = synthesise, to_w, draw

    def codes(self, seeds: np.ndarray, psi: float) -> np.ndarray:
        """w [n w_dim] float32 of integer seeds [n], truncated towards w_avg by psi.

        Each seed has its own NumPy stream: a code does not depend on which others are asked for.
        """
        z = [np.random.default_rng(int(seed)).standard_normal(self.module.z_dim) for seed in seeds]
        z = np.array(z, np.float32).reshape(-1, self.module.z_dim)
        # In blocks of one shape: another batch shape would be another program, with other rounding.
        return in_batches(
            lambda z: self._to_w(self.gan.variables, self.gan.w_avg, z, np.float32(psi)), z, size=64
        )

    def view_codes(self, seeds: np.ndarray, psi: float) -> np.ndarray:
        """Codes [n w_dim] of random views, by seed: of cameras of real pictures where the generator takes
        cameras, else `codes`."""
        if self.gan.camera is None:
            return self.codes(seeds, psi)
        table = self.gan.camera.cameras
        rows = [np.random.default_rng(int(seed)).integers(len(table)) for seed in seeds]
        return self.camera_codes(table[rows])

    def camera_codes(self, cameras: np.ndarray) -> np.ndarray:
        """Codes [n w_dim] of the views from cameras [n 2] (azimuth, elevation in radians).

        Raises ValueError for a generator that takes no camera.
        """
        if self.gan.camera is None:
            raise ValueError(
                f"generator {self.gan.fingerprint} takes no camera; train one with gan.camera set "
                "(configs/toy_car.py)"
            )
        cameras = np.asarray(cameras, np.float32)
        return np.asarray(self.gan.camera.codes(self.gan.variables["params"], cameras))

    def pairs(self, view_w: np.ndarray, content_w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images uint8 [n h w 3] and flat W* float32 [n s] of view and content codes [n w_dim]."""
        synthesise = partial(self._synthesise, self.gan.variables)
        return in_batches(synthesise, view_w, content_w, size=self.batch_size)

    def images(self, ws: np.ndarray) -> np.ndarray:
        """Images uint8 [n h w 3] of ws [n num_ws w_dim], where every row may be of another code."""
        return in_batches(partial(self._draw, self.gan.variables), ws, size=self.batch_size)

    def grid(self, view_w: np.ndarray, content_w: np.ndarray) -> np.ndarray:
        """Images uint8 [contents views h w 3] of every content [c w_dim] in every view [v w_dim]."""
        views, contents = len(view_w), len(content_w)
        images, _ = self.pairs(np.tile(view_w, (contents, 1)), np.repeat(content_w, views, axis=0))
        return images.reshape(contents, views, *images.shape[1:])
