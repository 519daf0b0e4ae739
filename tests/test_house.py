"""The sizes of the house: short files, short functions, small rooms (docs/architecture.md)."""

import ast
import collections
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ("rasterizer", "configs", "launch", "ganverse_jax")
MAX_FILES, MAX_LINES, MAX_FUNCTION, MAX_PARAMETERS = 15, 300, 40, 10
EXCEPTIONS = {
    "rasterizer/render.py render": "its seventeen parameters are the rasterizer's interface, all named there",
}


def _sources() -> list[Path]:
    return sorted(path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py"))


def _rooms() -> dict[Path, list[Path]]:
    rooms = collections.defaultdict(list)
    for path in _sources():
        rooms[path.parent].append(path)
    return rooms


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short(path):
    assert _lines(path) <= MAX_LINES
    assert path.name != "utils.py"


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_are_short_and_take_few_parameters(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            name = f"{path.relative_to(ROOT).as_posix()} {node.name}"
            taken = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            parameters = [one for one in taken if one.arg not in ("self", "cls")]
            if name not in EXCEPTIONS:
                assert node.end_lineno - node.lineno + 1 <= MAX_FUNCTION, name
                assert len(parameters) <= MAX_PARAMETERS, name


def test_every_exception_is_still_one():
    for name in EXCEPTIONS:
        path, function = name.split()
        assert f"def {function}(" in (ROOT / path).read_text()


@pytest.mark.parametrize("room", _rooms(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_holds_few_files_and_at_most_a_seventh_of_the_code(room):
    files, total = _rooms()[room], sum(map(_lines, _sources()))
    assert len(files) <= MAX_FILES
    assert sum(map(_lines, files)) <= total / 7


def test_no_stage_and_no_command_is_more_than_a_seventh_of_the_code_with_all_its_folders():
    total = sum(map(_lines, _sources()))
    for room in (*(ROOT / "ganverse_jax/stages").iterdir(), *(ROOT / "ganverse_jax/commands").iterdir()):
        assert sum(map(_lines, room.rglob("*.py"))) <= total / 7, room


@pytest.mark.parametrize("room", _rooms(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_says_what_it_is_for(room):
    entrance = room / "__init__.py"
    assert not entrance.exists() or ast.get_docstring(ast.parse(entrance.read_text()))
