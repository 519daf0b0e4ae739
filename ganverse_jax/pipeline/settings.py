"""Typed settings: frozen dataclasses, built from plain mappings and refused by dotted path.

A field is explained by a comment. Its annotation says what it may be: int, float, bool, str, a ``Literal``,
another dataclass of settings, or a tuple of these; any of them within limits (``Count`` and others below)
and any ``| None``. What depends on several fields is refused by the dataclass's own ``__post_init__``, with a
ValueError that begins with a field's name ("texture_size = 64, but ..."); :func:`build` puts the path before.
"""

import dataclasses
import difflib
import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


@dataclass(frozen=True)
class Limit:
    """The limits low <= value <= high of a number; `open`: it may not be at them either."""

    low: float
    high: float = math.inf
    open: bool = False

    def allows(self, value: float) -> bool:
        """Whether the limits hold."""
        return self.low < value < self.high if self.open else self.low <= value <= self.high

    @property
    def remedy(self) -> str:
        """What to do about a value beyond the limits."""
        if self.open:
            return f"set it above {self.low}" + f" and below {self.high}" * (self.high < math.inf)
        above = f"{self.low} or more" if self.high == math.inf else f"a number from {self.low} to {self.high}"
        return f"set it to {above}"


Count = Annotated[int, Limit(1)]
Whole = Annotated[int, Limit(0)]
Positive = Annotated[float, Limit(0, open=True)]
NonNegative = Annotated[float, Limit(0)]
Share = Annotated[float, Limit(0, 1)]
FieldOfView = Annotated[float, Limit(0, 180, open=True)]  # degrees

# Metadata of a field that came later: with its default results are what they were without it, and runs
# that were finished before stay so.
ADDED = {"added": True}
INERT = {"inert": True}  # metadata of a stage's field that, as the devices, changes nothing but the time

NOUNS = {int: "whole number", float: "number", bool: "boolean (True or False)", str: "text"}


@dataclass(frozen=True)
class Kind:
    """What the values of a field may be, as its annotation says."""

    type: type  # int, float, bool, str, tuple or a dataclass of settings
    optional: bool = False  # whether None will do
    limit: Limit | None = None
    choices: tuple[Any, ...] = ()  # of a Literal
    entries: tuple["Kind", ...] = ()  # of a tuple
    repeated: bool = False  # whether a tuple has any number of entries, all of one kind

    @property
    def noun(self) -> str:
        """The kind in words, for messages."""
        nouns = [entry.noun for entry in self.entries] + ["..."] * self.repeated
        return f"tuple ({', '.join(nouns)})" if self.type is tuple else NOUNS.get(self.type, "section")


@functools.cache
def kinds(cls: type) -> dict[str, Kind]:
    """The kind of every field of a dataclass of settings, by name, in order.

    Raises TypeError for an annotation that no setting can have.
    """
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: _kind(hints[field.name]) for field in dataclasses.fields(cls)}


def unknown(name: Any, known: Iterable[str], path: str) -> str:
    """What to say of a name that is none of the section's at `path` ("": the experiment itself)."""
    near = difflib.get_close_matches(str(name), known, 1)
    hint = f"did you mean {_join(path, near[0])}?" if near else f"choose one of {', '.join(known)}"
    return f"{_join(path, name)} is no setting; {hint}"


def build(cls: type[T], values: Mapping[str, Any], path: str) -> T:
    """The dataclass ``cls`` of nested plain ``values``: what they leave out is its own default.

    path: of the section, dotted, for messages ("" for none). A list serves for a tuple, an int for a float,
    which it becomes; a section may be an instance, which is checked like a mapping. Raises ValueError, naming
    path, value and remedy, for an unknown or missing setting, a wrong type, a number that is not finite, and
    a value beyond its limits, defaults included.
    """
    known = kinds(cls)
    if isinstance(values, cls):
        values = plain(values)
    if not isinstance(values, Mapping):
        raise ValueError(f"{path} = {values!r} is no section; its settings are {', '.join(known)}")
    for name in values:
        if name not in known:
            raise ValueError(unknown(name, known, path))
    values = _defaults(cls) | dict(values)
    arguments = {}
    for name, kind in known.items():
        if name not in values:
            raise ValueError(f"{_join(path, name)} is not set; set it to a {kind.noun}")
        arguments[name] = _value(kind, values[name], _join(path, name))
    try:
        return cls(**arguments)
    except ValueError as error:
        raise ValueError(_join(path, str(error))) from error


def plain(settings: Any) -> dict[str, Any]:
    """The nested plain dict of a dataclass of settings, whose tuples stay tuples; :func:`build` undoes it."""
    return dataclasses.asdict(settings)


def decisive(settings: Any) -> dict[str, Any]:
    """`plain`, but for a stage's fields that are INERT, or ADDED with their default: what its results depend
    on."""
    unsaid = {
        field.name
        for field in dataclasses.fields(settings)
        if field.metadata == INERT
        or field.metadata == ADDED
        and getattr(settings, field.name) == field.default
    }
    return {name: value for name, value in plain(settings).items() if name not in unsaid}


def _kind(annotation: Any) -> Kind:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return replace(_kind(arguments[0]), limit=arguments[1])
    if origin is Literal:
        return Kind(type(arguments[0]), choices=arguments)
    if origin is tuple:
        repeated = arguments[-1] is Ellipsis
        entries = arguments[:-1] if repeated else arguments
        return Kind(tuple, entries=tuple(_kind(entry) for entry in entries), repeated=repeated)
    if origin in (Union, UnionType):
        inner = [argument for argument in arguments if argument is not NoneType]
        if len(inner) == 1:
            return replace(_kind(inner[0]), optional=True)
    if annotation in NOUNS or dataclasses.is_dataclass(annotation):
        return Kind(annotation)
    raise TypeError(f"{annotation} is no type of a setting")


def _join(path: str, name: Any) -> str:
    return f"{path}.{name}" if path else str(name)


def _defaults(cls: type) -> dict[str, Any]:
    fields, missing = dataclasses.fields(cls), dataclasses.MISSING
    values = {field.name: field.default for field in fields if field.default is not missing}
    made = {field.name: field.default_factory() for field in fields if field.default_factory is not missing}
    return values | made


def _value(kind: Kind, value: Any, path: str) -> Any:
    """The value as its kind has it; ValueError where it cannot be that."""
    if value is None and kind.optional:
        return None
    or_none = ", or None" if kind.optional else ""
    if dataclasses.is_dataclass(kind.type):
        return build(kind.type, value, path)
    if kind.type is tuple:
        if not isinstance(value, list | tuple) or not (kind.repeated or len(value) == len(kind.entries)):
            raise ValueError(f"{path} = {value!r}; set it to a {kind.noun}{or_none}")
        entries = kind.entries * len(value) if kind.repeated else kind.entries
        places = range(len(value))
        return tuple(_value(entries[i], value[i], _join(path, i)) for i in places)
    fits = isinstance(value, int | float if kind.type is float else kind.type)
    fits = fits and isinstance(value, bool) == (kind.type is bool)  # a bool is an int to Python
    if kind.choices:
        if not fits or value not in kind.choices:
            choices = ", ".join(map(str, kind.choices))
            raise ValueError(f"{path} = {value!r}; choose one of {choices}{or_none}")
    elif kind.type in (int, float) and isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{path} = {value} is no finite number; set one{or_none}")
    elif not fits:
        raise ValueError(f"{path} = {value!r} is no {kind.noun}; set one{or_none}")
    if kind.limit is not None and not kind.limit.allows(value):
        raise ValueError(f"{path} = {value}; {kind.limit.remedy}{or_none}")
    return kind.type(value)
