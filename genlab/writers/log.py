"""The log of a run: its own record, and the writers that a config chose beside it.

A writer is a class. It is made with the `Subject` that it writes of, has `write(step, split, values)`
and `close()`, and may have `picture(step, plot, path)`. It names the packages that it imports in
`PACKAGES`, and in `EXTRA` the extra of genlab that installs them, where there is one. A writer that fails
is left out from there on, and is not closed; the training is worth more than its log.
"""

import importlib.util
import inspect
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlab import shipped
from genlab.errors import InputError
from genlab.process import display
from genlab.registry import writers
from genlab.storage.writer import Writer

_log = logging.getLogger("genlab")


@dataclass(frozen=True)
class Subject:
    """The run that is written of.

    Attributes:
      folder: the run folder.
      run: what tells the run from every other, the same when it goes on.
      config: its plain config.
      step: the step that it goes on from.
    """

    folder: Path
    run: str
    config: dict[str, Any]
    step: int

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.absolute().name


class Log:
    """Writes to `metrics.jsonl`, and what is new there to every writer chosen.

    Args:
      subject: the run.

    Raises:
      InputError: a link or a pipe lies where one of the files should, or the disk is full; none of
        the others is left open.
    """

    def __init__(self, subject: Subject):
        self._record = Writer(subject.folder, subject.step)
        self._others: dict[str, Any] = {}
        try:
            for name, knobs in _split(subject.config["writers"]):
                with display.doing(f"opening the writer {name}"):
                    self._open(name, knobs, subject)
        except BaseException:
            self.close()
            raise

    def write(self, step: int, split: str, values: Mapping[str, float]) -> None:
        """One line: the values of a split (`train`, `validation`, `time`, ...) at a step.

        Raises:
          InputError: the disk is full.
        """
        if self._record.write(step, split, values):
            self._tell("write", step, split, values)

    def picture(self, step: int, plot: str, path: Path) -> None:
        """A picture of the state after `step` rounds, a PNG file."""
        self._tell("picture", step, plot, path)

    def close(self) -> None:
        """Closes all of them."""
        self._record.close()
        self._tell("close")

    def _open(self, name: str, knobs: dict[str, Any], subject: Subject) -> None:
        try:
            self._others[name] = writers.build(name, subject, **knobs)
        except InputError:
            raise
        except Exception as error:  # noqa: BLE001 whatever a tracker raises
            _left_out(name, error)

    def _tell(self, method: str, *arguments: Any) -> None:
        for name, other in list(self._others.items()):
            try:
                if hasattr(other, method):
                    getattr(other, method)(*arguments)
            except Exception as error:  # noqa: BLE001 whatever a tracker raises
                del self._others[name]
                _left_out(name, error)


class Unwritten:
    """The log of a process that writes none, since another one of its run does."""

    def write(self, step: int, split: str, values: Mapping[str, float]) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def check(chosen: Iterable[Any]) -> None:
    """Whether every writer of a config can write, asked before anything is trained.

    Raises:
      InputError: a package that is not installed, or a part that is no writer.
    """
    for name, _ in _split(chosen):
        part = writers.find(name)
        if not inspect.isclass(part) or not callable(getattr(part, "write", None)):
            raise InputError(
                f"writer {name!r} is no class with write(step, split, values) and close()"
            )
        for package in getattr(part, "PACKAGES", ()):
            spec = importlib.util.find_spec(package)
            # A folder of that name, as trackers leave behind, is no package.
            if spec is None or spec.origin is None:
                extra = getattr(part, "EXTRA", None)
                told = "" if extra is None else f": {shipped.install(extra)}"
                raise InputError(
                    f"writer {name!r} needs {package}, which is not installed{told}"
                )


def _split(chosen: Iterable[Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    for choice in chosen:
        knobs = {"name": choice} if isinstance(choice, str) else dict(choice)
        yield knobs.pop("name"), knobs


def _left_out(name: str, error: Exception) -> None:
    reason = str(error).strip().partition("\n")[0]
    _log.warning(
        "writer %r fails and is left out from here on: %s: %s",
        name,
        type(error).__name__,
        reason,
    )
