"""The named points of each class and their mirror images."""

import pytest

from ganverse_jax.annotation.icons import kinds
from ganverse_jax.classes.keypoint_names import NAMES, mirror_pairs


@pytest.mark.parametrize("kind", NAMES)
def test_every_left_point_has_its_right_one_and_no_name_comes_twice(kind):
    names = NAMES[kind]
    assert len(set(names)) == len(names) and 12 <= len(names) <= 20
    paired = {index for pair in mirror_pairs(kind) for index in pair}
    for left, right in mirror_pairs(kind):
        assert names[left].split(" ", 1)[1] == names[right].split(" ", 1)[1]
    assert paired == {i for i, name in enumerate(names) if name.split()[0] in ("left", "right")}


def test_the_classes_with_keypoints_have_drawings():
    assert set(NAMES) <= set(kinds())


def test_an_unknown_class_is_refused_by_name():
    with pytest.raises(ValueError, match="'boat'.*car, horse, bird"):
        mirror_pairs("boat")
