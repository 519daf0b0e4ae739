"""Experiments from typed settings: every default is there, so the command line can change all of them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from absl import flags
from ml_collections import ConfigDict, FieldReference, config_flags
from ml_collections.config_flags.tuple_parser import TupleParser

from ganverse_jax.pipeline.settings import Kind, kinds

Section = Any  # a dataclass of settings, a mapping, or None


class OrNone(flags.ArgumentParser):
    """Parses as ``parser`` does, but the text "None" as no value, which a ConfigDict holds for any type."""

    def __init__(self, parser: flags.ArgumentParser):
        self._parser = parser

    def parse(self, argument: Any) -> Any:
        """The value, or None."""
        return None if argument == "None" else self._parser.parse(argument)

    def flag_type(self) -> str:
        """Of the values, in a command's help."""
        return self._parser.flag_type()


PARSERS = {
    int: flags.IntegerParser(),
    float: flags.FloatParser(),
    bool: flags.BooleanParser(),
    str: flags.ArgumentParser(),
    tuple: TupleParser(),
}
for _type, _parser in PARSERS.items():  # ml_collections itself takes no None on the command line
    config_flags.register_flag_parser_for_type(_type, OrNone(_parser))


def experiment(
    *, object_class: str, seed: int = 0, num_devices: int | None = None, world: Section, **stages: Section
) -> ConfigDict:
    """The ConfigDict of an experiment, which a config file then changes in place.

    num_devices: None takes all there are; stages: the settings of each by its name, None for one that is no
    part of the experiment.
    """
    config = ConfigDict(dict(object_class=object_class, seed=seed))
    config.num_devices = FieldReference(num_devices, field_type=int)
    for name, section in (dict(world=world) | stages).items():
        config[name] = None if section is None else to_config(section)
    return config


def to_config(settings: Section) -> ConfigDict:
    """The ConfigDict of a dataclass of settings or of a mapping, nested ones included.

    A setting that may be None keeps its type while it is, so that ``config.name = None`` and
    ``--config.name=3`` work in any order. A section that is None is a plain None: a config file gives it one.
    """
    if isinstance(settings, Mapping):
        return ConfigDict({name: _nested(value) for name, value in settings.items()})
    known = kinds(type(settings))
    return ConfigDict({name: _typed(kind, getattr(settings, name)) for name, kind in known.items()})


def _nested(value: Any) -> Any:
    return to_config(value) if isinstance(value, Mapping) or dataclasses.is_dataclass(value) else value


def _typed(kind: Kind, value: Any) -> Any:
    if dataclasses.is_dataclass(kind.type):
        return _nested(value)
    if kind.type is float and isinstance(value, int):
        value = float(value)  # an int would refuse every fraction
    return FieldReference(value, field_type=kind.type) if kind.optional else value
