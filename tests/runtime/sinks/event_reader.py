"""Reads TensorBoard's event files by their format alone, checksums included."""

import struct

from tensorboardX.crc32c import crc32c
from tensorboardX.proto.event_pb2 import Event


def _masked(data: bytes) -> int:
    value = crc32c(data)
    return (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def events(folder) -> list[Event]:
    """All of a folder's files, which must be whole."""
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data, place = path.read_bytes(), 0
        while place < len(data):
            length, check = struct.unpack_from("<QI", data, place)
            assert check == _masked(data[place : place + 8])
            record = data[place + 12 : place + 12 + length]
            assert struct.unpack_from("<I", data, place + 12 + length) == (_masked(record),)
            found.append(Event.FromString(record))
            place += 16 + length
    return found


def scalars(folder, tag: str) -> list[tuple[int, float]]:
    """(step, value) of every point of a metric, in the files' order."""
    told = [(event.step, value) for event in events(folder) for value in event.summary.value]
    return [(step, value.simple_value) for step, value in told if value.tag == tag]


def pictures(folder) -> list[tuple[int, bytes]]:
    """(step, PNG file) of every picture."""
    told = [(event.step, value) for event in events(folder) for value in event.summary.value]
    return [(step, value.image.encoded_image_string) for step, value in told if value.tag == "samples"]
