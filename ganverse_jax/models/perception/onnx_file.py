"""What an ONNX file tells before a session is opened, which takes seconds: its kind, outputs and origin.

Such a file is one protobuf message: fields of (number, wire type), texts and messages with their length
before them (https://protobuf.dev/programming-guides/encoding). Nothing but the ends of the fields is read.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np

# Numbers in onnx.proto: of a model, of its graph, and of one of the graph's values.
_IR_VERSION, _GRAPH, _OUTPUT, _NAME = 1, 7, 12, 1
_MOST_FIELDS = 64  # numbers go up to 26; those of other files' bytes are far higher
_INTEGER, _LONG, _BYTES, _SHORT = 0, 1, 2, 5  # wire types
_OUTPUTS = 4  # of a Mask R-CNN at least
# ImageNet's mean, of torchvision's `GeneralizedRCNNTransform`: a constant of its exports and of no other's.
_NORMALISES_ITSELF = np.array([0.485, 0.456, 0.406], "<f4").tobytes()


def check_network(path: Path) -> None:
    """Raise ValueError, with the reason, for what is no ONNX file, cut short, or without enough outputs."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            model = dict(_fields(data, 0, len(data)))
            if not {_IR_VERSION, _GRAPH} <= set(model):
                raise ValueError("it holds no graph")
            graph = _fields(data, *model[_GRAPH])
            outputs = [_name(data, *span) for number, span in graph if number == _OUTPUT]
    except ValueError as error:
        raise ValueError(f"{path} is no ONNX network, or damaged ({error})") from error
    if len(outputs) < _OUTPUTS:
        raise ValueError(
            f"{path} gives {', '.join(outputs) or 'nothing'}; a Mask R-CNN gives boxes, labels, scores and "
            "masks"
        )


def told_card(path: Path, card: str | None) -> str:
    """The name of the file's card; ValueError where `card` is another than the file tells."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        normalises_itself = data.find(_NORMALISES_ITSELF) >= 0
    if card is None:
        return "torchvision" if normalises_itself else "onnx_zoo"
    if card == "onnx_zoo" and normalises_itself:
        raise ValueError(
            f"card = 'onnx_zoo', but {path} normalises pictures itself, as "
            "torchvision's exports do; set it to 'torchvision', or to None"
        )
    return card


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """(number, (start, end)) of each field of the message in `data` from `start` to `end`."""
    while start < end:
        key, start = _integer(data, start, end)
        number, wire = key >> 3, key & 7
        if not 0 < number < _MOST_FIELDS or wire not in (_INTEGER, _LONG, _BYTES, _SHORT):
            raise ValueError("it is not made of protobuf's fields")
        if wire == _INTEGER:
            _, stop = _integer(data, start, end)
        elif wire == _BYTES:
            length, start = _integer(data, start, end)
            stop = start + length
        else:
            stop = start + (8 if wire == _LONG else 4)
        if stop > end:
            raise ValueError(f"a part of {stop - start} bytes, where {end - start} are left")
        yield number, (start, stop)
        start = stop


def _integer(data: mmap.mmap, start: int, end: int) -> tuple[int, int]:
    """A number of 7 bits a byte, the lowest first, at `start`, and where it ends."""
    value = 0
    for place in range(min(10, end - start)):
        value |= (data[start + place] & 0x7F) << 7 * place
        if data[start + place] < 0x80:
            return value, start + place + 1
    raise ValueError("it is not made of protobuf's fields")


def _name(data: mmap.mmap, start: int, end: int) -> str:
    return next(
        (
            data[slice(*span)].decode("utf-8", "replace")
            for number, span in _fields(data, start, end)
            if number == _NAME
        ),
        "",
    )
