"""What single layers of a generator draw: block features as pictures, and layers varied one group at a time
(Appendix B of arXiv:2010.09125)."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.models.stylegan2.networks import Generator, SynthesisBlock


def block_pictures(module: Generator, variables, ws: np.ndarray) -> list[np.ndarray]:
    """The feature map of each block seen through the last block's toRGB: uint8 [n h w 3], h = 4, 8, ...

    As in Appendix B the channels are summed and the sum is repeated to the last block's width. Two things the
    paper leaves open: the sum is brought to mean 0 and deviation 1 first, and every picture is stretched
    between its own 1st and 99th percentile, since sums over 512 channels lie far outside the image's range.
    """

    @jax.jit
    def draw(variables, ws):
        _, seen = module.apply(
            variables,
            ws,
            method=Generator.synthesis,
            capture_intermediates=lambda part, _: isinstance(part, SynthesisBlock),
        )
        styles = module.apply(variables, ws, method=Generator.styles)
        last = module.layers[-1]
        pictures = []
        for block in seen["intermediates"].values():
            total = block["__call__"][0][0].sum(axis=-1, keepdims=True)
            deviation = total.std(axis=(1, 2, 3), keepdims=True) + 1e-8
            total = (total - total.mean(axis=(1, 2, 3), keepdims=True)) / deviation
            repeated = jnp.repeat(total, last.width, axis=-1)
            pictures.append(module.apply(variables, repeated, styles[last.name], method=_last_rgb))
        return sorted(pictures, key=lambda picture: picture.shape[1])

    return [_stretched(np.asarray(picture)) for picture in draw(variables, ws)]


def _last_rgb(module: Generator, x, style):
    return getattr(module, f"b{module.resolution}").torgb(x, style)


def _stretched(pictures: np.ndarray) -> np.ndarray:
    low, high = np.percentile(pictures, [1, 99], axis=(1, 2, 3))[:, :, None, None, None]
    return np.uint8(((pictures - low) / np.maximum(high - low, 1e-8)).clip(0, 1) * 255 + 0.5)


def layer_groups(num_ws: int) -> list[range]:
    """Rows of ws two by two, as the blocks of Appendix B: 0-1, 2-3, ..."""
    return [range(start, min(start + 2, num_ws)) for start in range(0, num_ws, 2)]


def vary_layers(base: np.ndarray, others: np.ndarray, rows: Sequence[int]) -> np.ndarray:
    """ws [n num_ws w] that take `rows` from the codes others [n w] and the rest from base [num_ws w]."""
    ws = np.repeat(base[None], len(others), axis=0)
    ws[:, list(rows)] = others[:, None]
    return ws


def pixel_deviation(images: np.ndarray) -> np.ndarray:
    """Standard deviation per pixel [h w] over images uint8 [n h w 3], its root mean square over colours, in
    0..1."""
    return np.sqrt((images.astype(np.float32) / 255).var(axis=0).mean(axis=-1))


def heat_map(values: np.ndarray, highest: float) -> np.ndarray:
    """values [... h w] in 0..highest as colours uint8 [... h w 3]: black, violet, red, orange, white."""
    stops = np.array([[0, 0, 0], [70, 20, 90], [178, 50, 60], [240, 140, 50], [255, 240, 200]], float)
    x = (values / max(highest, 1e-8)).clip(0, 1) * (len(stops) - 1)
    low = np.minimum(x.astype(int), len(stops) - 2)
    share = (x - low)[..., None]
    return np.uint8(stops[low] * (1 - share) + stops[low + 1] * share + 0.5)
