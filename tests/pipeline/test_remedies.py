"""Claims about what a command needs from outside: absent things and things of another kind are told alike."""

import errno

import pytest

from ganverse_jax.pipeline.remedies import absent, check_all_there


def another_kind(path):
    raise ValueError(f"{path} holds a cake")


def test_nothing_and_another_kind_are_told_with_the_setting_the_reason_and_the_remedy(tmp_path):
    there, nowhere = tmp_path / "there", tmp_path / "nowhere"
    there.touch()
    assert absent("a.path", nowhere, "get it", another_kind) == [f"a.path: nothing at '{nowhere}'; get it"]
    assert absent("a.path", there, "get it", another_kind) == [f"a.path: {there} holds a cake; get it"]
    assert absent("a.path", there, "get it", str) == absent("a.path", there, "get it") == []
    assert absent("a.path", "", "get it") == ["a.path: nothing at ''; get it"]


def test_a_remedy_that_the_reader_tells_itself_is_not_said_twice(tmp_path):
    assert absent("a.path", tmp_path, "a cake", another_kind) == [f"a.path: {tmp_path} holds a cake"]


def test_a_fault_of_the_machine_is_not_blamed_on_the_file(tmp_path):
    def look(path):
        raise PermissionError(errno.EACCES, "no entry", str(path))

    with pytest.raises(PermissionError, match="no entry"):
        absent("a.path", tmp_path, "get it", look)


def test_all_lines_are_told_once_and_none_is_no_error():
    check_all_there([])
    with pytest.raises(FileNotFoundError, match=r"begun:\n  b\n  a$"):
        check_all_there(["b", "a", "b"])
