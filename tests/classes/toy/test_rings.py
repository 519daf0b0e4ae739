"""Claims about lofts that bend: curves go through their controls, turns are rigid, tubes face outward."""

import numpy as np

from ganverse_jax.classes.toy import rings, shapes

LIMB = rings.along([(0.1, 1.0, 0.0, 0.1, 0.2), (0.1, 0.6, 0.1, 0.1, 0.1), (0.1, 0.3, 0.0, 0.05, 0.1),
                    (0.1, 0.0, 0.0, 0.1, 0.1)])  # fmt: skip


def test_the_spline_goes_through_its_controls_and_keeps_straight_lines():
    weights = rings.spline(4, 13)
    np.testing.assert_allclose(weights[::4], np.eye(4), atol=1e-12)
    np.testing.assert_allclose(weights @ np.arange(4.0), np.linspace(0, 3, 13), atol=1e-12)


def test_a_turn_keeps_lengths_and_lifts_what_is_in_front():
    limb, pivot = LIMB[None], np.zeros((1, 3))
    turned = rings.turn(limb, pivot, np.full((1, 4), 0.7), "x")
    np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(limb, axis=-1), atol=1e-12)
    ahead = rings.upright([(1.0, 0.1, 1.0, -0.1, 0.1)])[None]
    assert rings.turn(ahead, pivot, np.full((1, 1), 0.3), "x")[0, 0, 0, 1] > 0
    assert rings.turn(ahead, pivot, np.full((1, 1), 0.3), "y")[0, 0, 0, 0] > 0


def test_a_tube_down_a_limb_is_closed_outward_and_as_large_as_its_rings():
    vertices = rings.skin(LIMB[None], rings.spline(4, 10), 16, roundness=1.0)[0]
    assert shapes.signed_volume(vertices, shapes.tube(10, 16).faces) > 0
    assert np.abs(vertices[:16, 0] - 0.1).max() <= 0.1 and vertices[:, 1].min() >= -0.01
