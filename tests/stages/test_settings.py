"""Claims about the settings of all stages: none is silent, none is hidden, and no message names another."""

import ast
import dataclasses
import importlib
import math
import re
from pathlib import Path

import pytest
from absl import flags
from ml_collections import config_flags

from ganverse_jax import classes, stages
from ganverse_jax.pipeline.experiment import Shared, plain_experiment
from ganverse_jax.pipeline.settings import build, kinds

ROOT = Path(__file__).parents[2]
SHARED = ("__init__", "defaults", "paper")  # what configs are made with
CONFIGS = sorted(path.stem for path in (ROOT / "configs").glob("*.py") if path.stem not in SHARED)
# Channels give a texture its size, a class must be known, a crop have rows in order: where other settings
# change, they stay.
TIED = ("texture_size", "object_class", "gan.crop")


def sections(cls, path):
    """(path, dataclass) of a section of settings and of all within it."""
    yield path, cls
    for name, kind in kinds(cls).items():
        if dataclasses.is_dataclass(kind.type):
            yield from sections(kind.type, f"{path}.{name}".removeprefix("."))


SECTIONS = dict(sections(Shared, ""))
for _name, _cls in stages.settings().items():
    SECTIONS |= dict(sections(_cls, _name))
SETTINGS = {
    f"{path}.{name}".removeprefix("."): kind
    for path, cls in SECTIONS.items()
    for name, kind in kinds(cls).items()
}


def of_types_it_has_not(kind):
    """Values that are nothing of the kind."""
    wrong = {int: ["three", 1.5, True], float: ["wide", True], bool: ["yes", 1], str: [3, True]}
    values = wrong.get(kind.type, [3, "three"])  # a tuple, or a section
    return values + [None] * (not kind.optional)


def beyond_its_limits(kind):
    """Values of the kind's type that its limits or its choices exclude."""
    if kind.choices:
        yield "no such choice"
    if kind.type is float:
        yield from (float("nan"), float("inf"))
    if kind.limit is not None:
        beyond = 0 if kind.limit.open else 1
        yield kind.limit.low - beyond
        if kind.limit.high < math.inf:
            yield kind.limit.high + beyond
    if kind.type is tuple:
        entries = [entry for entry in kind.entries for _ in range(1 + kind.repeated)]
        right = [1 if entry.type in (int, float) else (entry.choices or ("a",))[0] for entry in entries]
        for place, entry in enumerate(entries):
            for value in [*of_types_it_has_not(entry), *beyond_its_limits(entry)]:
                yield (*right[:place], value, *right[place + 1 :])
        if not kind.repeated:
            yield from ((), (*right, right[0]))


def refused(path, value):
    """The message that refuses an experiment whose setting of this path has this value."""
    config = {"object_class": "car"} | dict.fromkeys(stages.NAMES)
    *outer, name = path.split(".")
    if outer and outer[0] in config:
        config[outer[0]] = {}
    section = config
    for each in outer:
        section = section.setdefault(each, {})
    section[name] = value
    with pytest.raises(ValueError) as caught:
        stages.experiment_of(config)
    return str(caught.value)


@pytest.mark.parametrize(
    ("section", "settings", "message"),
    [
        (
            "inverse_graphics.network",
            {"texture_size": 64, "texture_channels": (8, 8)},
            "texture_size = 64, but 2 .* of 16 rows",
        ),
        ("inverse_graphics.network", {"free_scale": 0}, "free_scale = 0 and .*nothing can move"),
        ("inverse_graphics_posed", {"views_per_object": 9, "num_views": 8}, "views_per_object = 9 is more"),
        ("viewpoints", {"num_candidates": 20, "num_views": 30}, "num_candidates = 20 is less"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_by_the_path_of_one(section, settings, message):
    with pytest.raises(ValueError, match=rf"^{section}\.{message}"):
        build(SECTIONS[section], settings, section)


@pytest.mark.parametrize("path", SETTINGS)
def test_a_setting_that_cannot_serve_is_refused_by_its_dotted_path(path):
    assert refused(f"{path}x", 1).startswith(f"{path}x is no setting; did you mean {path}?")
    for value in [*of_types_it_has_not(SETTINGS[path]), *beyond_its_limits(SETTINGS[path])]:
        message = refused(path, value)
        assert re.match(rf"{re.escape(path)}(\.\d+)? ", message) and re.search("set|choose", message)


def another(kind, value):
    """A value of the kind that differs from `value`."""
    if kind.choices:
        return next(choice for choice in kind.choices if choice != value)
    if kind.type is bool:
        return not value
    if kind.type is str:
        return f"{value} or not"
    if kind.type is tuple:
        entries = kind.entries * len(value or ()) if kind.repeated else kind.entries
        values = value or [None] * len(entries)
        return tuple(another(entry, each) for entry, each in zip(entries, values, strict=True))
    return 2 * (value or 1) if kind.type is int else (value or 1.0) / 2


def parsed(config, arguments):
    """The experiment of a ConfigDict that a command line changes."""
    values, argv = flags.FlagValues(), ["command", *arguments]
    config_flags.DEFINE_config_dict("config", config, flag_values=values, sys_argv=argv)
    values(argv)
    return stages.experiment_of(values.config.to_dict())


def settings_of(section, path=""):
    """(dotted path, value) of every setting of a plain section that is no section itself."""
    for name, value in section.items():
        inner = f"{path}.{name}".removeprefix(".")
        if isinstance(value, dict):
            yield from settings_of(value, inner)
        elif inner in SETTINGS and not dataclasses.is_dataclass(SETTINGS[inner].type):
            yield inner, value


def changed_by_the_command_line(name):
    """Set every setting of a config by a flag of its own and find it set; their paths."""
    config = importlib.import_module(f"configs.{name}").get_config()
    before = dict(settings_of(plain_experiment(stages.experiment_of(config.to_dict()))))
    wanted = {
        path: value if path.endswith(TIED) else another(SETTINGS[path], value)
        for path, value in before.items()
    }
    if "viewpoints.annotated_by" in wanted:  # a pose regressor goes with one source of masks alone
        wanted["viewpoints.annotated_by"] = "keypoints"
    if not classes.get(config.object_class).articulated:
        wanted["world.pose"] = "free"  # there is no joint to freeze
    if "self_labels.network" in wanted:  # and a GAN's teacher too
        wanted["perception.segmenter.source"] = "network"
    experiment = parsed(config, [f"--config.{path}={value}" for path, value in wanted.items()])
    assert dict(settings_of(plain_experiment(experiment))) == wanted
    return set(before)


def test_the_command_line_reaches_every_default():
    reached = set().union(*(changed_by_the_command_line(name) for name in CONFIGS))
    assert reached == {path for path, kind in SETTINGS.items() if not dataclasses.is_dataclass(kind.type)}


# A setting as messages name it, and as a command line does. Names of files look like the former.
FIRST = rf"(?:{'|'.join((*stages.NAMES, 'world'))})"
NAMED = re.compile(rf"(?<![\w./-]){FIRST}(?:\.[a-z_0-9]+)+")
FLAG = re.compile(r"--config\.([a-z_]\w*(?:\.\w+)*)(?![\w.])")
FILES = (".html", ".json", ".npz", ".png", ".py", ".safetensors", ".pth", ".onnx")


def texts(tree):
    """(text, whether it explains code) of every string of a module; what an f-string fills in is left out."""
    explaining, within = set(), set()  # walking goes from the outer to the inner
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            explaining.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            within.update(node.values)
            parts = [part.value if isinstance(part, ast.Constant) else "\0" for part in node.values]
            yield "".join(parts), False
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in within:
            yield node.value, node in explaining


def named_settings():
    """(file, dotted path) of every setting that a message, a help text or the documentation names."""
    for folder in ("ganverse_jax", "launch", "configs"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for text, explains_code in texts(ast.parse(path.read_text())):
                yield from ((path, name) for name in FLAG.findall(text))
                if not explains_code:
                    names = NAMED.findall(text)
                    yield from ((path, name) for name in names if not name.endswith(FILES))
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        yield from ((path, name) for name in FLAG.findall(path.read_text()))


def test_every_setting_that_a_message_names_is_one():
    found = list(named_settings())
    assert len(found) > 50
    unknown = [f"{path.relative_to(ROOT)}: {name}" for path, name in found if name not in SETTINGS]
    assert unknown == []
