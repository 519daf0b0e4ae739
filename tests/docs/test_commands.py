"""Command lines of the documentation are taken by the commands that they name: flags, values, settings."""

import json
import os
import re
import shlex
import subprocess
import sys

import pytest

from tests.docs.pages import PAGES, ROOT, blocks, name_of, prose, shell

INLINE = re.compile(r"`((?:python -m launch\.|ganverse )[a-z][^`]*)`")
OPERATORS = {"&&", "&", ";", "|", "||", ")", "("}

# Each command line in a process of its own, since flags are defined once per process; jax is not loaded.
PROGRAM = """
import contextlib, importlib, importlib.util, io, json, os, sys

from absl import flags

import launch.command
from ganverse_jax import stages

def refused(name, words):
    if importlib.util.find_spec(f"launch.{name}") is None:
        return "no such command"
    folder = importlib.util.find_spec(f"launch.{name}.__main__") if os.path.isdir(f"launch/{name}") else None
    importlib.import_module(f"launch.{name}.__main__" if folder else f"launch.{name}")
    sys.argv = [name, *words]  # in which ml_collections looks for settings
    try:
        left = flags.FLAGS(sys.argv)[1:]
        if "config" in flags.FLAGS and flags.FLAGS.config is not None:
            stages.experiment_of(flags.FLAGS.config.to_dict())
    except (SystemExit, Exception) as error:
        return f"{type(error).__name__}: {error}"
    return f"not flags: {left}" if left else None

for name, words in json.load(sys.stdin):
    read, write = os.pipe()
    if not os.fork():
        answer = "died"
        try:
            answer = refused(name, words)
        finally:
            os.write(write, json.dumps(answer).encode())
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        print(told.read(), flush=True)
    os.wait()
"""


def commands(text: str):
    """(name, flags) of every command of ours in a shell's text."""
    text = text.replace("\\\n", " ").replace("$i", "0")
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:  # a quotation mark in what is no shell's
            continue
        for at, word in enumerate(words):
            named = re.fullmatch(r"(?:ganverse_jax\.)?launch\.(\w+)", word)
            if named and words[at - 1] == "-m":
                name, begin = named[1], at + 1
            elif word == "ganverse" and words[at + 1 : at + 2]:
                name, begin = words[at + 1], at + 2
            else:
                continue
            ends = (i for i in range(begin, len(words)) if words[i] in OPERATORS)
            yield name, words[begin : next(ends, len(words))]


def documented():
    """(page, name, flags) of every command line, in blocks and in sentences."""
    for page in PAGES:
        texts = [*shell(page), *INLINE.findall(" ".join(prose(page).split("\n")))]
        for text in texts:
            yield from ((page, name, words) for name, words in commands(text))


@pytest.fixture
def checkout(tmp_path):
    """A folder like the repository's root, with the config that a page has its reader write."""
    for name in ("configs", "launch", "ganverse_jax", "rasterizer", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    (own,) = blocks(ROOT / "docs" / "own_class.md", "python")
    (tmp_path / "my_class.py").write_text(own)
    return tmp_path


def refusals(folder, lines):
    """What each of the lines (name, flags) is refused for, or None."""
    environment = os.environ | {"PYTHONPATH": str(folder), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=json.dumps(lines), cwd=folder, env=environment,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_command_line_is_taken_by_its_command(checkout):
    found = list(documented())
    assert len(found) > 40 and len({name for _, name, _ in found}) > 14
    answers = refusals(checkout, [(name, words) for _, name, words in found])
    told = zip(found, answers, strict=True)
    wrong = [f"{name_of(page)}: {name} {words}: {why}" for (page, name, words), why in told if why]
    assert wrong == []


def test_a_wrong_command_flag_value_and_setting_are_refused(checkout):
    lines = {
        "python -m launch.trian --config=configs/toy_car.py": "no such command",
        "python -m launch.train --confg=configs/toy_car.py": "confg",
        "ganverse reconstruct --material=shiny && true": "shiny",
        "ganverse train --config=toy_cra": "no config at 'toy_cra'",
        "x; python -m launch.train --config=toy_car \\\n  --config.gan.num_stepz=3": "num_stepz",
        "python -m launch.train --config=toy_car --config.gan.num_steps=-3": "num_steps = -3",
        "python -m launch.train --config=toy_car leftover": "not flags: ['leftover']",
    }
    given = [command for line in lines for command in commands(line)]
    answers = refusals(checkout, given)
    for answer, why in zip(answers, lines.values(), strict=True):
        assert why in answer
