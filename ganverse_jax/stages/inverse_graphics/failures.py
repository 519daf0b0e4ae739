"""Where inverse graphics fails (Fig. O of arXiv:2010.09125): its worst test cases, found by figures."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ganverse_jax.data.multiview.set import MultiviewSource
from ganverse_jax.evaluation.inverse_graphics import ImageErrors
from ganverse_jax.pages.grid import labelled_grid
from ganverse_jax.scene.drawing import render_on_white, turn_round

NUM_WORST = 3  # objects by each figure
BY_IOU, BY_COLOUR = "2D IOU", "colour error, another view"


class Case(NamedTuple):
    """One of the worst: image `row`, seen from the view of image `other` as well (-1: there is none)."""

    by: str
    value: float
    row: int
    other: int


def worst_cases(errors: ImageErrors, objects: np.ndarray, count: int = NUM_WORST) -> list[Case]:
    """The `count` objects [n] of least 2D IOU in the input's view, then those of the greatest colour error in
    another view, each by its worst picture, none twice. A tie goes to the first picture."""
    other = dict(zip(errors.rows.tolist(), errors.others.tolist(), strict=True))
    ranked = [
        Case(BY_IOU, float(errors.own.iou[row]), int(row), other.get(int(row), -1))
        for row in np.argsort(errors.own.iou, kind="stable")
    ]
    cases = _of_new_objects(ranked, objects, set(), count)
    if errors.elsewhere is not None:
        error = errors.elsewhere.colour_error
        order = np.argsort(-np.where(np.isfinite(error), error, 1.0), kind="stable")
        pairs = zip(errors.rows[order].tolist(), errors.others[order].tolist(), error[order], strict=True)
        ranked = [Case(BY_COLOUR, float(value), row, seen) for row, seen, value in pairs if value == value]
        cases += _of_new_objects(ranked, objects, {int(objects[case.row]) for case in cases}, count)
    return cases


def _of_new_objects(ranked: list[Case], objects: np.ndarray, shown: set[int], count: int) -> list[Case]:
    found: dict[int, Case] = {}
    for case in ranked:
        label = int(objects[case.row])
        if label not in shown and len(found) < count:
            found.setdefault(label, case)
    return list(found.values())


def failure_figures(
    predict: Callable,
    cases: Sequence[Case],
    multiview: MultiviewSource,
    rows: np.ndarray,
    cameras_of: Callable,
    fov_y: float,
) -> dict[str, np.ndarray]:
    """Arrays of the worst `cases` [m] among images `rows` of a source for figures.npz; nothing for none.

    predict(images, masks) gives meshes, cameras_of(pictures) the cameras of a `MultiviewSet`'s pictures.
    failures_by, failures_value: the figure that chose a case. uint8: failures_inputs,
    failures_reconstructions [m h w 3] in the input's view; failures_views [m 6 h w 3]; and where objects have
    other views failures_others, failures_other_views [m h w 3], the picture there and the render.
    """
    if not cases:
        return {}
    own = multiview.take(rows[[case.row for case in cases]])
    meshes, every = predict(own.images, own.masks), np.arange(len(cases))

    def seen_as(pictures) -> np.ndarray:
        return render_on_white(meshes, every, cameras_of(pictures), own.size, fov_y)

    arrays = {
        "failures_by": np.array([case.by for case in cases]),
        "failures_value": np.array([case.value for case in cases]),
        "failures_inputs": own.images,
        "failures_reconstructions": seen_as(own),
        "failures_views": turn_round(meshes, every, cameras_of(own), own.size, fov_y),
    }
    if all(case.other >= 0 for case in cases):
        other = multiview.take(rows[[case.other for case in cases]])
        arrays |= {"failures_others": other.images, "failures_other_views": seen_as(other)}
    return arrays


def failure_sheet(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """failures.png of `failure_figures`: a row per case, uint8 [H W 3]."""
    columns = {
        "input": "inputs",
        "same view": "reconstructions",
        "another view": "others",
        "rendered": "other_views",
    }
    keys = {head: f"failures_{name}" for head, name in columns.items()}
    shown = {head: arrays[key] for head, key in keys.items() if key in arrays}
    sides = arrays["failures_views"]
    rows = np.concatenate([np.stack(list(shown.values()), axis=1), sides], axis=1)
    heads = [*shown, *(f"{360 * side // sides.shape[1]}°" for side in range(sides.shape[1]))]
    short = {BY_IOU: "IOU", BY_COLOUR: "colour error"}
    labels = [
        f"{short[by]} {value:.2f}"
        for by, value in zip(arrays["failures_by"].tolist(), arrays["failures_value"], strict=True)
    ]
    return labelled_grid(labels, list(rows[:, None]), heads)
