"""Claims about re-projection errors that are taken a part of the pictures at a time."""

import numpy as np

from ganverse_jax.evaluation.inverse_graphics import ImageErrors, Reprojection, joined_errors, other_views

OBJECTS = np.array([1, 1, 1, 4, 7, 7])  # the fourth picture has no other view
VALUE = np.linspace(0.1, 0.6, 6)


def errors(rows):
    """Errors of the pictures `rows` as a part of their own, each picture's value that of VALUE."""
    own = Reprojection(VALUE[rows], 1 - VALUE[rows])
    found, others = other_views(OBJECTS[rows])
    elsewhere = Reprojection(VALUE[rows][found], VALUE[rows][others]) if len(found) else None
    return ImageErrors(own, found, others, elsewhere)


def test_errors_of_parts_are_those_of_the_whole():
    whole = errors(np.arange(6))
    joined = joined_errors([errors(rows) for rows in np.split(np.arange(6), [3, 4])])
    np.testing.assert_array_equal(joined.rows, whole.rows)
    np.testing.assert_array_equal(joined.others, whole.others)
    for ours, theirs in ((joined.own, whole.own), (joined.elsewhere, whole.elsewhere)):
        np.testing.assert_array_equal(ours.iou, theirs.iou)
        np.testing.assert_array_equal(ours.colour_error, theirs.colour_error)
    assert joined_errors([errors(np.array([3]))]).elsewhere is None
