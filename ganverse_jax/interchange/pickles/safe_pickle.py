"""Pickles as inert data: an opcode interpreter that can neither run nor import anything.

Why not `pickle.Unpickler` with its own `find_class`? Whatever a file may call there is really called
(REDUCE, NEWOBJ), BUILD reaches for `__setstate__` and sets attributes, memo indices and frame lengths
allocate before anything is read (4 GB from a few bytes), and nothing bounds the number of objects. Here
every callable is a `Global`, a name without behaviour; calling it gives an `Inert` record of name and
arguments; what the record means is decided by code that knows the format. `pickletools.genops` would parse
the opcodes, but reads lines and integers of any length.

Bounds: bytes and strings are slices of the file, so lengths are checked against what is left of it; all
else costs at most `_MAX_OPCODES` small objects; nesting of marks, length of names and size of integers are
limited; keys are text or integers (hashing deep tuples recurses in C). Only `ImportedFileError` is raised.
"""

import struct
from collections.abc import Callable, Collection
from typing import Any

from ganverse_jax.interchange.errors import ImportedFileError

_MAX_OPCODES = 200_000  # files of 1024-px networks have about 50,000
_MAX_MARKS = 200  # those files nest 20 deep
_MAX_NAME = 256
_MAX_TEXT = 1 << 22  # ADA pickles carry their sources, about 100 kB each
_MAX_INTEGER = 16  # bytes; the magic number of torch files has 10


class Global:
    """A dotted name of the file's code; nothing stands behind it."""

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name


class Inert:
    """What a call in the file left: its name and arguments, then what was put into the result.

    `items` are the (key, value) pairs set on it, `state` what BUILD gave it, or None.
    """

    __slots__ = ("name", "arguments", "items", "state")

    def __init__(self, name: str, arguments: tuple):
        self.name, self.arguments = name, arguments
        self.items: dict[Any, Any] = {}
        self.state: Any = None


class _Mark:
    """Where a group of operands starts."""


_MARK = _Mark()


def is_call(value: Any, *names: str) -> bool:
    """Whether `value` is the record of a call of one of `names`."""
    return isinstance(value, Inert) and value.name in names


class Reader:
    """One pickle in `data` (any buffer), read from `position` on; `position` then is its end.

    `allowed` are the dotted names that may occur; `persistent` permits references by persistent id
    (records named "persistent id").
    """

    def __init__(
        self,
        data: memoryview,
        allowed: Collection[str],
        *,
        position: int = 0,
        persistent: bool = False,
        max_opcodes: int = _MAX_OPCODES,
    ):
        self._data, self._allowed, self._persistent = data, allowed, persistent
        self._max_opcodes = max_opcodes
        self.position = position
        self._stack: list[Any] = []
        self._marks = 0
        self._memo: dict[int, Any] = {}

    def read(self) -> Any:
        """The pickle's value. Raises ImportedFileError with the position when it is not to be trusted."""
        for _ in range(self._max_opcodes):
            start = self.position
            opcode = self._take(1)[0]
            if opcode == 0x2E:  # STOP
                return self._pop()
            action = _ACTIONS.get(opcode)
            if action is None:
                raise ImportedFileError(
                    f"opcode {opcode:#04x} at byte {start} is none of those that weights need; the file is "
                    "damaged or something else"
                )
            action(self)
        raise ImportedFileError(f"more than {self._max_opcodes} opcodes; no file of weights needs as many")

    # Reading the file.

    def _take(self, count: int) -> memoryview:
        end = self.position + count
        if count < 0 or end > len(self._data):
            raise ImportedFileError(
                f"{count} bytes are announced at byte {self.position} of {len(self._data)}; the file is "
                "truncated or damaged: download it again"
            )
        start, self.position = self.position, end
        return self._data[start:end]

    def _number(self, layout: str) -> int:
        return struct.unpack(layout, self._take(struct.calcsize(layout)))[0]

    def _text(self, length: int, encoding: str = "utf-8") -> str:
        if length > _MAX_TEXT:
            raise self._odd(f"a text of {length} bytes")
        try:
            return str(self._take(length), encoding)
        except UnicodeDecodeError as error:
            raise self._odd(f"text that is not {encoding}") from error

    def _line(self) -> str:
        window = bytes(self._data[self.position : self.position + _MAX_NAME])
        length = window.find(b"\n")
        if length < 0:
            raise ImportedFileError(f"a name at byte {self.position} does not end; the file is damaged")
        text = self._text(length)
        self.position += 1
        return text

    # The stack.

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            raise self._odd("an operand is missing")
        return self._stack.pop()

    def _top(self) -> Any:
        value = self._pop()
        self._stack.append(value)
        return value

    def _mark(self) -> None:
        self._marks += 1
        if self._marks > _MAX_MARKS:
            raise self._odd(f"nested more than {_MAX_MARKS} deep")
        self._stack.append(_MARK)

    def _pop_marked(self) -> list[Any]:
        if not self._marks:
            raise self._odd("a mark is missing")
        self._marks -= 1
        start = len(self._stack) - 1
        while self._stack[start] is not _MARK:
            start -= 1
        values = self._stack[start + 1 :]
        del self._stack[start:]
        return values

    def _odd(self, what: str) -> ImportedFileError:
        return ImportedFileError(f"{what} before byte {self.position}; the file is damaged or something else")

    # Values.

    def _integer(self, length: int) -> None:
        if length > _MAX_INTEGER:
            raise self._odd(f"an integer of {length} bytes")
        self._push(int.from_bytes(self._take(length), "little", signed=True))

    def _tuple(self, count: int) -> None:
        values = [self._pop() for _ in range(count)]
        self._push(tuple(reversed(values)))

    def _global(self, module: Any, name: Any) -> None:
        full = f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else "?"
        if full not in self._allowed:
            raise ImportedFileError(
                f"the file asks for {full[:_MAX_NAME]!r}, which no file of weights needs; it was refused and "
                "nothing was executed"
            )
        self._push(Global(full))

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        self._global(module, name)

    def _call(self) -> None:
        arguments, called = self._pop(), self._pop()
        if not isinstance(called, Global) or not isinstance(arguments, tuple):
            raise self._odd(f"a {type(called).__name__} is called with a {type(arguments).__name__}")
        self._push(Inert(called.name, arguments))

    def _persistent_id(self) -> None:
        if not self._persistent:
            raise self._odd("a reference to something outside the file")
        self._push(Inert("persistent id", (self._pop(),)))

    def _build(self) -> None:
        state, target = self._pop(), self._top()
        if not isinstance(target, Inert) or target.state is not None:
            raise self._odd(f"state for a {type(target).__name__}")
        target.state = state

    def _append(self, values: list[Any]) -> None:
        target = self._top()
        if not isinstance(target, list):
            raise self._odd(f"an element for a {type(target).__name__}")
        target.extend(values)

    def _set(self, values: list[Any]) -> None:
        target = self._top()
        items = target.items if isinstance(target, Inert) else target
        if not isinstance(items, dict) or len(values) % 2:
            raise self._odd(f"items for a {type(target).__name__}")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, str | int):
                raise self._odd(f"a key that is a {type(key).__name__}")
            items[key] = value

    def _get(self, index: int) -> None:
        if index not in self._memo:
            raise self._odd(f"a reference to item {index}, which is not there")
        self._push(self._memo[index])

    def _put(self, index: int) -> None:
        self._memo[index] = self._top()


_Action = Callable[[Reader], Any]


def _value(make: Callable[[Reader], Any]) -> _Action:
    return lambda r: r._push(make(r))


# Sets become lists, byte arrays bytes: nothing here needs more. A frame's length is not needed at all.
_ACTIONS: dict[int, _Action] = {
    ord(key) if isinstance(key, str) else key: action
    for key, action in {
        0x80: lambda r: r._take(1),  # PROTO
        0x95: lambda r: r._take(8),  # FRAME
        "(": Reader._mark,
        "0": lambda r: r._pop_marked() if r._stack and r._stack[-1] is _MARK else r._pop(),
        "1": Reader._pop_marked,
        "2": _value(Reader._top),
        "N": _value(lambda r: None),
        0x88: _value(lambda r: True),
        0x89: _value(lambda r: False),
        "J": _value(lambda r: r._number("<i")),
        "K": _value(lambda r: r._number("<B")),
        "M": _value(lambda r: r._number("<H")),
        0x8A: lambda r: r._integer(r._number("<B")),
        0x8B: lambda r: r._integer(r._number("<I")),
        "G": _value(lambda r: r._number(">d")),
        "X": _value(lambda r: r._text(r._number("<I"))),
        0x8C: _value(lambda r: r._text(r._number("<B"))),
        0x8D: _value(lambda r: r._text(r._number("<Q"))),
        "T": _value(lambda r: r._text(r._number("<I"), "latin-1")),  # strings of Python 2
        "U": _value(lambda r: r._text(r._number("<B"), "latin-1")),
        "B": _value(lambda r: r._take(r._number("<I"))),
        "C": _value(lambda r: r._take(r._number("<B"))),
        0x8E: _value(lambda r: r._take(r._number("<Q"))),
        0x96: _value(lambda r: r._take(r._number("<Q"))),  # BYTEARRAY8
        "]": _value(lambda r: []),
        "a": lambda r: r._append([r._pop()]),
        "e": lambda r: r._append(r._pop_marked()),
        0x8F: _value(lambda r: []),  # EMPTY_SET
        0x90: lambda r: r._append(r._pop_marked()),  # ADDITEMS
        "}": _value(lambda r: {}),
        "s": lambda r: r._set([r._pop(), r._pop()][::-1]),
        "u": lambda r: r._set(r._pop_marked()),
        ")": _value(lambda r: ()),
        0x85: lambda r: r._tuple(1),
        0x86: lambda r: r._tuple(2),
        0x87: lambda r: r._tuple(3),
        "t": _value(lambda r: tuple(r._pop_marked())),
        "c": lambda r: r._global(r._line(), r._line()),
        0x93: Reader._stack_global,
        "R": Reader._call,
        0x81: Reader._call,  # NEWOBJ
        "b": Reader._build,
        "Q": Reader._persistent_id,
        "h": lambda r: r._get(r._number("<B")),
        "j": lambda r: r._get(r._number("<I")),
        "q": lambda r: r._put(r._number("<B")),
        "r": lambda r: r._put(r._number("<I")),
        0x94: lambda r: r._put(len(r._memo)),  # MEMOIZE
    }.items()
}
