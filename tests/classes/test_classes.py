"""What is true of every class, and how one is plugged in."""

import ast
import re
from pathlib import Path

import pytest

from ganverse_jax import classes

ROOT = Path(__file__).parents[2]
WITH_POINTS = [name for name in classes.names() if classes.get(name).keypoints]


@pytest.mark.parametrize("name", WITH_POINTS)
def test_every_left_point_has_its_right_one_and_no_name_comes_twice(name):
    each = classes.get(name)
    names = each.keypoints
    assert len(set(names)) == len(names) and 12 <= len(names) <= 20
    paired = {index for pair in each.mirror_pairs for index in pair}
    for left, right in each.mirror_pairs:
        assert names[left].split(" ", 1)[1] == names[right].split(" ", 1)[1]
    assert paired == {i for i, name in enumerate(names) if name.split()[0] in ("left", "right")}


@pytest.mark.parametrize("name", WITH_POINTS)
def test_left_points_have_mirror_images_and_the_others_lie_in_the_middle(name):
    each = classes.get(name)
    places = [each.position(point) for point in each.keypoints]
    paired = {index for pair in each.mirror_pairs for index in pair}
    for left, right in each.mirror_pairs:
        assert places[left][0] > 0 and places[right] == (-places[left][0], *places[left][1:])
    assert all(places[i][0] == 0 for i in set(range(len(places))) - paired)


def test_an_unknown_class_is_refused_by_name():
    with pytest.raises(ValueError, match="object_class = 'boat' is unknown; choose one of car, horse, bird"):
        classes.get("boat")
    with pytest.raises(ValueError, match="did you mean 'horse'"):
        classes.get("hoarse")


def test_a_class_without_a_toy_world_says_so_and_which_have_one():
    with pytest.raises(ValueError, match="no toy world of objects; object_class can be car, horse"):
        classes.make_world("generic", 16, seed=0, fov_degrees=30.0, distance=4.2)


def test_a_pose_is_frozen_only_where_there_are_joints():
    with pytest.raises(ValueError, match="world.pose = 'frozen', but cars have no joints"):
        classes.make_world("car", 16, pose="frozen")
    assert classes.make_world("horse", 16, pose="frozen").settings["pose"] == "frozen"


# Words that name a class or what only one has.
WORDS = re.compile(
    r"(?<![a-z])(cars?|horses?|birds?|toycars?|windscreens?|bonnets?|beaks?|hoofs?|manes?)(?![a-z])", re.I
)
# What may name one all the same: configs, workdirs of examples, Pascal3D+'s folders, and others' weights.
NAMED = re.compile(
    r"(--config=)?configs/\w+(\.py)?|(--config=|runs/)\w+|\bcar_(imagenet|pascal)\b|stylegan2-car\S*", re.I
)
# Their tables are about the paper's classes.
PAPERS_OWN = ("ganverse_jax/report/paper.py", "ganverse_jax/report/deviations.py")


def _sources():
    found = (
        path for room in ("ganverse_jax", "rasterizer", "launch") for path in (ROOT / room).rglob("*.py")
    )
    names = {path.relative_to(ROOT).as_posix(): path for path in found}
    return {
        name: path
        for name, path in names.items()
        if name not in PAPERS_OWN and not name.startswith("ganverse_jax/classes/")
    }


def _words(path: Path) -> list[str]:
    """Names and string literals that are no docstrings, with the words of a class in them."""
    tree, said, documented = ast.parse(path.read_text()), [], ast.Module | ast.ClassDef | ast.FunctionDef
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node) is not None
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            said.append(node.value)
        said += [value for field in ("id", "name", "arg", "attr", "module")
                 if isinstance(value := getattr(node, field, None), str)]  # fmt: skip
    said = [NAMED.sub("", text).replace("_", " ") for text in said]
    return [text for text in said if WORDS.search(text)]


@pytest.mark.parametrize("name", _sources())
def test_no_code_outside_the_classes_names_one(name):
    assert not _words(_sources()[name])
