"""What a run writes about itself as it trains: metrics.jsonl, and TensorBoard's events beside it."""

import json
import math
import os
import secrets
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from genlab.storage import files
from genlab.storage.files import write_atomic

Key = tuple[int, str, frozenset[str]]  # what a line is of: step, split, value names


class Writer:
    """Appends metrics to `metrics.jsonl`, the source of truth, and to TensorBoard beside it.

    What a killed run wrote after its last checkpoint is dropped, and what is measured again where
    the run resumes takes the place of what was there: a line that has the step, the split and all
    values of another. So the losses and an evaluation of the same split stand beside each other.

    Args:
      workdir: the run folder.
      step: the step that the run resumes from.

    Raises:
      InputError: a link or a pipe lies where one of the files should.
    """

    def __init__(self, workdir: Path, step: int = 0):
        self._path = workdir / "metrics.jsonl"
        kept = cut(workdir, step)
        self._standing = {key for key in map(_key, kept) if key and key[0] == step}
        self._file = self._open()
        self._events = _Events(workdir / "tensorboard", step)

    def write(self, step: int, split: str, values: Mapping[str, float]) -> None:
        """One line: the values of a split (`train`, `validation`, `time`, ...) at a step.

        Raises:
          InputError: the disk is full.
        """
        line = {"step": step, "split": split, "values": finite_or_none(values)}
        key = (step, split, frozenset(values))
        if any(_covers(key, old) for old in self._standing):
            self._forget(key)
        else:
            self._events.write(step, split, values)
        with files.about(self._path):
            _write(self._file, (json.dumps(line) + "\n").encode())

    def close(self) -> None:
        """Closes both."""
        self._file.close()
        self._events.close()

    def _open(self) -> BinaryIO:
        return os.fdopen(files.append(self._path), "ab", buffering=0)

    def _forget(self, key: Key) -> None:
        """Drops what is to be written again; TensorBoard, which cannot, keeps the first."""
        self._standing = {old for old in self._standing if not _covers(key, old)}
        self._file.close()
        lines = _lines(self._path.parent)
        kept = [line for line in lines if not _covers(key, _key(line))]
        write_atomic(self._path, "".join(kept))
        self._file = self._open()


class _Events:
    """TensorBoard's file of one process.

    The writer that tensorboardX has puts events into a queue, behind which a thread dies of a full
    disk unseen; the queue then fills, and training waits for ever.
    """

    def __init__(self, folder: Path, step: int):
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        files.refuse_link(folder)
        folder.mkdir(exist_ok=True)
        name = f"{time.time():.0f}.{socket.gethostname()}.{secrets.token_hex(8)}"
        self._path = folder / f"events.out.tfevents.{name}"
        with files.about(self._path):
            self._file = self._path.open("xb", buffering=0)
        self._add(Event(file_version="brain.Event:2"))
        # Hides what an earlier process wrote of later steps.
        self._add(Event(step=step + 1, session_log=SessionLog(status=SessionLog.START)))

    def write(self, step: int, split: str, values: Mapping[str, float]) -> None:
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.summary import scalar

        for name, value in values.items():
            self._add(Event(step=step, summary=scalar(f"{split}/{name}", value)))

    def close(self) -> None:
        self._file.close()

    def _add(self, event: Any) -> None:
        """One record: length and content, each followed by its checksum."""
        from tensorboardX.record_writer import masked_crc32c

        event.wall_time = time.time()
        content = event.SerializeToString()
        parts = (struct.pack("<Q", len(content)), content)
        record = b"".join(p + struct.pack("<I", masked_crc32c(p)) for p in parts)
        with files.about(self._path):
            _write(self._file, record)


def cut(workdir: Path, step: int) -> list[str]:
    """Drops from the log of a run folder what is of later steps or was written again.

    Returns:
      The lines that stay, those that are damaged among them.
    """
    lines = _lines(workdir)
    if lines and _key(lines[-1]) is None:
        lines.pop()  # cut short by a kill
    kept, later = [], defaultdict(list)  # step and split -> the keys behind a line
    for line in reversed(lines):
        if (key := _key(line)) is not None:
            behind = later[key[:2]]
            if key[0] > step or any(_covers(known, key) for known in behind):
                continue
            behind.append(key)
        kept.append(line)
    kept.reverse()
    if (path := workdir / "metrics.jsonl").exists():
        write_atomic(path, "".join(kept))
    return kept


def last_step(workdir: Path) -> int:
    """The last step that the log of a run folder speaks of; 0 where there is no log."""
    keys = [_key(line) for line in _lines(workdir)]
    return max((key[0] for key in keys if key), default=0)


def lines_of(workdir: Path, step: int, split: str) -> int:
    """How many lines of the split at the step the log of a run folder has."""
    keys = map(_key, _lines(workdir))
    return sum(key is not None and key[:2] == (step, split) for key in keys)


def finite_or_none(values: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers that JSON has; None in the place of the others."""
    return {
        name: float(value) if math.isfinite(value) else None
        for name, value in values.items()
    }


def _lines(workdir: Path) -> list[str]:
    """The lines of the log with their ends, also those that are damaged."""
    try:
        with files.opened(workdir / "metrics.jsonl", follow=False) as file:
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return [line + "\n" for line in text.split("\n") if line]


def _key(text: str) -> Key | None:
    """What a line is of; None for one that is damaged."""
    try:
        line = json.loads(text)
        step, split, names = line["step"], line["split"], frozenset(line["values"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    known = type(step) is int and isinstance(split, str)
    return (step, split, names) if known else None


def _covers(key: Key, old: Key | None) -> bool:
    """Whether a line says anew all that an older one said."""
    return old is not None and key[:2] == old[:2] and old[2] <= key[2]


def _write(file: BinaryIO, content: bytes) -> None:
    """All of it, without a buffer that a full disk would be met with again on closing."""
    while content:
        content = content[file.write(content) :]
