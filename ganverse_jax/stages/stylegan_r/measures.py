"""How well StyleGAN-R obeys its handles: masks at requested cameras, and what a swap leaves alone.

Functions handed in: `neural(cameras [n 3], shapes, textures, images, masks) -> [n h w 3]` renders in [0, 1];
`dibr(cameras [n 3], shapes, textures) -> ([n h w 3], masks [n h w])` is the graphics renderer. Cameras are
azimuth, elevation (radians) and distance. What is measured is drawn first (`measured_pictures`); masks are
then found for all of it together.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ganverse_jax.evaluation.cameras import circular_median, wrap_angle
from ganverse_jax.evaluation.images import mask_iou, mean_change
from ganverse_jax.runtime.pixels import unit_to_uint8
from ganverse_jax.stages.stylegan_r.properties import Properties

PROPERTIES = ("shape", "texture", "background")


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


class Question(NamedTuple):
    """What is asked of a renderer: examples rows [n], whose properties are exchanged for those of `partners`
    [n] and which are seen from views [n] beside their own."""

    rows: np.ndarray
    partners: np.ndarray
    views: np.ndarray


def measured_pictures(neural: Callable, properties: Properties, asked: Question) -> dict[str, np.ndarray]:
    """Renders uint8 [n h w 3]: "own_view" and "other_view" of each example, and by the name of a property
    its own view with that property of the partner."""
    own = dict.fromkeys(PROPERTIES, asked.rows)
    view = properties.view_id[asked.rows]
    mixes = {"own_view": (view, own), "other_view": (asked.views, own)}
    mixes |= {name: (view, own | {name: asked.partners}) for name in PROPERTIES}
    return {
        name: unit_to_uint8(render_mix(neural, properties, seen, **rows))
        for name, (seen, rows) in mixes.items()
    }


def swap_measures(
    pictures: Mapping[str, np.ndarray], masks: Mapping[str, np.ndarray], examples: np.ndarray
) -> dict[str, float]:
    """Mean colour change when one property of examples, pictures uint8 [n h w 3], is taken from others.

    pictures, masks: `measured_pictures` and where their objects are. background_change_<p>: outside both
    objects' masks; object_change_<p>: inside both. A disentangled renderer has a large background change for
    p = background and none for shape and texture; the object change the other way round. image_error: of the
    example rendered from its own properties.
    """
    original, inside = pictures["own_view"], masks["own_view"] > 0.5
    measures = {"image_error": mean_change(original, examples, np.ones_like(inside))}
    for name in PROPERTIES:
        mask = masks[name] > 0.5
        measures[f"background_change_{name}"] = mean_change(original, pictures[name], ~(mask | inside))
        measures[f"object_change_{name}"] = mean_change(original, pictures[name], mask & inside)
    return measures


def camera_measures(
    pictures: Mapping[str, np.ndarray],
    masks: Mapping[str, np.ndarray],
    dibr: Callable,
    properties: Properties,
    asked: Question,
    regress: Callable | None,
    reference: np.ndarray | None = None,
) -> dict[str, float]:
    """Agreement of neural renders with the requested camera: the example's own, and that of another view.

    pictures, masks: `measured_pictures` and where their objects are.

    mask_iou_own_view, mask_iou_other_view: mean 2D IOU with the DIB-R mask of the same shape from the same
    camera. azimuth_error_own_view, azimuth_error_other_view (degrees; with `regress(images uint8) ->
    azimuths [n]` only): median distance from the regressor's reading to `reference` [k], its circular median
    over many of the generator's own images of that view (`view_azimuths`); azimuth_error_generator: the same
    for the generator's images of these examples, so how well its own views hold still.
    """
    measures, rows = {}, asked.rows
    own = properties.view_id[rows]
    if regress:
        readings = regress(properties.images[rows])
        measures["azimuth_error_generator"] = _median_error(readings, reference[own])
    for name, view in (("own_view", own), ("other_view", asked.views)):
        _, target = dibr(properties.cameras[view], properties.shapes[rows], properties.textures[rows])
        measures[f"mask_iou_{name}"] = float(mask_iou(masks[name], target).mean())
        if regress:
            measures[f"azimuth_error_{name}"] = _median_error(regress(pictures[name]), reference[view])
    return measures


def view_azimuths(regress: Callable, properties: Properties) -> np.ndarray:
    """The regressor's circular median azimuth [k] over the images of each view; NaN where there are none."""
    readings = regress(properties.images)
    found = np.full(len(properties.cameras), np.nan)
    for view in np.unique(properties.view_id):
        found[view] = circular_median(readings[properties.view_id == view]) % (2 * np.pi)
    return found


def _median_error(readings: np.ndarray, reference: np.ndarray) -> float:
    error = np.abs(np.degrees(wrap_angle(readings - reference)))
    return float(np.nanmedian(error)) if np.isfinite(error).any() else -1.0
