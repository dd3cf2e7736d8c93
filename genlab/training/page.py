"""The page of a run that trains: `report.html`, written anew while there is something new."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genlab.process import display

SHARE = 0.02  # of the time at most that writing it takes
FIRST = 2.0  # seconds before which there is little to show

_log = logging.getLogger("genlab")


class Page:
    """Writes the report of a run folder so seldom that it takes SHARE of the time at most.

    Args:
      workdir: the run folder.
    """

    def __init__(self, workdir: Path):
        self._workdir = workdir
        self._due = time.monotonic() + FIRST
        self._begun = False

    def begin(self) -> None:
        """From here on the folder is this run's."""
        self._begun = True

    def refresh(self) -> None:
        """Writes the page if it is due; one that cannot be written costs the training nothing."""
        begun = time.monotonic()
        if begun >= self._due:
            self._write()
            now = time.monotonic()
            self._due = now + (now - begun) / SHARE

    def end(self) -> None:
        """Writes the page of a run that stops here."""
        if self._begun:
            self._write()

    def _write(self) -> None:
        from genlab.reporting.report import write_report

        with display.doing("writing the report"):
            try:
                write_report(self._workdir)
            except Exception as error:  # noqa: BLE001 it can be made again by `report`
                _log.warning("report.html cannot be written: %s", error)


@contextmanager
def kept(workdir: Path) -> Iterator[Page]:
    """Inside, a run trains; where it ends early, its page says how far it came."""
    page = Page(workdir)
    try:
        yield page
    except Exception:
        page.end()
        raise
