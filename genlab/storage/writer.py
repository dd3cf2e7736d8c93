"""What a run writes about itself as it trains: metrics.jsonl, the source of truth."""

import json
import math
import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from genlab.storage import files
from genlab.storage.files import write_atomic

Key = tuple[int, str, frozenset[str]]  # what a line is of: step, split, value names


class Writer:
    """Appends metrics to `metrics.jsonl`.

    What a killed run wrote after its last checkpoint is dropped, and what is measured again where
    the run resumes takes the place of what was there: a line that has the step, the split and all
    values of another. So the losses and an evaluation of the same split stand beside each other.

    Args:
      workdir: the run folder.
      step: the step that the run resumes from.

    Raises:
      InputError: a link or a pipe lies where the file should.
    """

    def __init__(self, workdir: Path, step: int = 0):
        self._path = workdir / "metrics.jsonl"
        kept = cut(workdir, step)
        self._standing = {key for key in map(_key, kept) if key and key[0] == step}
        self._file = self._open()

    def write(self, step: int, split: str, values: Mapping[str, float]) -> bool:
        """One line: the values of a split (`train`, `validation`, `time`, ...) at a step.

        Returns:
          Whether it is new; where not, it takes the place of what was there.

        Raises:
          InputError: the disk is full.
        """
        line = {"step": step, "split": split, "values": finite_or_none(values)}
        key = (step, split, frozenset(values))
        is_new = not any(_covers(key, old) for old in self._standing)
        if not is_new:
            self._forget(key)
        with files.about(self._path):
            files.write_whole(self._file, (json.dumps(line) + "\n").encode())
        return is_new

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _open(self) -> BinaryIO:
        return os.fdopen(files.append(self._path), "ab", buffering=0)

    def _forget(self, key: Key) -> None:
        """Drops what is to be written again."""
        self._standing = {old for old in self._standing if not _covers(key, old)}
        self._file.close()
        lines = _lines(self._path.parent)
        kept = [line for line in lines if not _covers(key, _key(line))]
        write_atomic(self._path, "".join(kept))
        self._file = self._open()


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


def last_values(workdir: Path, split: str) -> dict[str, float]:
    """The values of the last line of a split in the log of a run folder that are numbers; empty
    where there is none."""
    for line in reversed(_lines(workdir)):
        if (key := _key(line)) and key[1] == split:
            values = json.loads(line)["values"]
            return {name: value for name, value in values.items() if value is not None}
    return {}


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
