"""How well StyleGAN-R obeys its handles: masks at requested cameras, and what a swap leaves alone.

Functions handed in: `neural(cameras [n 3], shapes, textures, images, masks) -> [n h w 3]` renders in [0, 1];
`segment(images uint8) -> [n h w]` finds masks in [0, 1]; `dibr(cameras [n 3], shapes, textures) -> ([n h w
3], masks [n h w])` is the graphics renderer. Cameras are azimuth, elevation (radians) and distance.
"""

from collections.abc import Callable

import numpy as np

from ganverse_jax.evaluation.disentanglement import angle_difference, circular_median
from ganverse_jax.evaluation.images import mask_iou
from ganverse_jax.runtime.pixels import unit_to_uint8
from ganverse_jax.stages.stylegan_r.properties import Properties

PROPERTIES = ("shape", "texture", "background")


def mean_change(first: np.ndarray, second: np.ndarray, where: np.ndarray) -> float:
    """Mean absolute colour difference of images [n h w 3] in [0, 1] over the pixels that `where` [n h w]
    holds.

    -1 where it holds none, which the figures' JSON can carry and NaN could not.
    """
    difference = np.abs(first - second).mean(axis=-1)
    return float(difference[where].mean()) if where.any() else -1.0


def render_mix(neural: Callable, properties: Properties, view, **rows) -> np.ndarray:
    """Images from the cameras of views `view` [n], each property from the examples [n] that `rows` names."""
    background = rows["background"]
    return neural(
        properties.cameras[view],
        properties.shapes[rows["shape"]],
        properties.textures[rows["texture"]],
        properties.images[background],
        properties.masks[background],
    )


def swap_measures(
    neural: Callable, segment: Callable, properties: Properties, rows: np.ndarray, partners: np.ndarray
) -> dict[str, float]:
    """Mean colour change when one property of the examples `rows` [n] is taken from `partners` [n].

    background_change_<p>: outside both objects' masks; object_change_<p>: inside both. A disentangled
    renderer has a large background change for p = background and none for shape and texture; the object
    change the other way round.
    """
    view = properties.view_id[rows]
    own = dict.fromkeys(PROPERTIES, rows)
    original = render_mix(neural, properties, view, **own)
    original_mask = segment(unit_to_uint8(original)) > 0.5
    everywhere = np.ones_like(original_mask)
    measures = {"image_error": mean_change(original, properties.images[rows] / 255.0, everywhere)}
    for name in PROPERTIES:
        swapped = render_mix(neural, properties, view, **own | {name: partners})
        mask = segment(unit_to_uint8(swapped)) > 0.5
        measures[f"background_change_{name}"] = mean_change(original, swapped, ~(mask | original_mask))
        measures[f"object_change_{name}"] = mean_change(original, swapped, mask & original_mask)
    return measures


def camera_measures(
    neural: Callable,
    dibr: Callable,
    segment: Callable,
    properties: Properties,
    rows: np.ndarray,
    views: np.ndarray,
    regress: Callable | None,
    reference: np.ndarray | None = None,
) -> dict[str, float]:
    """Agreement of neural renders with the requested camera: the example's own, and that of view `views` [n].

    mask_iou_own_view, mask_iou_other_view: mean 2D IOU with the DIB-R mask of the same shape from the same
    camera. azimuth_error_own_view, azimuth_error_other_view (degrees; with `regress(images uint8) ->
    azimuths [n]` only): median distance from the regressor's reading to `reference` [k], its circular median
    over many of the generator's own images of that view (`view_azimuths`); azimuth_error_generator: the same
    for the generator's images of these examples, so how well its own views hold still.
    """
    measures = {}
    own = properties.view_id[rows]
    if regress:
        readings = regress(properties.images[rows])
        measures["azimuth_error_generator"] = _median_error(readings, reference[own])
    for name, view in (("own_view", own), ("other_view", views)):
        images = unit_to_uint8(render_mix(neural, properties, view, **dict.fromkeys(PROPERTIES, rows)))
        _, target = dibr(properties.cameras[view], properties.shapes[rows], properties.textures[rows])
        measures[f"mask_iou_{name}"] = float(mask_iou(segment(images), target).mean())
        if regress:
            measures[f"azimuth_error_{name}"] = _median_error(regress(images), reference[view])
    return measures


def view_azimuths(regress: Callable, properties: Properties) -> np.ndarray:
    """The regressor's circular median azimuth [k] over the images of each view; NaN where there are none."""
    readings = regress(properties.images)
    found = np.full(len(properties.cameras), np.nan)
    for view in np.unique(properties.view_id):
        found[view] = circular_median(readings[properties.view_id == view])
    return found


def _median_error(readings: np.ndarray, reference: np.ndarray) -> float:
    error = np.abs(np.degrees(angle_difference(readings, reference)))
    return float(np.nanmedian(error)) if np.isfinite(error).any() else -1.0
