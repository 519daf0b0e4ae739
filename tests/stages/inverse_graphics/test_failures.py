"""The failure gallery: which cases are the worst."""

import numpy as np

from ganverse_jax.evaluation.inverse_graphics import ImageErrors, Reprojection, other_views
from ganverse_jax.stages.inverse_graphics.failures import BY_COLOUR, BY_IOU, Case, failure_sheet, worst_cases

OBJECTS = np.array([7, 7, 8, 8, 9, 9])


def errors_of(iou, elsewhere, objects=OBJECTS):
    rows, others = other_views(objects)
    own = Reprojection(np.array(iou), np.zeros(len(iou)))
    return ImageErrors(own, rows, others, Reprojection(np.ones(len(rows)), np.array(elsewhere)))


def test_the_worst_picture_of_each_object_counts_and_no_object_comes_twice():
    errors = errors_of([0.5, 0.4, 0.9, 0.8, 0.7, 0.95], [0.9, 0.9, 0.1, 0.2, 0.3, 0.1])
    # Object 7 has the two least IOUs and the greatest colour errors; it is shown once.
    assert worst_cases(errors, OBJECTS, count=2) == [
        Case(BY_IOU, 0.4, 1, 0),
        Case(BY_IOU, 0.7, 4, 5),
        Case(BY_COLOUR, 0.2, 3, 2),
    ]


def test_ties_go_to_the_first_and_undefined_colours_are_no_case():
    errors = errors_of([0.5] * 6, [0.1, 0.1, np.nan, 0.3, 0.3, 0.2])
    assert [case.row for case in worst_cases(errors, OBJECTS, count=1)] == [0, 3]


def test_without_other_views_only_the_own_view_is_judged():
    objects = np.array([7, 8])
    own = Reprojection(np.array([0.9, 0.3]), np.zeros(2))
    errors = ImageErrors(own, *other_views(objects), None)
    assert worst_cases(errors, objects, count=1) == [Case(BY_IOU, 0.3, 1, -1)]


def test_the_sheet_has_a_row_per_case_and_a_column_per_picture():
    picture = np.zeros((2, 16, 16, 3), np.uint8)
    arrays = {"failures_by": np.array([BY_IOU, BY_COLOUR]), "failures_value": np.array([0.5, 0.2])}
    arrays |= {f"failures_{name}": picture for name in ("inputs", "reconstructions")}
    arrays["failures_views"] = np.zeros((2, 6, 16, 16, 3), np.uint8)
    assert failure_sheet(arrays).shape == (24 + 2 * 130 - 2, 124 + 8 * 130 - 2, 3)
