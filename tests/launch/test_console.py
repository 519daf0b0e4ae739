"""One console command for all: ganverse COMMAND is python -m launch.COMMAND."""

import subprocess
import sys
from pathlib import Path

import pytest

from launch.command import console
from tests.launch.test_command import COMMANDS

ROOT = Path(__file__).parents[2]


def said(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["ganverse", *words])
    console.main()
    return capsys.readouterr().out


@pytest.mark.parametrize("words", [(), ("--help",), ("help",)])
def test_help_lists_every_command_in_groups(monkeypatch, capsys, words):
    text = said(monkeypatch, capsys, *words)
    assert all(f"\n  {name} " in text for name in COMMANDS)
    assert all(f"\n{group}\n" in text for group in console.COMMANDS)


def test_every_command_of_the_folder_is_in_one_group():
    listed = [name for commands in console.COMMANDS.values() for name in commands]
    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize(
    ("name", "told"),
    [("recontruct", "did you mean reconstruct?"), ("exprot", "did you mean export?"),
     ("xyzzy", "choose one of reconstruct, edit, project")],
)  # fmt: skip
def test_an_unknown_command_names_its_nearest(monkeypatch, capsys, name, told):
    with pytest.raises(SystemExit) as caught:
        said(monkeypatch, capsys, name)
    assert str(caught.value).startswith(f"error: {name!r} is no command; {told}")


def test_a_command_runs_as_its_module_does(monkeypatch):
    ran = {}
    monkeypatch.setattr(console.runpy, "run_module", lambda name, **how: ran.update(how, name=name))
    monkeypatch.setattr(sys, "argv", ["ganverse", "train", "--config=toy_car"])
    console.main()
    assert ran == {"name": "launch.train", "run_name": "__main__", "alter_sys": True}
    assert sys.argv == ["ganverse", "--config=toy_car"]


@pytest.mark.slow  # processes of their own
@pytest.mark.parametrize("flag", ["--help", "--nonsense=1"])
def test_both_ways_say_the_same(flag):
    both = [["launch.command.console", "export", flag], ["launch.export", flag]]
    done = [
        subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, timeout=300)
        for words in both
    ]
    assert done[0].returncode == done[1].returncode
    assert done[0].stdout == done[1].stdout and done[0].stderr == done[1].stderr
