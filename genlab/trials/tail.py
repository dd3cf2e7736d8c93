"""The lines of a run's metrics as they come, and what they say of a target."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from genlab.config.stage import stages_of
from genlab.errors import InputError
from genlab.metrics.measurement import metric_of
from genlab.storage import files, sidefile
from genlab.trials.trial import Trial


class Tail:
    """Reads a growing `metrics.jsonl`, each line once.

    A run that resumes puts a shortened file in the place of the old one; it is read from its start
    then, so that a step may come again.
    """

    def __init__(self, path: Path):
        self._path = path
        self._file, self._offset = None, 0

    def lines(self) -> list[dict[str, Any]]:
        """The whole lines since the last call: step, split and values; none without the file.

        One that is damaged is left out, with a warning.
        """
        try:
            with files.opened(self._path) as file:
                # Of the file that is open: another may have taken its place by now.
                identity = os.fstat(file.fileno()).st_ino
                if identity != self._file:
                    self._file, self._offset = identity, 0
                file.seek(self._offset)
                text = file.read()
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (OSError, InputError) as error:
            sidefile.pass_over(self._path, str(error))
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        found = [sidefile.metrics_line(line) for line in whole.split(b"\n") if line]
        if None in found:
            sidefile.pass_over(self._path, "it has damaged lines, the others count")
        return [line for line in found if line is not None]


class Evaluations:
    """The values that a target takes while a trial trains.

    Args:
      trial: whose config says on which split it evaluates, `eval.split`.
      sweep: the folder of the sweep.
      target: `NAME`, or `-NAME` for one that is maximised.

    Attributes:
      begin: round before the first of the last stage; evaluations up to it are of a state that is
        not trained yet, and say nothing of a trial.
      end: its last round.
    """

    def __init__(self, trial: Trial, sweep: Path, target: str):
        self._tail = Tail(trial.folder(sweep) / "metrics.jsonl")
        self._target, self._split = target, trial.config["eval"]["split"]
        last = stages_of(trial.config)[-1]
        self.begin, self.end = last.begin, last.end
        self._seen = self.begin

    def new(self) -> Iterator[tuple[int, float]]:
        """Step and value of each evaluation since the last call; NaN where there is none.

        Raises:
          InputError: an evaluation has no such value; lists the ones it has.
        """
        for line in self._tail.lines():
            if line["split"] != self._split:
                continue
            value = value_of(line["values"], self._target)
            if line["step"] > self._seen:
                self._seen = line["step"]
                yield line["step"], math.nan if value is None else value


def value_of(values: dict[str, float | None], target: str) -> float | None:
    """The target among measured values, its sign as measured.

    Returns:
      None where it was not finite, or where its metric failed at this evaluation.

    Raises:
      InputError: its metric has no such value; lists the ones that are measured.
    """
    name = target.removeprefix("-")
    if name in values:
        return values[name]
    if metric_of(name) not in map(metric_of, values):
        return None
    raise InputError(
        f"--target={target} is not measured; measured are {', '.join(values)}"
    )


def loss_of(value: float, target: str) -> float:
    """What a search minimises: the value, or its negative for `-NAME`."""
    return -value if target.startswith("-") else value
