"""TensorBoard's events, in the run folder's `tensorboard`."""

import json
import secrets
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from PIL import Image

from genlab.registry import writers
from genlab.storage import files
from genlab.writers.log import Subject


@writers.register
class Tensorboard:
    """Scalars, pictures and the config for `tensorboard --logdir=runs`.

    The writer that tensorboardX has puts events into a queue, behind which a thread dies of a full
    disk unseen; the queue then fills, and training waits for ever.
    """

    PACKAGES: ClassVar = ("tensorboardX",)
    EXTRA: ClassVar = ""

    def __init__(self, run: Subject):
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.summary import text

        folder = run.folder / "tensorboard"
        files.refuse_link(folder)
        folder.mkdir(exist_ok=True)
        name = f"{time.time():.0f}.{socket.gethostname()}.{secrets.token_hex(8)}"
        self._path = folder / f"events.out.tfevents.{name}"
        with files.about(self._path):
            self._file = self._path.open("xb", buffering=0)
        self._add(Event(file_version="brain.Event:2"))
        # Hides what an earlier process wrote of later steps.
        start = SessionLog(status=SessionLog.START)
        self._add(Event(step=run.step + 1, session_log=start))
        config = json.dumps(run.config, indent=4)
        as_code = "".join(f"    {line}\n" for line in config.splitlines())
        self._add(Event(step=run.step, summary=text("config", as_code)))

    def write(self, step: int, split: str, values: Mapping[str, float]) -> None:
        """A scalar for each value, `SPLIT/NAME`."""
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        for name, number in values.items():
            value = Summary.Value(tag=f"{split}/{name}", simple_value=number)
            self._add(Event(step=step, summary=Summary(value=[value])))

    def picture(self, step: int, plot: str, path: Path) -> None:
        """The PNG file as it is."""
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        with Image.open(path) as picture:
            width, height = picture.size
        image = Summary.Image(
            height=height,
            width=width,
            colorspace=3,
            encoded_image_string=path.read_bytes(),
        )
        value = Summary.Value(tag=f"samples/{plot}", image=image)
        self._add(Event(step=step, summary=Summary(value=[value])))

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _add(self, event: Any) -> None:
        """One record: length and content, each followed by its checksum."""
        from tensorboardX.record_writer import masked_crc32c

        event.wall_time = time.time()
        content = event.SerializeToString()
        parts = (struct.pack("<Q", len(content)), content)
        record = b"".join(p + struct.pack("<I", masked_crc32c(p)) for p in parts)
        try:
            with files.about(self._path):
                files.write_whole(self._file, record)
        except BaseException:
            self._file.close()  # a writer that fails is left out as it is
            raise
