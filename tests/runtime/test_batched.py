"""Claims about batches of one size."""

import numpy as np

from ganverse_jax.runtime.batched import in_batches, pictures_at_once


def test_rows_come_back_in_order_whatever_the_batch():
    seen = []

    def function(a, b):
        seen.append(len(a))
        return {"sum": a + b, "twice": 2 * a}

    a, b = np.arange(7), np.arange(7) * 10
    found = in_batches(function, a, b, size=3)
    assert seen == [3, 3, 3]
    np.testing.assert_array_equal(found["sum"], a + b)
    np.testing.assert_array_equal(found["twice"], 2 * a)


def test_few_rows_are_no_work_of_a_whole_batch():
    seen = []
    for count in (0, 1, 5, 6, 8, 9):
        rows = np.arange(count)
        found = in_batches(lambda part: seen.append(len(part)) or 2 * part, rows, size=6, whole=False)
        np.testing.assert_array_equal(found, 2 * rows)
    assert seen == [1, 1, 6, 6, 6, 6, 6, 6]


def test_large_pictures_go_through_a_generator_a_few_at_a_time():
    assert [pictures_at_once(side, side) for side in (32, 64, 128, 256, 512, 1024)] == [64, 64, 16, 4, 1, 1]
    assert pictures_at_once(64, 64, most=32) == 32
