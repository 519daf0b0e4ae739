"""Claims about what a stage tells of its cost before it begins."""

import re
import time

import numpy as np
import pytest

from ganverse_jax.data.masks.folder import WANTED, MaskFolder
from ganverse_jax.stages.perception import cost

IMAGES = np.zeros((4, 8, 8, 3), np.uint8)


def told(capsys, count, segmenter):
    cost.announce("viewpoints", count, "so many", lambda: IMAGES, segmenter, fewer="viewpoints.num_contents")
    return capsys.readouterr().out


def test_count_time_and_what_makes_it_less_are_told(capsys):
    sizes = []

    def segmenter(images):
        sizes.append(len(images))
        return images[..., 0]

    line = told(capsys, 16_000, segmenter)
    assert re.match(r"\[viewpoints\] 16,000 pictures with masks \(so many\), about \S+ \w+ here: ", line)
    assert line.endswith("Fewer: viewpoints.num_contents\n")
    assert sizes == [1, 1, 4]  # the first compiles


@pytest.mark.parametrize(
    ("each", "count", "line", "timed"),
    [
        (5.5, 234_000, "about 14.9 days here: 0 s to draw, 5.5 s to segment each", [1, 1]),
        (0.4, 30, "about 12 s here: 0 s to draw, 0.4 s to segment each", [1, 1, 2]),
    ],
)
def test_a_dear_segmenter_is_timed_on_few_pictures(capsys, monkeypatch, each, count, line, timed):
    clock, sizes = [0.0], []
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def segmenter(images):
        sizes.append(len(images))
        clock[0] += each * len(images)
        return images[..., 0]

    assert line in told(capsys, count, segmenter)
    assert sizes == timed


def test_a_folder_of_masks_is_not_asked_for_the_pictures_that_take_the_time(capsys, tmp_path):
    line = told(capsys, 30, MaskFolder(tmp_path))
    assert "30 pictures with masks" in line and f"masks are read from {tmp_path}, or asked for" in line
    assert not (tmp_path / WANTED).exists()


@pytest.mark.parametrize(("seconds", "text"), [(40, "40 s"), (7200, "2.0 h"), (15 * 86_400, "15.0 days")])
def test_times_are_told_in_units_a_person_reads(seconds, text):
    assert cost._time(seconds) == text
