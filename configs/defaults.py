"""Experiments from typed settings: every default is there, so the command line can change all of them."""

import dataclasses
from typing import Any

from absl import flags
from ml_collections import ConfigDict, FieldReference, config_flags
from ml_collections.config_flags.tuple_parser import TupleParser

from ganverse_jax import stages
from ganverse_jax.pipeline.experiment import Shared
from ganverse_jax.pipeline.settings import Kind, kinds


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


def experiment(object_class: str, **shared: Any) -> ConfigDict:
    """The ConfigDict of an experiment with every stage at its defaults, which a config file then changes.

    shared: the other fields of `pipeline.experiment.Shared`. A section is None for a stage that is no part of
    the experiment, as those of `stages.EXTRA` are at first.
    """
    config = to_config(Shared(object_class, **shared))
    for name, settings in stages.settings().items():
        config[name] = None if name in stages.EXTRA else to_config(settings())
    return config


def to_config(settings: Any) -> ConfigDict:
    """The ConfigDict of a dataclass of settings, nested ones included.

    A setting that may be None keeps its type while it is, so that ``config.NAME = None`` and
    ``--config.NAME=3`` work in any order. A section that is None is a plain None: a config file gives it one.
    """
    known = kinds(type(settings))
    return ConfigDict({name: _typed(kind, getattr(settings, name)) for name, kind in known.items()})


def _typed(kind: Kind, value: Any) -> Any:
    if dataclasses.is_dataclass(kind.type):
        return value and to_config(value)
    if kind.type is float and isinstance(value, int):
        value = float(value)  # an int would refuse every fraction
    return FieldReference(value, field_type=kind.type) if kind.optional else value
