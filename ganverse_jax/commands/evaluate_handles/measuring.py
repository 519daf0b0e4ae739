"""The figures of one renderer on one set of examples: what it draws when asked, judged by instruments.

`neural` and `dibr` are the callables of `stages.stylegan_r.measures`; any renderer of that signature can be
measured, so a test's, too.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ganverse_jax.evaluation import handles
from ganverse_jax.evaluation.cameras import commanded_cameras, commanded_errors
from ganverse_jax.evaluation.distributions import frechet_distance
from ganverse_jax.evaluation.images import mask_iou
from ganverse_jax.runtime.pixels import unit_to_uint8
from ganverse_jax.stages.stylegan_r.measures import PROPERTIES, Question, measured_pictures
from ganverse_jax.stages.stylegan_r.properties import Properties

SCALES = np.array([0.85, 0.92, 1.1, 1.2])  # of an object's size, by which it is brought nearer


class Instruments(NamedTuple):
    """dibr(cameras, shapes, textures) -> (colours, masks); segment(images uint8) -> masks [n h w];
    read_pose(images) -> (azimuths, elevations, ...) [n]; features(images) -> [n d], with those of real
    pictures [m d]; None where none can be had."""

    dibr: Callable
    segment: Callable
    read_pose: Callable
    features: Callable | None = None
    real: np.ndarray | None = None


class Subject(NamedTuple):
    """Examples whose properties are rendered, what is asked of them, and where truth is known, the masks
    uint8 [n h w] of the real objects: "other_view" and, of the partners, "shape"."""

    data: Properties
    asked: Question
    truth: dict[str, np.ndarray]


def question(data: Properties, views: np.ndarray | None = None) -> Question:
    """Fixed partners of all examples, and other views [n] than their own, at random where not given."""
    random, rows = np.random.default_rng(0), np.arange(len(data))
    if views is None:
        views = (data.view_id + random.integers(1, len(data.cameras), len(data))) % len(data.cameras)
    return Question(rows, data.partners(0, rows), views)


def measure(neural: Callable, subject: Subject, tools: Instruments, num_commanded: int) -> dict[str, float]:
    """Figures of `handles.AIMS` and what explains them, of a renderer; the first `num_commanded` examples are
    turned to every commanded camera."""
    data, asked = subject.data, subject.asked
    pictures = measured_pictures(neural, data, asked)
    masks = {name: tools.segment(shown) for name, shown in pictures.items()}
    figures = _commanded(neural, data, tools, num_commanded)
    figures |= _scaled(neural, data, tools, num_commanded)
    figures |= _outlines(masks, subject, tools) | _texture(pictures, masks, subject, tools)
    figures |= _backgrounds(pictures, masks, subject)
    if tools.features is not None:
        figures |= _quality(pictures, subject, tools)
    return figures


def _commanded(neural: Callable, data: Properties, tools: Instruments, count: int) -> dict[str, float]:
    cameras, rows = commanded_cameras(), np.arange(min(count, len(data)))
    own = np.repeat(data.cameras[data.view_id[rows]], len(cameras), axis=0)
    own[:, :2] = np.tile(cameras, (len(rows), 1))
    each = np.repeat(rows, len(cameras))
    read = tools.read_pose(unit_to_uint8(neural(own, *data.content(each))))
    return commanded_errors(read, *own[:, :2].T)


def _scaled(neural: Callable, data: Properties, tools: Instruments, count: int) -> dict[str, float]:
    """The object's height from its own camera, brought nearer and farther."""
    rows = np.repeat(np.arange(min(count, len(data))), len(SCALES))
    cameras = data.cameras[data.view_id[rows]]
    cameras[:, 2] /= np.tile(SCALES, len(rows) // len(SCALES))
    masks = tools.segment(unit_to_uint8(neural(cameras, *data.content(rows))))
    _, asked = tools.dibr(cameras, data.shapes[rows], data.textures[rows])
    return {"scale_error": handles.height_error(masks, asked)}


def _outlines(masks: dict[str, np.ndarray], subject: Subject, tools: Instruments) -> dict[str, float]:
    """The shape handle, and the masks in the own and another view."""
    data, (rows, partners, views) = subject.data, subject.asked
    view = data.view_id[rows]

    def outline(view, shapes):
        return tools.dibr(data.cameras[view], data.shapes[shapes], data.textures[rows])[1]

    own, donor = outline(view, rows), outline(view, partners)
    figures = {f"shape_{name}": x for name, x in handles.outline_figures(masks["shape"], donor, own).items()}
    before = handles.outline_figures(masks["own_view"], donor, own)
    figures |= {f"shape_{name}_before": before[name] for name in ("iou_donor", "iou_own", "follows")}
    figures["mask_iou_own_view"] = before["iou_own"]
    figures["mask_iou_other_view"] = float(mask_iou(masks["other_view"], outline(views, rows)).mean())
    found = {name: masks[name] for name in subject.truth}
    return figures | {
        f"true_iou_{name}": float(mask_iou(mask, subject.truth[name] / 255.0).mean())
        for name, mask in found.items()
    }


def _texture(pictures, masks, subject: Subject, tools: Instruments) -> dict[str, float]:
    data, (rows, partners, _) = subject.data, subject.asked
    cameras = data.cameras[data.view_id[rows]]
    own, mask = tools.dibr(cameras, data.shapes[rows], data.textures[rows])
    asked, _ = tools.dibr(cameras, data.shapes[rows], data.textures[partners])
    found = handles.texture_figures(pictures["texture"], masks["texture"], asked, own, mask)
    untouched = handles.texture_figures(pictures["own_view"], masks["own_view"], own, asked, mask)
    figures = {f"texture_{name}": value for name, value in found.items()}
    return figures | {"texture_error_before": untouched["error"]}


def _backgrounds(pictures, masks, subject: Subject) -> dict[str, float]:
    """What lies outside the objects: taken over where the background is exchanged, else left alone."""
    data, (rows, partners, _) = subject.data, subject.asked
    behind = {name: mask <= 0.5 for name, mask in masks.items()}
    owned = behind["background"] & (data.masks[rows] <= 127) & (data.masks[partners] <= 127)
    found = handles.background_figures(
        pictures["background"], data.images[partners], data.images[rows], owned
    )
    figures = {f"background_{name}": value for name, value in found.items()}
    changes = {"camera": "other_view", "shape": "shape", "texture": "texture"}
    return figures | {
        f"psnr_{name}": handles.psnr(pictures["own_view"], pictures[key], behind["own_view"] & behind[key])
        for name, key in changes.items()
    }


def _quality(pictures: dict[str, np.ndarray], subject: Subject, tools: Instruments) -> dict[str, float]:
    """Frechet distances to real pictures, of the examples themselves and of as many edits of every kind."""
    edits = np.stack([pictures[name] for name in ("own_view", "other_view", *PROPERTIES)])
    rows = np.arange(len(subject.asked.rows))
    edited = edits[rows % len(edits), rows]
    own, made = (
        frechet_distance(tools.real, tools.features(images))
        for images in (subject.data.images[subject.asked.rows], edited)
    )
    return {"frechet_own": own, "frechet": made, "frechet_ratio": made / max(own, 1e-6)}
