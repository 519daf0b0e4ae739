"""Claims about the figures of handles that need no renderer."""

import numpy as np
import pytest

from ganverse_jax.evaluation import handles


def _outlines():
    own, donor = np.zeros((2, 1, 8, 8))
    own[:, 2:6, 2:6] = 1
    donor[:, 2:6, 1:5] = 1
    return own, donor


@pytest.mark.parametrize(("blend", "follows"), [(0.0, 0.0), (1.0, 1.0)])
def test_pixels_in_dispute_side_with_the_outline_that_was_drawn(blend, follows):
    own, donor = _outlines()
    drawn = donor if blend else own
    figures = handles.outline_figures(drawn, donor, own)
    assert figures["follows"] == follows
    # 12 of 20 pixels are common to both.
    assert figures["iou_margin"] == pytest.approx(0.4 if blend else -0.4)


def test_equal_outlines_leave_nothing_to_follow():
    own, _ = _outlines()
    assert handles.outline_figures(own, own, own)["follows"] == 0


def test_psnr_of_one_level_is_that_of_a_byte_and_of_none_that_of_its_rounding():
    black, where = np.zeros((2, 4, 4, 3), np.uint8), np.ones((2, 4, 4), bool)
    assert handles.psnr(black, black + 1, where) == pytest.approx(20 * np.log10(255))
    assert handles.psnr(black, black, where) == pytest.approx(20 * np.log10(255) + 10 * np.log10(12))
    assert handles.psnr(black, black, ~where) == 0


def test_what_is_left_in_place_counts_only_beside_a_handle_that_acts():
    figures = {aim.figure: aim.limit for aim in handles.AIMS}
    assert all(handles.reached(figures).values())
    stuck = handles.reached(figures | {"shape_follows": 0.2})
    assert [name for name, holds in stuck.items() if not holds] == ["shape_follows", "psnr_shape"]
