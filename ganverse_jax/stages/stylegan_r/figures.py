"""The pictures of StyleGAN-R: dual renderer (Fig. 7), camera sweeps (Fig. 9), swaps (Fig. 10),
arXiv:2010.09125.

`neural` and `dibr` are the callables of `measures`.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ganverse_jax.runtime.pixels import unit_to_uint8
from ganverse_jax.scene.drawing import on_white
from ganverse_jax.stages.stylegan_r.measures import PROPERTIES, render_mix
from ganverse_jax.stages.stylegan_r.properties import Properties

SWEEPS = ("azimuth", "elevation", "scale")
SMALLEST_ELEVATION_SWEEP = np.deg2rad(5.0)
SMALLEST_DISTANCE_SWEEP = 0.08


def sweep_cameras(start: np.ndarray, views: np.ndarray, name: str, count: int) -> np.ndarray:
    """Cameras [n count 3] that turn, lift or approach from cameras `start` [n 3] (azimuth, elevation,
    distance).

    "azimuth": a whole turn from the front. "elevation" and "scale": through the range of the chosen views'
    cameras [k 3], but at least 5 degrees and 8 % either way, since optimised cameras may lie closer than
    one can see. "scale" goes from far (small) to near (large).
    """
    swept = np.repeat(start[:, None], count, axis=1)
    if name == "azimuth":
        swept[..., 0] = 2 * np.pi * np.arange(count) / count
    elif name == "elevation":
        swept[..., 1] = _range(views[:, 1], SMALLEST_ELEVATION_SWEEP, count)
    elif name == "scale":
        swept[..., 2] = np.exp(_range(np.log(views[:, 2]), SMALLEST_DISTANCE_SWEEP, count))[::-1]
    else:
        raise ValueError(f"sweep {name!r} is none of azimuth, elevation, scale")
    return swept


def _range(values: np.ndarray, smallest: float, count: int) -> np.ndarray:
    centre, half = 0.5 * (values.max() + values.min()), 0.5 * (values.max() - values.min())
    return centre + max(half, smallest) * np.linspace(-1, 1, count)


def dual_renderer(
    neural: Callable, dibr: Callable, properties: Properties, rows: np.ndarray
) -> dict[str, np.ndarray]:
    """inputs, dibr (on white), neural [n h w 3]: one {S, T} in both renderers, from the example's camera."""
    colour, mask = dibr(
        properties.cameras[properties.view_id[rows]], properties.shapes[rows], properties.textures[rows]
    )
    own = dict.fromkeys(PROPERTIES, rows)
    return {
        "inputs": properties.images[rows],
        "dibr": unit_to_uint8(on_white(colour, mask)),
        "neural": unit_to_uint8(render_mix(neural, properties, properties.view_id[rows], **own)),
    }


def camera_sweeps(
    neural: Callable, properties: Properties, rows: np.ndarray, count: int, names: Sequence[str] = SWEEPS
) -> dict[str, np.ndarray]:
    """NAME_sweep [n count h w 3] by each of `names`, of the examples `rows`, content fixed."""
    start = properties.cameras[properties.view_id[rows]]
    repeated = np.repeat(rows, count)
    content = properties.content(repeated)
    figures = {}
    for name in names:
        cameras = sweep_cameras(start, properties.cameras, name, count)
        images = unit_to_uint8(neural(cameras.reshape(-1, cameras.shape[-1]), *content))
        figures[f"{name}_sweep"] = images.reshape(len(rows), count, *images.shape[1:])
    return figures


def swaps(neural: Callable, properties: Properties, rows: np.ndarray) -> dict[str, np.ndarray]:
    """sampled, shape_swap, texture_swap, background_swap [3 h w 3], as in Fig. 10, for three examples.

    All three take the first one's shape, the second one's texture, the third one's background; views stay.
    """
    view, own = properties.view_id[rows], dict.fromkeys(PROPERTIES, rows)
    figures = {"sampled": unit_to_uint8(render_mix(neural, properties, view, **own))}
    for source, name in zip(rows, PROPERTIES, strict=True):
        mixed = own | {name: np.full(len(rows), source)}
        figures[f"{name}_swap"] = unit_to_uint8(render_mix(neural, properties, view, **mixed))
    return figures
