"""Claims about batches of real images: seed and step decide everything, threads decide nothing."""

import threading
import time

import numpy as np
import pytest

from ganverse_jax.data.batches import Prefetch, batches

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 3), dtype=np.uint8)
ORDER = np.array([0, 2, 4, 6, 1, 3, 5, 7])


def _batches(mirror=False, order=ORDER, images=IMAGES):
    return batches(images, seed=3, batch_size=8, order=order, mirror=mirror)


def test_without_mirror_a_batch_is_the_plain_draw_that_older_checkpoints_were_trained_with():
    for step in (0, 1, 70_000):
        batch = _batches()(step)
        chosen = np.random.default_rng([3, step]).integers(0, len(IMAGES), 8)
        np.testing.assert_array_equal(batch["real"], IMAGES[chosen[ORDER]])
        np.testing.assert_array_equal(batch["index"], ORDER)
        assert batch["index"].dtype == np.int32


def test_mirrored_rows_belong_to_the_example_and_not_to_its_place_in_the_batch():
    plain, one, other = _batches(), _batches(mirror=True), _batches(mirror=True, order=np.arange(8))
    turned = 0
    for step in range(50):
        np.testing.assert_array_equal(one(step)["real"], other(step)["real"][ORDER])
        for before, after in zip(plain(step)["real"], one(step)["real"], strict=True):
            flipped = np.array_equal(after, before[:, ::-1])
            assert flipped or np.array_equal(after, before)
            turned += flipped
    assert 150 < turned < 250  # 400 fair draws: 200 with standard deviation 10


def test_fewer_images_than_a_batch_are_refused_with_both_numbers():
    with pytest.raises(ValueError, match=r"7 images are fewer than gan.batch_size = 8"):
        _batches(images=IMAGES[:7])


def test_prefetched_batches_equal_direct_ones_from_any_first_step_and_after_a_jump():
    direct = _batches(mirror=True)
    with Prefetch(direct, num_steps=12, ahead=3, threads=3) as prepared:
        for step in (5, 6, 7, 11, 2, 3, 3, 40):
            np.testing.assert_array_equal(prepared(step)["real"], direct(step)["real"])


def test_the_next_batches_are_made_while_the_step_runs():
    made = {step: threading.Event() for step in range(6)}

    def batch_at(step):
        made[step].set()
        return step

    with Prefetch(batch_at, num_steps=6, ahead=2, threads=2) as prepared:
        prepared(0)
        assert made[1].wait(5) and made[2].wait(5)
        assert not made[3].is_set()  # no further ahead than asked: memory stays bounded


def test_an_error_of_a_thread_comes_with_its_own_step_and_closing_does_not_hang():
    def batch_at(step):
        if step == 2:
            raise ValueError("cat.png is no readable picture")
        return step

    started = time.monotonic()
    with pytest.raises(ValueError, match="cat.png"), Prefetch(batch_at, num_steps=9) as prepared:
        assert [prepared(0), prepared(1)] == [0, 1]
        prepared(2)
    assert time.monotonic() - started < 5
