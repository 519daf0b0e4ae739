"""Pictures of single layers: shapes, what varies, and what stays."""

import numpy as np

from ganverse_jax.evaluation import layer_pictures


def test_every_block_gives_a_picture_in_its_own_resolution_coarsest_first(module, variables):
    ws = np.random.default_rng(1).standard_normal((2, module.num_ws, 8)).astype(np.float32)
    pictures = layer_pictures.block_pictures(module, variables, ws)
    assert [p.shape for p in pictures] == [(2, 4, 4, 3), (2, 8, 8, 3), (2, 16, 16, 3)]
    # stretched between the percentiles: both ends of the range are reached in every picture
    assert all(p[i].min() == 0 and p[i].max() == 255 for p in pictures for i in range(2))


def test_a_block_is_seen_through_its_summed_channels_alone(module, variables):
    """A later style cannot change an earlier block's picture but through the last toRGB."""
    ws = np.random.default_rng(1).standard_normal((1, module.num_ws, 8)).astype(np.float32)
    other = ws.copy()
    other[:, 3:5] += 1.0  # rows that drive the 16 px convolutions; the last toRGB takes row 5
    a, b = (layer_pictures.block_pictures(module, variables, x) for x in (ws, other))
    assert (a[0] == b[0]).all() and (a[1] == b[1]).all() and (a[2] != b[2]).any()


def test_groups_are_the_blocks_of_two_layers():
    assert [list(rows) for rows in layer_pictures.layer_groups(6)] == [[0, 1], [2, 3], [4, 5]]
    assert list(layer_pictures.layer_groups(5)[-1]) == [4]


def test_only_the_chosen_rows_take_the_other_codes():
    base, others = np.zeros((6, 2)), np.ones((3, 2)) * np.arange(1, 4)[:, None]
    ws = layer_pictures.vary_layers(base, others, [2, 3])
    assert ws.shape == (3, 6, 2) and (base == 0).all()
    assert (ws[1, 2:4] == 2).all() and (ws[:, [0, 1, 4, 5]] == 0).all()


def test_pixels_that_stay_deviate_by_nothing():
    images = np.full((4, 5, 5, 3), 90, np.uint8)
    images[:2, 2, 3], images[2:, 2, 3] = 0, 255
    deviation = layer_pictures.pixel_deviation(images)
    assert deviation[2, 3] == 0.5 and deviation.sum() == 0.5


def test_hotter_is_brighter_and_the_scale_is_shared():
    colours = layer_pictures.heat_map(np.linspace(0, 1, 11).reshape(1, 1, 11), 1.0)
    assert (np.diff(colours.astype(int).sum(axis=-1)) > 0).all() and (colours[0, 0, 0] == 0).all()
    assert (layer_pictures.heat_map(np.zeros((2, 2)), 0.0) == 0).all()
