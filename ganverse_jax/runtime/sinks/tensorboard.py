"""TensorBoard's event files in <workdir>/tensorboard, a folder ("run" in TensorBoard) for every stage."""

import io
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary

FOLDER = "tensorboard"


def events_of(path: Path) -> Iterator[Event]:
    """The events of a file, up to one that a kill cut short.

    A record is its length (uint64), a checksum, the bytes and a checksum (uint32 each).
    """
    data = io.BytesIO(path.read_bytes())
    while len(head := data.read(12)) == 12:
        (length,) = struct.unpack_from("<Q", head)
        record = data.read(length + 4)
        if len(record) < length + 4:
            return
        yield Event.FromString(record[:length])


class EventFiles:
    """The sink. What it was told is on the disk when a call returns: a kill loses nothing.

    tensorboardX's own SummaryWriter hands events to a thread, which a kill would take with it.
    """

    def __init__(self, workdir: Path):
        self._folder = workdir / FOLDER
        self._writers: dict[str, EventsWriter] = {}
        self.new = not self._folder.exists()
        self._folder.mkdir(parents=True, exist_ok=True)

    def write(self, stage: str, step: int, scalars: Mapping[str, float]) -> None:
        """A curve for every metric."""
        values = [Summary.Value(tag=name, simple_value=value) for name, value in scalars.items()]
        self._tell(stage, step, summary=Summary(value=values))

    def write_anew(self, stage: str, step: int, scalars: Mapping[str, float]) -> None:
        """A point for every figure."""
        self.rewind(stage, -1, ())
        self.write(stage, step, scalars)

    def picture(self, stage: str, step: int, path: Path) -> None:
        """The file as it is."""
        with Image.open(path) as image:
            size = dict(width=image.width, height=image.height, colorspace=len(image.getbands()))
        image = Summary.Image(encoded_image_string=path.read_bytes(), **size)
        self._tell(stage, step, summary=Summary(value=[Summary.Value(tag="samples", image=image)]))

    def rewind(self, stage: str, step: int, dropped: Sequence[Mapping[str, Any]]) -> None:
        """Rewrite the stage's files without what came after `step`; a TensorBoard that shows it drops it."""
        files = self._files(stage)
        if not files:
            return
        if stage in self._writers:
            self._writers.pop(stage).close()
        kept = {}  # once, though a kill may have left an old file beside the one that it was rewritten to
        for event in (event for path in files for event in events_of(path)):
            if event.WhichOneof("what") == "summary" and event.step <= step:
                kept[event.step, event.summary.value[0].tag] = event
        for event in kept.values():
            self._writer(stage).write_event(event)
        self._tell(stage, step + 1, session_log=SessionLog(status=SessionLog.START))
        for path in files:
            path.unlink()

    def close(self) -> None:
        """Close the files."""
        while self._writers:
            self._writers.popitem()[1].close()

    def _tell(self, stage: str, step: int, **what: Any) -> None:
        writer = self._writer(stage)
        writer.write_event(Event(wall_time=time.time(), step=step, **what))
        writer.flush()

    def _files(self, stage: str) -> list[Path]:
        return sorted((self._folder / stage).glob("events.out.tfevents.*"))

    def _writer(self, stage: str) -> EventsWriter:
        if stage not in self._writers:
            folder = self._folder / stage
            folder.mkdir(parents=True, exist_ok=True)
            # The name tells seconds, in which a stage may be rewound.
            self._writers[stage] = EventsWriter(str(folder / "events"), f".{time.time_ns()}")
        return self._writers[stage]
